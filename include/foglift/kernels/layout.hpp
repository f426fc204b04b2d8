#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

namespace foglift::inline v0::kernels {

/// Copies `rows` runs of `count` elements between arrays whose rows lie `from_step` and `to_step`
/// elements apart: what concatenating and slicing along an axis come down to.
template <Scalar T>
void copy_runs(Index rows, Index count, const T* from, Index from_step, T* to, Index to_step) {
  parallel_for(rows, grain_of(count),
               [&](Index r) { std::copy_n(from + r * from_step, count, to + r * to_step); });
}

/// y [outer, m, middle, n, inner] = x [outer, n, middle, m, inner] with axes n and m exchanged.
template <Scalar T>
void swap_axes(Index outer, Index n, Index middle, Index m, Index inner, const T* x, T* y) {
  const Index size = n * middle * m * inner;
  parallel_for(outer, grain_of(size), [&](Index o) {
    const T* from = x + o * size;
    T* to = y + o * size;
    for (Index j = 0; j < m; ++j)
      for (Index k = 0; k < middle; ++k)
        for (Index i = 0; i < n; ++i, to += inner)
          std::copy_n(from + ((i * middle + k) * m + j) * inner, inner, to);
  });
}

}  // namespace foglift::inline v0::kernels
