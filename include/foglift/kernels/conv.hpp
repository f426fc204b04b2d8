#pragma once

#include "foglift/kernels/conv_end.hpp"
#include "foglift/kernels/conv_source.hpp"
#include "foglift/kernels/conv_winograd.hpp"
#include "foglift/kernels/gemm.hpp"

namespace foglift {
inline namespace v0 {
namespace kernels {

namespace detail {

/// Taps that one product covers: in a padded row of a channels-last sample the inputs of adjacent
/// taps are adjacent in memory, so at dilation 1 a row of the kernel is one product of depth
/// kw * Cin over overlapping rows of the input, and nothing is unfolded.
inline Index taps_a_product(const ConvGeometry& g) { return g.dilation == 1 ? g.kw : 1; }

/// Inputs of output row h under tap (i, j), as a matrix [W', taps * Cin].
template <Scalar T>
Operand<T> conv_rows(const ConvGeometry& g, const T* padded, Index h, Index i, Index j) {
  const Index at = (h * g.stride + i * g.dilation) * g.padded_w() + j * g.dilation;
  return {padded + at * g.Cin, g.stride * g.Cin, 1};
}

/// One sample's output from its padded input, row by row; parallel where the sample is large.
template <Scalar T>
void conv_sample(const ConvGeometry& g, const T* padded, const Panels<T>& panels, const T* bias,
                 const T* residual, T* y) {
  const Index taps = taps_a_product(g), row = g.out_w() * g.Cout;
  parallel_for(g.out_h(), grain_for(g.multiply_adds() / g.out_h()), [&](Index h) {
    T* const out = y + h * row;
    for (Index i = 0; i < g.kh; ++i)
      for (Index j = 0; j < g.kw; j += taps) {
        GemmOptions<T> options{.accumulate = i + j > 0, .bias = bias};
        if (residual && i == g.kh - 1 && j + taps == g.kw)
          options.finish = {.residual = residual + h * row, .residual_stride = g.Cout};
        gemm(g.out_w(), taps * g.Cin, conv_rows(g, padded, h, i, j), panels, (i * g.kw + j) * g.Cin,
             out, g.Cout, options);
      }
  });
}

/// A kernel of one tap reads its input where it is: one product for each half of the channels.
template <Scalar T>
void pointwise_sample(const ConvGeometry& g, const Halves<const T>& x, Index b,
                      const Panels<T>& panels, const T* bias, const T* residual, T* y) {
  x.each(g.H * g.W, b, [&](Index c0, Index channels, const T* in) {
    GemmOptions<T> options{.accumulate = c0 > 0, .bias = bias};
    if (residual && c0 + channels == g.Cin)
      options.finish = {.residual = residual, .residual_stride = g.Cout};
    gemm(g.H * g.W, channels, row_major(in, channels), panels, c0, y, g.Cout, options);
  });
}

}  // namespace detail

/// y [B, H', W', Cout] = convolution of what `source` gives [B, H, W, Cin] with w [kh, kw, Cin,
/// Cout], bias and residual added. Parallel over samples; within a sample that is large, over its
/// rows. A sample passes three stages: the source fills its padded input, the products, the
/// end.
template <Scalar T>
void conv(const ConvGeometry& g, const ConvSource<T>& source, const T* w, const ConvEnd<T>& end,
          T* y) {
  const int winograd = detail::winograd_axes<T>(g);
  if (winograd == 1) return detail::conv_by_winograd<1>(g, source, w, end, y);
  if (winograd == 2) return detail::conv_by_winograd<2>(g, source, w, end, y);
  const Panels<T> panels(row_major(w, g.Cout), g.kh * g.kw * g.Cin, g.Cout);
  const bool plain = !source.norm && !g.padded();
  const bool pointwise = plain && g.kh * g.kw == 1 && g.stride == 1;
  parallel_for(g.B, detail::grain_for(g.multiply_adds()), [&](Index b) {
    const T* const bias = end.bias ? end.bias + b * end.bias_stride : nullptr;
    const T* const residual = end.residual ? end.residual + b * g.output_size() : nullptr;
    T* const out = y + b * g.output_size();
    if (pointwise) {
      detail::pointwise_sample(g, source.x, b, panels, bias, residual, out);
    } else if (plain && !source.x.split()) {
      detail::conv_sample(g, source.x.first + b * g.input_size(), panels, bias, residual, out);
    } else {
      auto padded = Tensor<T>::uninitialized({g.padded_size()});
      source.fill(g, b, padded.data());
      detail::conv_sample(g, padded.data(), panels, bias, residual, out);
    }
  });
}

/// The same from x [B, H, W, Cin] as it is; bias [Cout] or nullptr.
template <Scalar T>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  conv(g, ConvSource<T>{whole(x, g.Cin)}, w, ConvEnd<T>{.bias = bias}, y);
}

#ifdef FOGLIFT_COMPILED
extern template void conv(const ConvGeometry&, const ConvSource<float>&, const float*,
                          const ConvEnd<float>&, float*);
extern template void conv(const ConvGeometry&, const ConvSource<double>&, const double*,
                          const ConvEnd<double>&, double*);
#endif

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
