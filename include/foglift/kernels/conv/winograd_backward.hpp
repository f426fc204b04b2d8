#pragma once

#include "foglift/core/autocast.hpp"
#include "foglift/core/instances.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/conv/winograd_tiles.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

namespace detail {

/// W = A dy A^T of one tile of dy [samples, H', W', Cout].
template <Scalar T, int Axes>
void winograd_output_gradient(const ConvGeometry& g, const T* dy,
                              const typename WinogradTiles<T, Axes>::Place& at, T* w,
                              Index stride) {
  const T* const from = dy + ((at.sample * g.out_h() + at.h) * g.out_w() + at.w) * g.Cout;
  for (Index c = 0; c < g.Cout; c += Lanes<T>::count) {
    const Index n = std::min(Lanes<T>::count, g.Cout - c);
    winograd::transform<T, winograd::OutputAdjoint, Axes>(
        [&](Index i, Index j) {
          if (i >= at.rows || j >= at.columns) return Lanes<T>(T(0));
          const T* const x = from + (i * g.out_w() + j) * g.Cout + c;
          return n == Lanes<T>::count ? Lanes<T>::load(x) : Lanes<T>::load(x, n, T(0));
        },
        [&](Index i, Index j, Lanes<T> x) {
          T* const out = w + (i * winograd::inputs + j) * stride + c;
          n == Lanes<T>::count ? x.store(out) : x.store(out, n);
        });
  }
}

}  // namespace detail

/// dw [3, 3, Cin, Cout] (Axes = 2) or [1, 3, Cin, Cout] (Axes = 1) of winograd_conv from its padded
/// samples [B, ...] and dy [B, H', W', Cout]: the adjoint in w, dw = G^T [(B^T d B) * (A dy A^T)] G
/// with the products summed over tiles in ascending order. Parallel over tiles and over points.
template <int Axes, Scalar T>
void winograd_backward_weight(const ConvGeometry& g, const T* padded, const T* dy, T* dw) {
  const Autocast single(ProductType::float32);  // rounded in this form, they would lose more
  constexpr Index points = winograd::points<Axes>;
  // Tiles in a block: reading and writing sums is then 3 % of the products' work.
  constexpr Index block = 64;
  // A cache line more from row to row and from point to point: columns fall into different sets of
  // the cache.
  constexpr Index line = 64 / sizeof(T);
  const detail::WinogradTiles<T, Axes> tiles(g);
  const Index total = g.B * tiles.tiles_a_sample(g), size = std::min(block, total);
  const Index v_row = g.Cin + line, w_row = g.Cout + line, sums_size = g.Cin * g.Cout;
  const Index v_stride = size * v_row + line, w_stride = size * w_row + line;
  auto v = Tensor<T>::uninitialized({points, v_stride});
  auto w = Tensor<T>::uninitialized({points, w_stride});
  auto sums = Tensor<T>::uninitialized({points, sums_size});
  if (total == 0) sums.fill(T(0));
  for (Index first = 0; first < total; first += size) {
    const Index n = std::min(size, total - first);
    parallel_for(n, grain_of(points * (g.Cin + g.Cout)), [&](Index t) {
      tiles.input(padded, first + t, v.data() + t * v_row, v_stride);
      detail::winograd_output_gradient<T, Axes>(g, dy, tiles[first + t], w.data() + t * w_row,
                                                w_stride);
    });
    parallel_for(points, detail::grain_for(n * sums_size), [&](Index p) {
      gemm(g.Cin, g.Cout, n, transposed(v.data() + p * v_stride, v_row),
           row_major(w.data() + p * w_stride, w_row), sums.data() + p * sums_size, g.Cout,
           {.accumulate = first > 0});
    });
  }
  parallel_for(g.Cin, grain_of(points * g.Cout), [&](Index row) {
    for (Index j = 0; j < g.Cout; j += Lanes<T>::count) {
      const Index n = std::min(Lanes<T>::count, g.Cout - j), at = row * g.Cout + j;
      winograd::transform<T, winograd::WeightAdjoint, Axes>(
          [&](Index h, Index l) {
            const T* const u = sums.data() + (h * winograd::inputs + l) * sums_size + at;
            return n == Lanes<T>::count ? Lanes<T>::load(u) : Lanes<T>::load(u, n, T(0));
          },
          [&](Index h, Index l, Lanes<T> x) {
            T* const out = dw + (h * 3 + l) * sums_size + at;
            n == Lanes<T>::count ? x.store(out) : x.store(out, n);
          });
    }
  });
}

#define FOGLIFT_KERNELS_WINOGRAD_BACKWARD(linkage, T)                                    \
  linkage void winograd_backward_weight<1>(const ConvGeometry&, const T*, const T*, T*); \
  linkage void winograd_backward_weight<2>(const ConvGeometry&, const T*, const T*, T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_WINOGRAD_BACKWARD, extern template);

}  // namespace foglift::inline v0::kernels
