#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/attention/attention.hpp"

namespace foglift::inline v0::kernels {
namespace detail {

/// p = e^(scale s - lse) and its product with dp [keys, width], summed over keys into inner.
template <Scalar T>
void weights_again(const QueryTile<T>& t, Index keys, T scale, const T* lse, T* p, const T* dp,
                   T* inner) {
  using L = Lanes<T>;
  for (Index j = 0; j < t.width; j += L::count) {
    const Index n = std::min(L::count, t.count - j);
    const L shift = n <= 0 ? L(T(0)) : -L::load(lse + j, n, std::numeric_limits<T>::infinity());
    L sum = L::load(inner + j);
    for (Index m = 0; m < keys; ++m) {
      const L w = exp(fma(L(scale), L::load(p + m * t.width + j), shift));
      w.store(p + m * t.width + j);
      sum = fma(w, L::load(dp + m * t.width + j), sum);
    }
    sum.store(inner + j);
  }
}

/// dp becomes the gradient of the scores before scaling: p (dp - inner) scale.
template <Scalar T>
void score_gradient(const QueryTile<T>& t, Index keys, T scale, const T* p, const T* inner, T* dp) {
  using L = Lanes<T>;
  for (Index j = 0; j < t.width; j += L::count) {
    const L mean = L::load(inner + j);
    for (Index m = 0; m < keys; ++m) {
      const Index at = m * t.width + j;
      (L::load(p + at) * (L::load(dp + at) - mean) * L(scale)).store(dp + at);
    }
  }
}

/// out [M, columns] = (add ? out : 0) + a [M, K] b, in place of one head's channels.
template <Scalar T>
void head_product(Index M, Index K, Operand<T> a, const Panels<T>& b, Index first_k, bool add,
                  T* out, Index stride) {
  for (Index p = 0; p < b.count(); ++p) {
    T* const c = out + p * b.width;
    gemm_panel<T>(M, K, a, b, p, first_k, {add ? c : nullptr, stride}, c, stride, b.columns(p));
  }
}

}  // namespace detail

/// Gradients of attention from dy [B, N, heads dv] and the lse that it kept; each of dq, dk, dv may
/// have no data. Queries are added into dk and dv in ascending order, keys into dq. Parallel over
/// samples and heads. Where keys take several tiles, their scores are computed a third time rather
/// than kept.
template <Scalar T>
void attention_backward(const AttentionGeometry& g, Tokens<const T> q, Tokens<const T> k,
                        Tokens<const T> v, const AttentionMask<T>& mask, const T* lse,
                        Tokens<const T> dy, Tokens<T> dq, Tokens<T> dk, Tokens<T> dv) {
  const Index W = Panels<T>::width;
  const T scale = detail::attention_scale<T>(g);
  parallel_for(g.B * g.heads, detail::grain_for(3 * g.multiply_adds()), [&](Index job) {
    const Index b = job / g.heads, h = job % g.heads, at = h * g.d, at_v = h * g.dv;
    const auto keys_from = [&](Index m) { return row_major(k.at(b * g.M + m, at), k.stride); };
    const auto values_from = [&](Index m) { return row_major(v.at(b * g.M + m, at_v), v.stride); };
    const Panels<T> key_rows(keys_from(0), g.M, dq ? g.d : 0, true);
    const Index most = std::min(detail::key_tile, g.M);
    auto scratch = Tensor<T>::uninitialized({2 * most + 1, W});
    T *const p = scratch.data(), *const dp = p + most * W, *const inner = dp + most * W;
    const auto clear = [&](Tokens<T> d, Index rows, Index first, Index columns) {
      for (Index r = 0; d && r < rows; ++r) std::fill_n(d.at(b * rows + r, first), columns, T(0));
    };
    if (g.N == 0) clear(dk, g.M, at, g.d), clear(dv, g.M, at_v, g.dv);
    if (g.M == 0) clear(dq, g.N, at, g.d);
    for (Index first = 0; first < g.N && g.M > 0; first += W) {
      const detail::QueryTile<T> tile{b, first, std::min(W, g.N - first)};
      const Index row = b * g.N + first;
      const auto q_rows = row_major(q.at(row, at), q.stride);
      const auto dy_rows = row_major(dy.at(row, at_v), dy.stride);
      const Panels<T> queries(transposed(q_rows.data, q.stride), g.d, tile.count);
      const Panels<T> dy_columns(transposed(dy_rows.data, dy.stride), g.dv, tile.count);
      const Panels<T> query_rows(q_rows, tile.count, dk ? g.d : 0, true);
      const Panels<T> dy_panels(dy_rows, tile.count, dv ? g.dv : 0, true);
      const auto weights = [&](Index m, Index keys) {
        tile.products(keys, g.d, keys_from(m), queries, p);
        tile.close(mask, m, keys, p);
        tile.products(keys, g.dv, values_from(m), dy_columns, dp);
        detail::weights_again(tile, keys, scale, lse + job * g.N + first, p, dp, inner);
      };
      std::fill_n(inner, tile.width, T(0));
      for (Index m = 0; m < g.M; m += most) weights(m, std::min(most, g.M - m));
      const Tensor<T> sums(Shape{tile.width}, std::span<const T>(inner, std::size_t(tile.width)));
      for (Index m = 0; m < g.M; m += most) {
        const Index keys = std::min(most, g.M - m);
        if (most < g.M) weights(m, keys);
        if (dv)  // y = p v
          detail::head_product(keys, tile.count, row_major<T>(p, tile.width), dy_panels, Index{0},
                               first > 0, dv.at(b * g.M + m, at_v), dv.stride);
        if (!dq && !dk) continue;
        detail::score_gradient(tile, keys, scale, p, sums.data(), dp);
        if (dq)  // scores = q k^T
          detail::head_product(tile.count, keys, transposed<T>(dp, tile.width), key_rows, m, m > 0,
                               dq.at(row, at), dq.stride);
        if (dk)
          detail::head_product(keys, tile.count, row_major<T>(dp, tile.width), query_rows, Index{0},
                               first > 0, dk.at(b * g.M + m, at), dk.stride);
      }
    }
  });
}

#define FOGLIFT_KERNELS_ATTENTION_BACKWARD(linkage, T)                                        \
  linkage void attention_backward(const AttentionGeometry&, Tokens<const T>, Tokens<const T>, \
                                  Tokens<const T>, const AttentionMask<T>&, const T*,         \
                                  Tokens<const T>, Tokens<T>, Tokens<T>, Tokens<T>)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ATTENTION_BACKWARD, extern template);

}  // namespace foglift::inline v0::kernels
