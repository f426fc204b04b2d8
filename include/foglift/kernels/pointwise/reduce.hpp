#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

namespace foglift::inline v0::kernels {

/// f(0) + ... + f(n - 1) in double: eight interleaved partial sums, joined in a fixed tree, so that
/// the order depends on n alone and the loop still runs in vector code.
template <class F>
double sum_over(Index n, const F& f) {
  double s[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8)
    for (Index j = 0; j < 8; ++j) s[j] += static_cast<double>(f(i + j));
  for (Index j = 0; i + j < n; ++j) s[j] += static_cast<double>(f(i + j));
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/// The sum of n elements.
template <Scalar T>
double sum(Index n, const T* x) {
  return sum_over(n, [x](Index i) { return x[i]; });
}

/// y[o, i] = scale * sum over k of x[o, k, i], for x [outer, n, inner]; in double, k ascending.
template <Scalar T>
void sum_axis(Index outer, Index n, Index inner, const T* x, T* y, double scale) {
  parallel_for(outer, grain_of(n * inner), [&](Index o) {
    const T* from = x + o * n * inner;
    T* to = y + o * inner;
    if (inner == 1) {
      *to = static_cast<T>(scale * sum(n, from));
      return;
    }
    Tensor<double> sums(Shape{inner});
    for (Index k = 0; k < n; ++k)
      for (Index i = 0; i < inner; ++i) sums[i] += static_cast<double>(from[k * inner + i]);
    for (Index i = 0; i < inner; ++i) to[i] = static_cast<T>(scale * sums[i]);
  });
}

/// sums [N] = the rows of x [rows, N]: added in ascending order in blocks of 128, then the blocks.
template <Scalar T>
void column_sums(Index rows, Index N, const T* x, T* sums) {
  const auto add = [N](Index count, const T* from, T* to) {
    std::fill_n(to, N, T(0));
    for (Index r = 0; r < count; ++r, from += N)
      for (Index j = 0; j < N; ++j) to[j] += from[j];
  };
  constexpr Index block = 128;
  if (rows <= block) return add(rows, x, sums);
  const Index blocks = (rows + block - 1) / block;
  auto partial = Tensor<T>::uninitialized({blocks, N});
  parallel_for(blocks, grain_of(block * N), [&](Index k) {
    add(std::min(block, rows - k * block), x + k * block * N, partial.data() + k * N);
  });
  add(blocks, partial.data(), sums);
}

/// The adjoint of sum_axis: dx[o, k, i] = scale * dy[o, i].
template <Scalar T>
void repeat_axis(Index outer, Index n, Index inner, const T* dy, T* dx, double scale) {
  parallel_for(outer, grain_of(n * inner), [&](Index o) {
    for (Index k = 0; k < n; ++k)
      for (Index i = 0; i < inner; ++i)
        dx[(o * n + k) * inner + i] = static_cast<T>(scale) * dy[o * inner + i];
  });
}

}  // namespace foglift::inline v0::kernels
