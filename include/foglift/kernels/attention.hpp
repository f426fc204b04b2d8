#pragma once

#include "foglift/kernels/functions.hpp"
#include "foglift/kernels/gemm.hpp"

#include <cmath>
#include <limits>

namespace foglift {
inline namespace v0 {
namespace kernels {

/// q [B, N, heads d], k [B, M, heads d], v [B, M, heads dv] -> y [B, N, heads dv].
struct AttentionGeometry {
  Index B, N, M, heads, d, dv;

  Index multiply_adds() const { return N * M * (d + dv); }
};

/// Which keys a query may attend to: element m of row n of sample b is nonzero. No data, no limits.
template <Scalar T>
struct AttentionMask {
  const T* data = nullptr;
  Index sample_stride = 0, row_stride = 0;

  const T* row(Index b, Index n) const {
    return data ? data + b * sample_stride + n * row_stride : nullptr;
  }
};

namespace detail {

/// Queries that are scored at once: four of the tallest tiles. Scratch is query_rows x M, whatever
/// N is.
inline constexpr Index query_rows = 48;

/// f(lanes, j, n) over a row in steps of the vector width; n < count in the last.
template <Scalar T, class F>
void for_each_lanes(Index size, const F& f) {
  for (Index j = 0; j < size; j += Lanes<T>::count) f(j, std::min(Lanes<T>::count, size - j));
}

/// s [M] = softmax(scale s) over the keys that are open; zero where none is. Returns the logarithm
/// of the sum of exponentials, infinite where no key is open.
template <Scalar T>
T attention_row(Index M, T scale, const T* mask, T* s) {
  using L = Lanes<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  bool open = false;
  for (Index j = 0; j < M; ++j) {
    const bool closed = mask && mask[j] == T(0);
    open = open || !closed;
    s[j] = closed ? -infinity : scale * s[j];
  }
  if (!open) {
    std::fill_n(s, M, T(0));
    return infinity;
  }
  L top(-infinity), sum(T(0));
  for_each_lanes<T>(M, [&](Index j, Index n) { top = max(L::load(s + j, n, -infinity), top); });
  const T largest = fold_lanes(top, [](T a, T b) { return a < b ? b : a; });
  for_each_lanes<T>(M, [&](Index j, Index n) {
    const L e = exp(L::load(s + j, n, -infinity) - L(largest));
    e.store(s + j, n);
    sum = sum + e;
  });
  const T total = fold_lanes(sum, [](T a, T b) { return a + b; });
  const T share = T(1) / total;
  for (Index j = 0; j < M; ++j) s[j] *= share;
  return largest + std::log(total);
}

/// The same row again from what the forward pass kept: exp(scale s - lse).
template <Scalar T>
void attention_row_again(Index M, T scale, const T* mask, T lse, T* s) {
  using L = Lanes<T>;
  for_each_lanes<T>(M, [&](Index j, Index n) {
    exp(fma(L(scale), L::load(s + j, n, T(0)), L(-lse))).store(s + j, n);
  });
  for (Index j = 0; mask && j < M; ++j)
    if (mask[j] == T(0)) s[j] = 0;
}

/// dp [M] becomes the gradient of the scores before scaling: p (dp - <p, dp>) scale.
template <Scalar T>
void attention_row_backward(Index M, T scale, const T* p, T* dp) {
  using L = Lanes<T>;
  L sum(T(0));
  for_each_lanes<T>(M, [&](Index j, Index n) {
    sum = fma(L::load(p + j, n, T(0)), L::load(dp + j, n, T(0)), sum);
  });
  const T inner = fold_lanes(sum, [](T a, T b) { return a + b; });
  for (Index j = 0; j < M; ++j) dp[j] = p[j] * (dp[j] - inner) * scale;
}

template <Scalar T>
T attention_scale(const AttentionGeometry& g) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(g.d)));
}

}  // namespace detail

/// Scaled dot-product attention (Vaswani et al. 2017, eq. 1): y = softmax(q k^T / sqrt(d)) v for
/// each sample and head; a row with nothing to attend is zero. lse [B, heads, N], or nullptr, keeps
/// the logarithm of every row's sum of exponentials for the backward pass, which then computes the
/// weights again (Dao et al. 2022, section 3.1). Parallel over samples and heads, within one over
/// tiles of queries.
template <Scalar T>
void attention(const AttentionGeometry& g, const T* q, const T* k, const T* v,
               const AttentionMask<T>& mask, T* y, T* lse) {
  const Index D = g.heads * g.d, Dv = g.heads * g.dv, rows = detail::query_rows;
  const T scale = detail::attention_scale<T>(g);
  parallel_for(g.B * g.heads, detail::grain_for(g.multiply_adds()), [&](Index job) {
    const Index b = job / g.heads, h = job % g.heads;
    const Panels<T> keys(transposed(k + b * g.M * D + h * g.d, D), g.d, g.M);
    const Panels<T> values(row_major(v + b * g.M * Dv + h * g.dv, Dv), g.M, g.dv);
    const Index tiles = (g.N + rows - 1) / rows;
    parallel_for(tiles, detail::grain_for(rows * g.M * (g.d + g.dv)), [&](Index tile) {
      const Index first = tile * rows, count = std::min(rows, g.N - first);
      auto s = Tensor<T>::uninitialized({count, g.M});
      gemm(count, g.d, row_major(q + (b * g.N + first) * D + h * g.d, D), keys, Index{0}, s.data(),
           g.M);
      for (Index i = 0; i < count; ++i) {
        const T kept =
            detail::attention_row(g.M, scale, mask.row(b, first + i), s.data() + i * g.M);
        if (lse) lse[job * g.N + first + i] = kept;
      }
      gemm(count, g.M, row_major(s.data(), g.M), values, Index{0},
           y + (b * g.N + first) * Dv + h * g.dv, Dv);
    });
  });
}

/// Gradients of attention from dy [B, N, heads dv] and the lse that it kept; each of dq, dk, dv may
/// be nullptr. Queries are added into dk and dv in ascending order. Parallel over samples and
/// heads.
template <Scalar T>
void attention_backward(const AttentionGeometry& g, const T* q, const T* k, const T* v,
                        const AttentionMask<T>& mask, const T* lse, const T* dy, T* dq, T* dk,
                        T* dv) {
  const Index D = g.heads * g.d, Dv = g.heads * g.dv;
  const T scale = detail::attention_scale<T>(g);
  if (dk) std::fill_n(dk, g.B * g.M * D, T(0));
  if (dv) std::fill_n(dv, g.B * g.M * Dv, T(0));
  parallel_for(g.B * g.heads, detail::grain_for(3 * g.multiply_adds()), [&](Index job) {
    const Index b = job / g.heads, h = job % g.heads;
    const Index at_k = b * g.M * D + h * g.d, at_v = b * g.M * Dv + h * g.dv;
    const Panels<T> keys_t(transposed(k + at_k, D), g.d, g.M);
    const Panels<T> values_t(transposed(v + at_v, Dv), g.dv, g.M);
    const Panels<T> keys(row_major(k + at_k, D), g.M, g.d);
    auto p = Tensor<T>::uninitialized({detail::query_rows, g.M});
    auto ds = Tensor<T>::uninitialized({detail::query_rows, g.M});
    for (Index first = 0; first < g.N; first += detail::query_rows) {
      const Index count = std::min(detail::query_rows, g.N - first);
      const Index at_q = (b * g.N + first) * D + h * g.d;
      const Index at_y = (b * g.N + first) * Dv + h * g.dv;
      gemm(count, g.d, row_major(q + at_q, D), keys_t, Index{0}, p.data(), g.M);
      for (Index i = 0; i < count; ++i)
        detail::attention_row_again(g.M, scale, mask.row(b, first + i), lse[job * g.N + first + i],
                                    p.data() + i * g.M);
      if (dv)  // y = p v
        gemm(g.M, g.dv, count, transposed(p.data(), g.M), row_major(dy + at_y, Dv), dv + at_v, Dv,
             {.accumulate = true});
      if (!dq && !dk) continue;
      gemm(count, g.dv, row_major(dy + at_y, Dv), values_t, Index{0}, ds.data(), g.M);
      for (Index i = 0; i < count; ++i)
        detail::attention_row_backward(g.M, scale, p.data() + i * g.M, ds.data() + i * g.M);
      if (dq)  // scores = q k^T
        gemm(count, g.M, row_major(ds.data(), g.M), keys, Index{0}, dq + at_q, D);
      if (dk)
        gemm(g.M, g.d, count, transposed(ds.data(), g.M), row_major(q + at_q, D), dk + at_k, D,
             {.accumulate = true});
    }
  });
}

#ifdef FOGLIFT_COMPILED
extern template void attention(const AttentionGeometry&, const float*, const float*, const float*,
                               const AttentionMask<float>&, float*, float*);
extern template void attention(const AttentionGeometry&, const double*, const double*,
                               const double*, const AttentionMask<double>&, double*, double*);
extern template void attention_backward(const AttentionGeometry&, const float*, const float*,
                                        const float*, const AttentionMask<float>&, const float*,
                                        const float*, float*, float*, float*);
extern template void attention_backward(const AttentionGeometry&, const double*, const double*,
                                        const double*, const AttentionMask<double>&, const double*,
                                        const double*, double*, double*, double*);
#endif

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
