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
class Linear {
 public:
  using value_type = T;
  using Options = LinearOptions;

  Parameter<T> weight;
  std::optional<Parameter<T>> bias;

  /// Throws ArgumentError unless in and out are positive.
  explicit Linear(const Options& o, Rng& rng) {
    detail::need_positive("Linear", "in", o.in);
    detail::need_positive("Linear", "out", o.out);
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

  static void each(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
};

}  // namespace foglift::inline v0::nn
