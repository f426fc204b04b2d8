#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/gemm/gemm.hpp"
#include "foglift/kernels/pointwise/functions.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0::kernels {

/// q [B, N, heads d], k [B, M, heads d], v [B, M, heads dv] -> y [B, N, heads dv].
struct AttentionGeometry {
  Index B, N, M, heads, d, dv;

  Index multiply_adds() const { return N * M * (d + dv); }
};

/// The tokens of all samples, one a row, `stride` elements apart: so queries, keys and values are
/// read where one projection wrote them beside each other.
template <class T>
struct Tokens {
  T* data = nullptr;
  Index stride = 0;

  T* at(Index token, Index channel) const { return data + token * stride + channel; }
  explicit operator bool() const { return data != nullptr; }
};

/// Which keys a query may attend to: element m of row n of sample b is nonzero. No data, no limits.
template <Scalar T>
struct AttentionMask {
  const T* data = nullptr;
  Index sample_stride = 0, row_stride = 0;

  bool open(Index b, Index n, Index m) const {
    return data[b * sample_stride + n * row_stride + m] != T(0);
  }
};

namespace detail {

/// Keys that are scored at once. Scratch is key_tile by a panel of queries, 64 KB of floats,
/// whatever N and M are.
inline constexpr Index key_tile = 256;

template <Scalar T>
T attention_scale(const AttentionGeometry& g) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(g.d)));
}

/// Queries [first, first + count) of sample b against a tile of keys, as weights' columns: query n
/// has column n of every array, so that softmax runs over lanes without crossing them. Columns are
/// padded to whole packets; what the padding holds reaches no result.
template <Scalar T>
struct QueryTile {
  Index b, first, count;
  Index width = Panels<T>::packets(count) * lanes<T>;

  /// s [keys, width] = rows `keys` of a times the transpose of the rows in `columns`.
  void products(Index keys, Index depth, Operand<T> a, const Panels<T>& columns, T* s) const {
    gemm_panel<T>(keys, depth, a, columns, Index{0}, Index{0}, {nullptr, 0}, s, width, width);
  }
  /// Scores that the mask closes become -infinity.
  void close(const AttentionMask<T>& mask, Index first_key, Index keys, T* s) const {
    if (!mask.data) return;
    for (Index m = 0; m < keys; ++m)
      for (Index n = 0; n < count; ++n)
        if (!mask.open(b, first + n, first_key + m))
          s[m * width + n] = -std::numeric_limits<T>::infinity();
  }
};

/// s [keys, width] = e^(scale (s - top)) with top [width] the largest score so far, and total
/// [width] the sum of exponentials so far (Milakov & Gimelshein 2018). Rescales what was summed
/// before, total and the rows of y [count, dv], where there was something before.
template <Scalar T>
void online_softmax(const QueryTile<T>& t, Index keys, T scale, bool fresh, T* s, T* top, T* total,
                    Tokens<T> y, Index dv) {
  using L = Lanes<T>;
  for (Index j = 0; j < t.width; j += L::count) {
    const L before = L::load(top + j);
    L largest = before;
    for (Index m = 0; m < keys; ++m) largest = max(L::load(s + m * t.width + j), largest);
    const L shift = -(largest * L(scale));
    L sum(T(0));
    for (Index m = 0; m < keys; ++m) {
      const L e = exp(fma(L::load(s + m * t.width + j), L(scale), shift));
      e.store(s + m * t.width + j);
      sum = sum + e;
    }
    largest.store(top + j);
    if (fresh) {
      sum.store(total + j);
      continue;
    }
    const L shrunk = exp(fma(before, L(scale), shift));
    fma(L::load(total + j), shrunk, sum).store(total + j);
    T factor[std::size_t{L::count}];
    shrunk.store(factor);
    for (Index n = j; n < std::min(j + L::count, t.count); ++n)
      map(dv, y.at(n, 0), [f = L(factor[n - j])](L v) { return v * f; }, y.at(n, 0));
  }
}

/// Divides the rows of y by the totals and keeps the logarithm of each query's sum of exponentials:
/// infinite, and the row zero, where no key was open.
template <Scalar T>
void end_softmax(const QueryTile<T>& t, T scale, const T* top, const T* total, Tokens<T> y,
                 Index dv, T* lse) {
  for (Index n = 0; n < t.count; ++n) {
    const bool none = total[n] == T(0);
    const T share = none ? T(0) : T(1) / total[n];
    map(dv, y.at(n, 0), [share](Lanes<T> v) { return v * Lanes<T>(share); }, y.at(n, 0));
    if (lse)
      lse[n] = none ? std::numeric_limits<T>::infinity() : scale * top[n] + std::log(total[n]);
  }
}

}  // namespace detail

/// Scaled dot-product attention (Vaswani et al. 2017, eq. 1): y = softmax(q k^T / sqrt(d)) v for
/// each sample and head; a row with nothing to attend is zero. lse [B, heads, N], or nullptr, keeps
/// the logarithm of every row's sum of exponentials for the backward pass, which then computes the
/// weights again (Dao et al. 2022, section 3.1). Parallel over samples and heads, within one over
/// tiles of queries.
template <Scalar T>
void attention(const AttentionGeometry& g, Tokens<const T> q, Tokens<const T> k, Tokens<const T> v,
               const AttentionMask<T>& mask, Tokens<T> y, T* lse) {
  const Index W = Panels<T>::width, tiles = (g.N + W - 1) / W;
  const T scale = detail::attention_scale<T>(g);
  parallel_for(g.B * g.heads, detail::grain_for(g.multiply_adds()), [&](Index job) {
    const Index b = job / g.heads, h = job % g.heads;
    const Panels<T> values(row_major(v.at(b * g.M, h * g.dv), v.stride), g.M, g.dv, true);
    parallel_for(tiles, detail::grain_for(W * g.M * (g.d + g.dv)), [&](Index i) {
      const detail::QueryTile<T> tile{b, i * W, std::min(W, g.N - i * W)};
      const Index row = b * g.N + tile.first;
      const Panels<T> queries(transposed(q.at(row, h * g.d), q.stride), g.d, tile.count);
      const Tokens<T> out{y.at(row, h * g.dv), y.stride};
      auto s = Tensor<T>::uninitialized({std::min(detail::key_tile, g.M) + 2, tile.width});
      T *const top = s.data() + (s.dim(0) - 2) * tile.width, *const total = top + tile.width;
      std::fill_n(top, tile.width, std::numeric_limits<T>::lowest());
      std::fill_n(total, tile.width, T(0));
      Index first = 0;
      do {  // once for M = 0 too, which leaves zeros
        const Index keys = std::min(detail::key_tile, g.M - first);
        tile.products(keys, g.d, row_major(k.at(b * g.M + first, h * g.d), k.stride), queries,
                      s.data());
        tile.close(mask, first, keys, s.data());
        detail::online_softmax(tile, keys, scale, first == 0, s.data(), top, total, out, g.dv);
        for (Index p = 0; p < values.count(); ++p) {
          T* const c = out.data + p * W;
          detail::gemm_panel<T>(tile.count, keys, transposed<T>(s.data(), tile.width), values, p,
                                first, {first > 0 ? c : nullptr, out.stride}, c, out.stride,
                                values.columns(p));
        }
        first += keys;
      } while (first < g.M);
      detail::end_softmax(tile, scale, top, total, out, g.dv,
                          lse ? lse + job * g.N + tile.first : nullptr);
    });
  });
}

#define FOGLIFT_KERNELS_ATTENTION(linkage, T)                                        \
  linkage void attention(const AttentionGeometry&, Tokens<const T>, Tokens<const T>, \
                         Tokens<const T>, const AttentionMask<T>&, Tokens<T>, T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_ATTENTION, extern template);

}  // namespace foglift::inline v0::kernels
