#pragma once

#include "foglift/autograd/ops/modulation.hpp"
#include "foglift/nn/layers/init.hpp"
#include "foglift/nn/module.hpp"

#include <optional>

namespace foglift::inline v0::nn {

struct LinearOptions {
  Index in = 0;
  Index out = 0;
  bool bias = true;
  bool zero = false;  ///< start at zero
};

/// y = x W + b on the last axis, then an activation where asked for: x [..., in] -> [..., out];
/// weight [in, out], bias [out].
template <Scalar T = float>
class Linear : public Layer<T, LinearOptions> {
 public:
  Parameter<T> weight;
  std::optional<Parameter<T>> bias;

  /// Throws ArgumentError unless in and out are positive.
  explicit Linear(const LinearOptions& o, Rng& rng) {
    detail::need_positive("Linear", {{"in", o.in}, {"out", o.out}});
    weight = fan_in_parameter<T>({o.in, o.out}, o.in, o.zero, rng);
    if (o.bias) bias = fan_in_parameter<T>({o.out}, o.in, o.zero, rng);
  }

  template <ValueOf<T> X>
  X operator()(const X& x, Activation f = Activation::none) const {
    if (bias) return linear(x, use(weight, x), use(*bias, x), f);
    return linear(x, use(weight, x), f);
  }

  /// residual + gate y: a branch's last layer, which has a bias; the gate is a part of a modulation
  /// m [B or 1, parts * out].
  template <ValueOf<T> X>
  X onto(const X& residual, const X& m, Index gate, const X& x) const {
    return gated_linear(residual, m, gate, x, use(weight, x), use(*bias, x));
  }

  FOGLIFT_CHILDREN(weight, bias);
};

namespace detail {
/// What a block adds of a time embedding e [B, features], by the map that it was built with;
/// nullptr and no map: nothing. Throws ArgumentError for an e that is missing, or not expected.
template <Value X>
std::optional<X> embedded(const char* block, const std::optional<Linear<scalar_of<X>>>& map,
                          const X* e) {
  if ((e != nullptr) != map.has_value())
    raise<ArgumentError>(block, ": built ", map ? "with" : "without", " an embedding, called ",
                         e ? "with one" : "without");
  return e ? std::optional<X>((*map)(*e)) : std::nullopt;
}
}  // namespace detail

}  // namespace foglift::inline v0::nn
