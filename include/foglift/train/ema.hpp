#pragma once

#include "foglift/nn/module.hpp"
#include "foglift/train/pieces.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace train {

/// Decay of an exponential moving average at its update 0, 1, 2...: with warm-up, min(decay, (1 +
/// update) / (10 + update)), so that the first weights are soon forgotten (as in TensorFlow).
struct EmaDecay {
  double decay = 0.999;
  bool warm_up = true;

  double operator()(Index update) const {
    const auto n = static_cast<double>(update);
    return warm_up ? std::min(decay, (1 + n) / (10 + n)) : decay;
  }
};

/// f(name, Parameter& of a, const Parameter& of b) for every parameter of two models of one type.
/// Throws ShapeError if they were built differently.
template <nn::Module M, class F>
void for_each_pair(const std::string& where, M& a, const M& b, F&& f) {
  std::vector<std::pair<std::string, const void*>> others;
  nn::for_each_parameter(
      b, [&](const std::string& name, const auto& p) { others.emplace_back(name, &p); });
  std::size_t count = 0;
  const auto visit = [&](const auto& g) {
    count = 0;
    nn::for_each_parameter(a, [&]<class T>(const std::string& name, Parameter<T>& p) {
      if (count == others.size() || others[count].first != name)
        raise<ShapeError>(where, ": '", name, "' is in one model, ",
                          count == others.size() ? "nothing" : "'" + others[count].first + "'",
                          " in the other");
      g(name, p, *static_cast<const Parameter<T>*>(others[count++].second));
    });
  };
  visit([&](const std::string& name, const auto& p, const auto& q) {
    if (p.value.shape() != q.value.shape())
      raise<ShapeError>(where, ": '", name, "' has shape ", p.value.shape(), " in one model, ",
                        q.value.shape(), " in the other");
  });
  if (count != others.size())
    raise<ShapeError>(where, ": '", others[count].first, "' is in one model only");
  visit(f);
}

/// A running average that follows a model: ema = decay * ema + (1 - decay) * model.
template <nn::Module M>
struct Average {
  M* ema = nullptr;  ///< nullptr: none
  double decay = 0.999;
};

namespace detail {
/// Throws ArgumentError for a decay outside [0, 1], ShapeError for an average built differently.
template <class Pieces, nn::Module M>
void follow(const std::string& where, Pieces& pieces, const M& model, const Average<M>& average) {
  if (!(average.decay >= 0 && average.decay <= 1))
    raise<ArgumentError>(where, ": decay ", average.decay, " is outside [0, 1]");
  if (!pieces.followed_by(*average.ema))
    for_each_pair(where, *average.ema, model, [](const auto&...) {});  // says what differs
}
}  // namespace detail

/// ema = decay * ema + (1 - decay) * model, parameter by parameter. An average of a model is a
/// model: `auto ema = net;`. Throws ArgumentError for a decay outside [0, 1], ShapeError for models
/// built differently; the average is untouched then.
template <nn::Module M>
void ema_update(M& ema, const M& model, double decay) {
  const auto run = [&]<class T>(T rate) {
    detail::Pieces<T, detail::NoKernel> pieces(model);
    detail::follow("ema_update", pieces, model, Average<M>{&ema, decay});
    pieces.run(rate);
  };
  run(static_cast<float>(1 - decay));
  run(1 - decay);
}

}  // namespace train
}  // namespace v0
}  // namespace foglift
