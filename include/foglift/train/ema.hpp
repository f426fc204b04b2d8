#pragma once

#include "foglift/nn/module.hpp"
#include "foglift/train/pieces.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::train {

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

namespace detail {
/// A parameter of a model: its name, where it is, and its shape.
struct Named {
  std::string name;
  const void* place;
  const Shape* shape;
};

inline std::vector<Named> list_parameters(const ModelView& model) {
  std::vector<Named> all;
  model.each_parameter([&](const ModelPath& path, const auto& p) {
    all.push_back({path.name(), &p, &p.value.shape()});
  });
  return all;
}

/// Throws ShapeError if two models were built differently.
inline void check_alike(const std::string& where, const std::vector<Named>& a,
                        const std::vector<Named>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i == b.size() || a[i].name != b[i].name)
      raise<ShapeError>(where, ": '", a[i].name, "' is in one model, ",
                        i == b.size() ? "nothing" : "'" + b[i].name + "'", " in the other");
    if (*a[i].shape != *b[i].shape)
      raise<ShapeError>(where, ": '", a[i].name, "' has shape ", *a[i].shape, " in one model, ",
                        *b[i].shape, " in the other");
  }
  if (a.size() < b.size())
    raise<ShapeError>(where, ": '", b[a.size()].name, "' is in one model only");
}
}  // namespace detail

/// f(name, Parameter& of a, const Parameter& of b) for every parameter of two models of one type.
/// Throws ShapeError if they were built differently.
template <nn::Module M, class F>
void for_each_pair(const std::string& where, M& a, const M& b, F&& f) {
  const auto others = detail::list_parameters(b);
  detail::check_alike(where, detail::list_parameters(a), others);
  auto other = others.begin();
  nn::for_each_parameter(a, [&]<class T>(const std::string& name, Parameter<T>& p) {
    f(name, p, *static_cast<const Parameter<T>*>((other++)->place));
  });
}

/// A running average that follows a model: ema = decay * ema + (1 - decay) * model.
template <nn::Module M>
struct Average {
  M* ema = nullptr;  ///< nullptr: none
  double decay = 0.999;
};

namespace detail {
/// An average of a model of any type.
struct AnyAverage {
  template <nn::Module M>
  AnyAverage(const Average<M>& average) : decay(average.decay) {
    if (average.ema) ema.emplace(*average.ema);
  }
  AnyAverage(const ModelRef& model, double d) : ema(model), decay(d) {}

  std::optional<ModelRef> ema = std::nullopt;  // none: nothing follows
  double decay;
};

/// Throws ArgumentError for a decay outside [0, 1], ShapeError for an average built differently.
template <class Pieces>
void follow(const std::string& where, Pieces& pieces, const ModelView& model,
            const AnyAverage& average) {
  if (!(average.decay >= 0 && average.decay <= 1))
    raise<ArgumentError>(where, ": decay ", average.decay, " is outside [0, 1]");
  if (!pieces.followed_by(*average.ema))
    check_alike(where, list_parameters(*average.ema), list_parameters(model));
}

template <Scalar T>
void move_average(const ModelView& model, const AnyAverage& average) {
  Pieces<T, NoRule> pieces(model);
  follow("ema_update", pieces, model, average);
  pieces.run(static_cast<T>(1 - average.decay));
}
}  // namespace detail

/// ema = decay * ema + (1 - decay) * model, parameter by parameter. An average of a model is a
/// model: `auto ema = net;`. Throws ArgumentError for a decay outside [0, 1], ShapeError for models
/// built differently; the average is untouched then.
template <nn::Module M>
void ema_update(M& ema, const M& model, double decay) {
  detail::move_average<float>(model, {ema, decay});
  detail::move_average<double>(model, {ema, decay});
}

}  // namespace foglift::inline v0::train
