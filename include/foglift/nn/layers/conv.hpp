#pragma once

#include "foglift/autograd/ops/fused_conv.hpp"
#include "foglift/nn/layers/init.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <optional>

namespace foglift::inline v0::nn {

struct ConvLayerOptions {
  Index in = 0, out = 0;
  Index kernel = 3, stride = 1, dilation = 1;
  std::optional<Index> padding = std::nullopt;  ///< none: dilation * (kernel - 1) / 2, which keeps
                                                ///< the size of an odd kernel at stride 1
  Padding mode = Padding::zero;
  bool bias = true;
  bool zero = false;  ///< start at zero
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;
};

/// What a convolution may take in and add besides x, in the same pass; see fused_conv.
template <Value X>
struct ConvExtras {
  const X* x2 = nullptr;                          ///< the last of the `in` channels
  const GroupNorm<scalar_of<X>>* norm = nullptr;  ///< silu(norm(x)) is convolved
  const X* shift = nullptr;                       ///< [B, out], added to every position
  const X* residual = nullptr;                    ///< added to the output
};

/// Convolution of x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims = 2); weight [k, in, out] or
/// [k, k, in, out], bias [out]. Output extent: (n + 2 padding - dilation (k - 1) - 1) / stride + 1.
template <int Dims, Scalar T = float>
class Conv : public Layer<T, ConvLayerOptions> {
  static_assert(Dims == 1 || Dims == 2);

 public:
  Parameter<T> weight;
  std::optional<Parameter<T>> bias;

  /// Throws ArgumentError for an extent that is not positive or a negative padding.
  explicit Conv(const ConvLayerOptions& o, Rng& rng) {
    detail::need_positive("Conv", {{"in", o.in},
                                   {"out", o.out},
                                   {"kernel", o.kernel},
                                   {"stride", o.stride},
                                   {"dilation", o.dilation}});
    options_.stride = o.stride;
    options_.dilation = o.dilation;
    options_.padding = o.padding.value_or(o.dilation * (o.kernel - 1) / 2);
    options_.mode = o.mode;
    options_.algorithm = o.algorithm;
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
  template <ValueOf<T> X>
  X operator()(const X& x, const ConvExtras<X>& extras) const {
    const auto operand = [&](const Parameter<T>* p) {  // what `use` makes, and keeps here
      if constexpr (Recorded<X>)
        return p ? std::optional<X>(use(*p, x)) : std::nullopt;
      else
        return p ? &p->value : nullptr;
    };
    const auto at = [](const auto& o) -> const X* { return o ? &*o : nullptr; };
    const GroupNorm<T>* const norm = extras.norm;
    const auto w = operand(&weight), b = operand(bias ? &*bias : nullptr);
    const auto gamma = operand(norm ? &norm->weight : nullptr);
    const auto beta = operand(norm ? &norm->bias : nullptr);
    return fused_conv(FusedConv<X>{.x = &x,
                                   .x2 = extras.x2,
                                   .gamma = at(gamma),
                                   .beta = at(beta),
                                   .groups = norm ? norm->groups() : 1,
                                   .eps = norm ? norm->eps() : 0,
                                   .weight = at(w),
                                   .bias = at(b),
                                   .shift = extras.shift,
                                   .residual = extras.residual,
                                   .options = options_});
  }

  FOGLIFT_CHILDREN(weight, bias);

 private:
  ConvOptions options_;
};

template <Scalar T = float>
using Conv1d = Conv<1, T>;
template <Scalar T = float>
using Conv2d = Conv<2, T>;

}  // namespace foglift::inline v0::nn
