#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/nn/module.hpp"

#include <memory>
#include <utility>

namespace foglift::inline v0::train {

/// A network that is used and not trained: called on a Var it passes gradients on to what it was
/// given, and none reaches its weights. A member of a model that the model's `each` does not name,
/// it is neither trained nor saved, and copies of the model share it.
template <nn::Module Net>
class Frozen {
 public:
  explicit Frozen(std::shared_ptr<const Net> network) : network_(std::move(network)) {}

  /// network(x, args...), of a Tensor or a Var. Throws ArgumentError if a weight is in use on the
  /// tape of x already, and what the network throws.
  template <Value X, class... Args>
  auto operator()(const X& x, const Args&... args) const {
    if constexpr (Recorded<X>) x.tape().freeze(*network_);
    return (*network_)(x, args...);
  }

  const Net& network() const { return *network_; }
  /// f(network), for PackedWeights.
  template <class F>
  void each_part(const F& f) const {
    f(*network_);
  }

 private:
  std::shared_ptr<const Net> network_;
};

/// A network that is frozen: a named one is referred to and must outlive the result, a temporary is
/// kept. The running average of a run is a teacher of its network so (Tarvainen & Valpola 2017):
///
///   const auto teacher = denoise.of(train::frozen(state.ema));
template <nn::Module Net>
Frozen<Net> frozen(const Net& network) {
  return Frozen<Net>({std::shared_ptr<void>(), &network});
}
template <nn::Module Net>
  requires(!std::is_reference_v<Net> && !std::is_const_v<Net>)
Frozen<Net> frozen(Net&& network) {
  return Frozen<Net>(std::make_shared<const Net>(std::move(network)));
}

}  // namespace foglift::inline v0::train
