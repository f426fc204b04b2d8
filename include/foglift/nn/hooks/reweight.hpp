#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/hook.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {
namespace hooks {

/// Attention to key m counts factors[m] times at the places named; rows are not brought back to sum
/// 1 (Hertz et al. 2023, prompt-to-prompt, attention re-weighting): more or less of one element of
/// a condition. Throws ArgumentError for a name that is no attention of the network, ShapeError
/// where an attention has another number of keys.
///
///   nn::hooks::Reweight more({"middle.cross"}, {1, 1, 2.5});
template <Scalar T = float>
class Reweight {
 public:
  static constexpr bool alike = true;

  Reweight(std::vector<std::string> names, const std::vector<double>& factors)
      : names_(std::move(names)), factors_(Shape{static_cast<Index>(factors.size())}) {
    for (std::size_t m = 0; m < factors.size(); ++m)
      factors_[static_cast<Index>(m)] = static_cast<T>(factors[m]);
  }

  void start(const Places& places) const {
    check_places("Reweight", places, names_, places.attention);
  }
  bool needs_weights(const Place& at) const { return named(names_, at); }
  template <Value X>
  std::optional<X> weights(const Place& at, const X& w) const {
    if (!named(names_, at)) return std::nullopt;
    if (w.dim(-1) != factors_.size())
      raise<ShapeError>("Reweight: ", factors_.size(), " factors at ", at.name, ", which has ",
                        w.dim(-1), " keys");
    return w * constant(factors_, w);
  }

 private:
  std::vector<std::string> names_;
  Tensor<T> factors_;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
