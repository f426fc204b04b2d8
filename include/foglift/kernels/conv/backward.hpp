#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/conv/conv.hpp"
#include "foglift/kernels/conv/winograd_backward.hpp"
#include "foglift/kernels/gemm/transpose.hpp"

namespace foglift::inline v0::kernels {

namespace detail {

/// The taps of w [kh, kw, Cin, Cout] in reverse order, each transposed: [kh, kw, Cout, Cin].
template <Scalar T>
Tensor<T> reversed_taps(const ConvGeometry& g, const T* w) {
  const Index taps = g.kh * g.kw;
  auto reversed = Tensor<T>::uninitialized({taps, g.Cout, g.Cin});
  for (Index t = 0; t < taps; ++t)
    transpose(g.Cin, g.Cout, w + (taps - 1 - t) * g.Cin * g.Cout,
              reversed.data() + t * g.Cin * g.Cout);
  return reversed;
}

/// The convolution of dy [H', W', Cout] with the reversed taps that gives the gradient of the
/// padded input, or of the input itself where the padding is zeros no wider than the kernel's
/// reach. At stride 1.
inline ConvGeometry adjoint(const ConvGeometry& g, bool crop) {
  ConvGeometry a = g;
  a.H = g.out_h();
  a.W = g.out_w();
  a.Cin = g.Cout;
  a.Cout = g.Cin;
  a.pad_h = g.dilation * (g.kh - 1) - (crop ? g.pad_h : 0);
  a.pad_w = g.dilation * (g.kw - 1) - (crop ? g.pad_w : 0);
  a.mode = Padding::zero;
  return a;
}

/// dx at any stride: every tap adds dy w_tap^T to the gradient of the padded input.
template <Scalar T>
void conv_backward_input_by_taps(const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  const Tensor<T> reversed = reversed_taps(g, w);
  const Index taps = g.kh * g.kw;
  const Panels<T> panels(row_major(reversed.data(), g.Cin), taps * g.Cout, g.Cin);
  parallel_for(g.B, grain_for(g.multiply_adds()), [&](Index b) {
    Tensor<T> padded({g.padded_size()});
    for (Index i = 0; i < g.kh; ++i)
      for (Index j = 0; j < g.kw; ++j)
        for (Index h = 0; h < g.out_h(); ++h) {
          const T* in = dy + b * g.output_size() + h * g.out_w() * g.Cout;
          const Index at = (h * g.stride + i * g.dilation) * g.padded_w() + j * g.dilation;
          gemm(g.out_w(), g.Cout, row_major(in, g.Cout), panels, (taps - 1 - i * g.kw - j) * g.Cout,
               padded.data() + at * g.Cin, g.stride * g.Cin, {.accumulate = true});
        }
    unpad(g, padded.data(), dx + b * g.input_size());
  });
}

/// winograd_axes for the gradient of the weight. Bringing the sums back to taps costs as much as
/// some 10 tiles gain: automatic ones need 16 in the batch.
template <Scalar T>
int winograd_axes_backward(const ConvGeometry& g) {
  const int axes = winograd_axes<T>(g);
  if (g.algorithm == ConvAlgorithm::winograd || axes == 0) return axes;
  const Index tiles =
      axes == 1 ? WinogradTiles<T, 1>::tiles_a_sample(g) : WinogradTiles<T, 2>::tiles_a_sample(g);
  return g.B * tiles >= 16 ? axes : 0;
}

}  // namespace detail

/// dx [B, H, W, Cin] from dy [B, H', W', Cout]. Parallel over samples.
template <Scalar T>
void conv_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  if (g.stride != 1) return detail::conv_backward_input_by_taps(g, dy, w, dx);
  const bool zeros = !g.padded() || g.mode == Padding::zero;
  const bool crop =
      zeros && g.pad_h <= g.dilation * (g.kh - 1) && g.pad_w <= g.dilation * (g.kw - 1);
  const Tensor<T> reversed = detail::reversed_taps(g, w);
  const ConvGeometry a = detail::adjoint(g, crop);
  if (crop) return conv<T>(a, dy, reversed.data(), nullptr, dx);
  auto padded = Tensor<T>::uninitialized({g.B, g.padded_size()});
  conv<T>(a, dy, reversed.data(), nullptr, padded.data());
  parallel_for(g.B, detail::grain_for(g.padded_size()), [&](Index b) {
    unpad(g, padded.data() + b * g.padded_size(), dx + b * g.input_size());
  });
}

/// dw [kh, kw, Cin, Cout] from what `source` gives [B, H, W, Cin] and dy [B, H', W', Cout], samples
/// and positions added in ascending order. Parallel over rows of the weight.
template <Scalar T>
void conv_backward_weight(const ConvGeometry& g, const ConvSource<T>& source, const T* dy, T* dw) {
  auto padded = Tensor<T>::uninitialized({g.B, g.padded_size()});
  parallel_for(g.B, detail::grain_for(g.padded_size()),
               [&](Index b) { source.fill(g, b, padded.data() + b * g.padded_size()); });
  switch (detail::winograd_axes_backward<T>(g)) {
    case 1:
      return winograd_backward_weight<1>(g, padded.data(), dy, dw);
    case 2:
      return winograd_backward_weight<2>(g, padded.data(), dy, dw);
  }
  const Index Ho = g.out_h(), Wo = g.out_w(), taps = detail::taps_a_product(g);
  const Panels<T> panels(row_major(dy, g.Cout), g.B * Ho * Wo, g.Cout);
  const Index depth = taps * g.Cin, products = g.kh * g.kw / taps;
  // A task is up to 48 rows of the weight: their inputs are unfolded into [positions, 48], so that
  // a product runs over the positions of many short rows and reads them in one stream.
  constexpr Index task_rows = 48;
  // Positions unfolded at once, 48 KB in all: long enough to amortize reading and writing dw.
  constexpr Index positions = 256;
  const Index tasks = (depth + task_rows - 1) / task_rows;
  std::fill_n(dw, products * depth * g.Cout, T(0));
  parallel_for(products * tasks, detail::grain_for(task_rows * g.B * g.output_size()),
               [&](Index task) {
                 const Index tap = task / tasks * taps, first = task % tasks * task_rows;
                 const Index rows = std::min(task_rows, depth - first);
                 auto unfolded = Tensor<T>::uninitialized({positions + Wo, rows});
                 Index done = 0, filled = 0;
                 const auto multiply = [&] {
                   gemm(rows, filled, transposed(unfolded.data(), rows), panels, done,
                        dw + (tap * g.Cin + first) * g.Cout, g.Cout, {.accumulate = true});
                   done += filled;
                   filled = 0;
                 };
                 for (Index b = 0; b < g.B; ++b)
                   for (Index h = 0; h < Ho; ++h) {
                     const Operand<T> in = detail::conv_rows(g, padded.data() + b * g.padded_size(),
                                                             h, tap / g.kw, tap % g.kw);
                     for (Index w = 0; w < Wo; ++w, ++filled)
                       std::copy_n(in.data + w * in.row_stride + first, rows,
                                   unfolded.data() + filled * rows);
                     if (filled >= positions) multiply();
                   }
                 if (filled > 0) multiply();
               });
}

/// The same from x [B, H, W, Cin] as it is.
template <Scalar T>
void conv_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  conv_backward_weight(g, ConvSource<T>{whole(x, g.Cin)}, dy, dw);
}

#define FOGLIFT_KERNELS_CONV_BACKWARD(linkage, T)                                \
  linkage void conv_backward_input(const ConvGeometry&, const T*, const T*, T*); \
  linkage void conv_backward_weight(const ConvGeometry&, const ConvSource<T>&, const T*, T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_CONV_BACKWARD, extern template);

}  // namespace foglift::inline v0::kernels
