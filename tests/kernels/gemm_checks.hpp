#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/kernels/gemm/gemm.hpp"
#include "support/catch.hpp"

#include <array>
#include <vector>

namespace foglift::test {

/// a b, of row-major matrices.
template <class T>
Tensor<T> product(const Tensor<T>& a, const Tensor<T>& b,
                  const kernels::GemmOptions<T>& options = {}) {
  Tensor<T> c({a.dim(0), b.dim(1)}, T(9));
  kernels::gemm(a.dim(0), b.dim(1), a.dim(1), kernels::row_major(a.data(), a.dim(1)),
                kernels::row_major(b.data(), b.dim(1)), c.data(), b.dim(1), options);
  return c;
}

/// A row of a product [M, K] [K, N] has the same bits in any batch and for any threads.
template <class T>
void check_rows(const std::vector<std::array<Index, 3>>& extents) {
  const int before = threads();
  for (const auto& [M, N, K] : extents) {
    const auto a = Rng(1).normal<T>({M, K}), b = Rng(2).normal<T>({K, N});
    set_threads(1);
    const Tensor<T> all = product(a, b);
    for (int n : {2, 3, 4}) {
      set_threads(n);
      CHECK(product(a, b) == all);
    }
    for (const Index rows : {1, 7, 16, 33})
      for (Index first = 0; first + rows <= M; first += 37)
        CHECK(product(a.rows(first, rows), b) == all.rows(first, rows));
  }
  set_threads(before);
}

}  // namespace foglift::test
