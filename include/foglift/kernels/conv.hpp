#pragma once

#include "foglift/kernels/gemm.hpp"
#include "foglift/kernels/pad.hpp"

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

}  // namespace detail

/// y [B, H', W', Cout] = bias + convolution of x [B, H, W, Cin] with w [kh, kw, Cin, Cout]; bias
/// [Cout] or nullptr. Parallel over samples; within a sample that is large, over its rows.
template <Scalar T>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const Panels<T> panels(row_major(w, g.Cout), g.kh * g.kw * g.Cin, g.Cout);
  const Index taps = detail::taps_a_product(g), Wo = g.out_w(),
              row_work = g.multiply_adds() / g.out_h();
  parallel_for(g.B, detail::grain_for(g.multiply_adds()), [&](Index b) {
    const T* in = x + b * g.input_size();
    Tensor<T> scratch;
    if (g.padded()) {
      scratch = Tensor<T>::uninitialized({g.padded_size()});
      pad(g, in, scratch.data());
      in = scratch.data();
    }
    parallel_for(g.out_h(), detail::grain_for(row_work), [&](Index h) {
      T* out = y + b * g.output_size() + h * Wo * g.Cout;
      for (Index i = 0; i < g.kh; ++i)
        for (Index j = 0; j < g.kw; j += taps)
          gemm(Wo, taps * g.Cin, detail::conv_rows(g, in, h, i, j), panels, (i * g.kw + j) * g.Cin,
               out, g.Cout, {.accumulate = i + j > 0, .bias = bias});
    });
  });
}

/// dx [B, H, W, Cin] from dy [B, H', W', Cout]: every tap adds dy w_tap^T to the gradient of the
/// padded input. Parallel over samples.
template <Scalar T>
void conv_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  pool::Vector<Panels<T>> taps;
  for (Index t = 0; t < g.kh * g.kw; ++t)
    taps.emplace_back(transposed(w + t * g.Cin * g.Cout, g.Cout), g.Cout, g.Cin);
  parallel_for(g.B, detail::grain_for(g.multiply_adds()), [&](Index b) {
    Tensor<T> scratch({g.padded() ? g.padded_size() : 0});
    T* const out = dx + b * g.input_size();
    T* const sum = g.padded() ? scratch.data() : out;
    if (!g.padded()) std::fill_n(out, g.input_size(), T(0));
    for (Index i = 0; i < g.kh; ++i)
      for (Index j = 0; j < g.kw; ++j)
        for (Index h = 0; h < g.out_h(); ++h) {
          const T* in = dy + b * g.output_size() + h * g.out_w() * g.Cout;
          const Index at = (h * g.stride + i * g.dilation) * g.padded_w() + j * g.dilation;
          gemm(g.out_w(), g.Cout, row_major(in, g.Cout),
               taps[static_cast<std::size_t>(i * g.kw + j)], Index{0}, sum + at * g.Cin,
               g.stride * g.Cin, {.accumulate = true});
        }
    if (g.padded()) unpad(g, sum, out);
  });
}

/// dw [kh, kw, Cin, Cout] from x [B, H, W, Cin] and dy [B, H', W', Cout], samples and rows added in
/// ascending order. Parallel over rows of the weight.
template <Scalar T>
void conv_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  Tensor<T> scratch;
  if (g.padded()) {
    scratch = Tensor<T>::uninitialized({g.B * g.padded_size()});
    parallel_for(g.B, detail::grain_for(g.padded_size()), [&](Index b) {
      pad(g, x + b * g.input_size(), scratch.data() + b * g.padded_size());
    });
    x = scratch.data();
  }
  const Index Ho = g.out_h(), Wo = g.out_w(), taps = detail::taps_a_product(g);
  const Panels<T> panels(row_major(dy, g.Cout), g.B * Ho * Wo, g.Cout);
  // A task is up to 96 rows of the weight of one product: tall enough to reuse dy, short enough to
  // share a layer of 64 channels among the threads.
  constexpr Index task_rows = 96;
  const Index depth = taps * g.Cin, products = g.kh * g.kw / taps;
  const Index tasks = (depth + task_rows - 1) / task_rows;
  std::fill_n(dw, products * depth * g.Cout, T(0));
  parallel_for(products * tasks, detail::grain_for(task_rows * g.B * g.output_size()),
               [&](Index task) {
                 const Index tap = task / tasks * taps, first = task % tasks * task_rows;
                 const Index rows = std::min(task_rows, depth - first);
                 for (Index b = 0; b < g.B; ++b)
                   for (Index h = 0; h < Ho; ++h) {
                     const Operand<T> in =
                         detail::conv_rows(g, x + b * g.padded_size(), h, tap / g.kw, tap % g.kw);
                     const Operand<T> columns{in.data + first, 1, in.row_stride};
                     gemm(rows, Wo, columns, panels, (b * Ho + h) * Wo,
                          dw + (tap * g.Cin + first) * g.Cout, g.Cout, {.accumulate = true});
                   }
               });
}

#ifdef FOGLIFT_COMPILED
extern template void conv(const ConvGeometry&, const float*, const float*, const float*, float*);
extern template void conv(const ConvGeometry&, const double*, const double*, const double*,
                          double*);
extern template void conv_backward_input(const ConvGeometry&, const float*, const float*, float*);
extern template void conv_backward_input(const ConvGeometry&, const double*, const double*,
                                         double*);
extern template void conv_backward_weight(const ConvGeometry&, const float*, const float*, float*);
extern template void conv_backward_weight(const ConvGeometry&, const double*, const double*,
                                          double*);
#endif

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
