#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/conv/conv_winograd.hpp"
#include "foglift/kernels/conv/epilogue.hpp"
#include "foglift/kernels/conv/source.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

namespace foglift::inline v0::kernels {

namespace detail {

/// Taps that one product covers: in a padded row of a channels-last sample the inputs of adjacent
/// taps are adjacent in memory, so at dilation 1 a row of the kernel is one product of depth
/// kw * Cin over overlapping rows of the input, and nothing is unfolded.
inline Index taps_a_product(const ConvGeometry& g) { return g.dilation == 1 ? g.kw : 1; }

/// Inputs of the outputs from row h on under tap (i, j), as a matrix [positions, taps * Cin].
template <Scalar T>
Operand<T> conv_rows(const ConvGeometry& g, const T* padded, Index h, Index i, Index j) {
  const Index row = g.padded_w() * g.Cin;
  const Index at = (h * g.stride + i * g.dilation) * row + j * g.dilation * g.Cin;
  return {padded + at, g.stride * g.Cin, 1, g.out_w(), g.stride * row};
}

/// One sample's output from its padded input, in bands of rows: as many as share the weights while
/// they are in the caches. Parallel over bands.
template <Scalar T>
void conv_sample(const ConvGeometry& g, const T* padded, const Panels<T>& panels, const T* bias,
                 const T* residual, T* y) {
  const Index H = g.out_h(), W = g.out_w(), taps = taps_a_product(g);
  const Index least = std::max((H * W + block_rows - 1) / block_rows, parts_for(g.multiply_adds()));
  const Index bands = std::min(H, least);
  parallel_for(bands, 1, [&](Index band) {
    const Index first = H * band / bands, rows = H * (band + 1) / bands - first;
    const Index at = first * W * g.Cout;
    for (Index i = 0; i < g.kh; ++i)
      for (Index j = 0; j < g.kw; j += taps) {
        GemmOptions<T> options{.accumulate = i + j > 0, .bias = bias};
        if (residual && i == g.kh - 1 && j + taps == g.kw)
          options.epilogue = {.residual = residual + at, .residual_stride = g.Cout};
        gemm(rows * W, taps * g.Cin, conv_rows(g, padded, first, i, j), panels,
             (i * g.kw + j) * g.Cin, y + at, g.Cout, options);
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
      options.epilogue = {.residual = residual, .residual_stride = g.Cout};
    gemm(g.H * g.W, channels, row_major(in, channels), panels, c0, y, g.Cout, options);
  });
}

}  // namespace detail

/// y [B, H', W', Cout] = convolution of what `source` gives [B, H, W, Cin] with w [kh, kw, Cin,
/// Cout], bias and residual added. Parallel over samples; within a sample that is large, over its
/// rows. A sample passes three stages: the source fills its padded input, the products, the
/// end.
template <Scalar T>
void conv(const ConvGeometry& g, const ConvSource<T>& source, const T* w,
          const ConvEpilogue<T>& end, T* y) {
  using namespace detail;
  if constexpr (std::is_same_v<T, float>)
    if (winograd_in_pairs<T>(g))
      return conv_by_winograd<WinogradRowBlocks<T>>(g, source, w, end, y);
  const int winograd = winograd_axes<T>(g);
  if (winograd == 1) return conv_by_winograd<WinogradBlocks<T, 1>>(g, source, w, end, y);
  if (winograd == 2) return conv_by_winograd<WinogradBlocks<T, 2>>(g, source, w, end, y);
  // Weights whose rows are a kilobyte and more apart stream badly; 512 positions pay for a copy.
  const bool copy = g.Cout * Index{sizeof(T)} >= 1024 && g.B * g.out_h() * g.out_w() >= 512;
  const Panels<T> panels(row_major(w, g.Cout), g.kh * g.kw * g.Cin, g.Cout, copy);
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
  conv(g, ConvSource<T>{whole(x, g.Cin)}, w, ConvEpilogue<T>{.bias = bias}, y);
}

#define FOGLIFT_KERNELS_CONV(linkage, T) \
  linkage void conv(const ConvGeometry&, const ConvSource<T>&, const T*, const ConvEpilogue<T>&, T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV, extern template);

}  // namespace foglift::inline v0::kernels
