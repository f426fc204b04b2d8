#pragma once

#include "foglift/autograd/ops/conv.hpp"
#include "foglift/nn/init.hpp"
#include "foglift/nn/module.hpp"

#include <optional>

namespace foglift {
inline namespace v0 {
namespace nn {

struct ConvLayerOptions {
  Index in = 0;
  Index out = 0;
  Index kernel = 3;
  Index stride = 1;
  Index dilation = 1;
  std::optional<Index> padding = std::nullopt;  ///< none: dilation * (kernel - 1) / 2, which keeps
                                                ///< the size of an odd kernel at stride 1
  Padding mode = Padding::zero;
  bool bias = true;
  bool zero = false;  ///< start at zero
};

/// Convolution of x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims = 2); weight [k, in, out] or
/// [k, k, in, out], bias [out]. Output extent: (n + 2 padding - dilation (k - 1) - 1) / stride + 1.
template <int Dims, Scalar T = float>
class Conv {
  static_assert(Dims == 1 || Dims == 2);

 public:
  using value_type = T;
  using Options = ConvLayerOptions;

  Parameter<T> weight;
  std::optional<Parameter<T>> bias;

  /// Throws ArgumentError for an extent that is not positive or a negative padding.
  explicit Conv(const Options& o, Rng& rng) {
    detail::need_positive("Conv", "in", o.in);
    detail::need_positive("Conv", "out", o.out);
    detail::need_positive("Conv", "kernel", o.kernel);
    detail::need_positive("Conv", "stride", o.stride);
    detail::need_positive("Conv", "dilation", o.dilation);
    options_.stride = o.stride;
    options_.dilation = o.dilation;
    options_.padding = o.padding.value_or(o.dilation * (o.kernel - 1) / 2);
    options_.mode = o.mode;
    if (options_.padding < 0)
      raise<ArgumentError>("Conv: padding = ", options_.padding, ", must not be negative");
    const Shape shape =
        Dims == 1 ? Shape{o.kernel, o.in, o.out} : Shape{o.kernel, o.kernel, o.in, o.out};
    const Index fan_in = shape.size() / o.out;
    weight = fan_in_parameter<T>(shape, fan_in, o.zero, rng);
    if (o.bias) bias = fan_in_parameter<T>({o.out}, fan_in, o.zero, rng);
  }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    if constexpr (Dims == 1) {
      if (bias) return conv1d(x, use(weight, x), use(*bias, x), options_);
      return conv1d(x, use(weight, x), options_);
    } else {
      if (bias) return conv2d(x, use(weight, x), use(*bias, x), options_);
      return conv2d(x, use(weight, x), options_);
    }
  }

  static void each(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }

 private:
  ConvOptions options_;
};

template <Scalar T = float>
using Conv1d = Conv<1, T>;
template <Scalar T = float>
using Conv2d = Conv<2, T>;

}  // namespace nn
}  // namespace v0
}  // namespace foglift
