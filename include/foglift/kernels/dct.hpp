#pragma once

#include "foglift/core/autocast.hpp"
#include "foglift/kernels/gemm/gemm.hpp"

#include <cmath>
#include <numbers>

namespace foglift::inline v0::kernels {

/// The matrix of the orthonormal DCT-II of n numbers: row k holds
/// sqrt((k == 0 ? 1 : 2) / n) cos(pi (2 j + 1) k / (2 n)). Its transpose, the DCT-III, is its
/// inverse. All of its cosines are among 4 n.
template <Scalar T>
Tensor<T> dct_matrix(Index n) {
  auto matrix = Tensor<T>::uninitialized({n, n});
  auto cosines = Tensor<double>::uninitialized({4 * n});
  const auto length = static_cast<double>(n);
  for (Index i = 0; i < 4 * n; ++i)
    cosines[i] = std::cos(std::numbers::pi * static_cast<double>(i) / (2 * length));
  for (Index k = 0; k < n; ++k)
    for (Index j = 0; j < n; ++j)
      matrix[k * n + j] =
          static_cast<T>(std::sqrt((k == 0 ? 1 : 2) / length) * cosines[(2 * j + 1) * k % (4 * n)]);
  return matrix;
}

/// y[o, k, :] = sum_j M[k, j] x[o, j, :] with the matrix M of the DCT-II, or with its transpose
/// where `inverse`, for x [outer, n, inner]. Of floats under Autocast too: it is data that is
/// transformed.
template <Scalar T>
void dct(Index outer, Index n, Index inner, bool inverse, const T* x, T* y) {
  if (outer * n * inner == 0) return;
  const Autocast single(ProductType::float32);
  const Tensor<T> m = dct_matrix<T>(n);
  const Operand<T> straight = row_major(m.data(), n), across = transposed(m.data(), n);
  if (inner == 1)  // rows of x times the transposed matrix
    return gemm(outer, n, n, row_major(x, n), inverse ? straight : across, y, n);
  parallel_for(outer, detail::grain_for(n * n * inner), [&](Index o) {
    gemm(n, inner, n, inverse ? across : straight, row_major(x + o * n * inner, inner),
         y + o * n * inner, inner);
  });
}

}  // namespace foglift::inline v0::kernels
