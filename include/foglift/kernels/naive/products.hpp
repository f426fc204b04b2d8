#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/kernels/conv/options.hpp"

#include <cmath>

namespace foglift::inline v0 {

/// Slow and obvious versions of the kernels, for tests to compare with.
namespace naive {

/// C [M, N] = A [M, K] B [K, N].
template <Scalar T>
Tensor<T> matmul(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> c({a.dim(0), b.dim(1)});
  for (Index i = 0; i < a.dim(0); ++i)
    for (Index j = 0; j < b.dim(1); ++j)
      for (Index k = 0; k < a.dim(1); ++k) c(i, j) += a(i, k) * b(k, j);
  return c;
}

/// A [M, N] as [N, M].
template <Scalar T>
Tensor<T> transpose(const Tensor<T>& a) {
  Tensor<T> t({a.dim(1), a.dim(0)});
  for (Index i = 0; i < a.dim(0); ++i)
    for (Index j = 0; j < a.dim(1); ++j) t(j, i) = a(i, j);
  return t;
}

/// The index that stands at position i of an axis of n elements padded as told; -1 is a zero.
inline Index padded_index(Index i, Index n, Padding mode) {
  if (i >= 0 && i < n) return i;
  if (mode == Padding::zero) return -1;
  if (mode == Padding::circular) return (i % n + n) % n;
  return i < 0 ? -i : 2 * (n - 1) - i;
}

inline Index conv_extent(Index n, Index k, const ConvOptions& o) {
  return (n + 2 * o.padding - o.dilation * (k - 1) - 1) / o.stride + 1;
}

/// x [B, H, W, Cin], w [kh, kw, Cin, Cout] -> [B, H', W', Cout].
template <Scalar T>
Tensor<T> conv2d(const Tensor<T>& x, const Tensor<T>& w, const ConvOptions& o) {
  const Index H = x.dim(1), W = x.dim(2);
  Tensor<T> y({x.dim(0), conv_extent(H, w.dim(0), o), conv_extent(W, w.dim(1), o), w.dim(3)});
  for (Index b = 0; b < y.dim(0); ++b)
    for (Index h = 0; h < y.dim(1); ++h)
      for (Index l = 0; l < y.dim(2); ++l)
        for (Index i = 0; i < w.dim(0); ++i)
          for (Index j = 0; j < w.dim(1); ++j) {
            const Index at_h = padded_index(h * o.stride + i * o.dilation - o.padding, H, o.mode);
            const Index at_w = padded_index(l * o.stride + j * o.dilation - o.padding, W, o.mode);
            if (at_h < 0 || at_w < 0) continue;
            for (Index c = 0; c < w.dim(2); ++c)
              for (Index d = 0; d < w.dim(3); ++d)
                y(b, h, l, d) += x(b, at_h, at_w, c) * w(i, j, c, d);
          }
  return y;
}

/// x [B, L, Cin], w [k, Cin, Cout] -> [B, L', Cout].
template <Scalar T>
Tensor<T> conv1d(const Tensor<T>& x, const Tensor<T>& w, const ConvOptions& o) {
  Tensor<T> y({x.dim(0), conv_extent(x.dim(1), w.dim(0), o), w.dim(2)});
  for (Index b = 0; b < y.dim(0); ++b)
    for (Index l = 0; l < y.dim(1); ++l)
      for (Index j = 0; j < w.dim(0); ++j) {
        const Index at = padded_index(l * o.stride + j * o.dilation - o.padding, x.dim(1), o.mode);
        if (at < 0) continue;
        for (Index c = 0; c < w.dim(1); ++c)
          for (Index d = 0; d < w.dim(2); ++d) y(b, l, d) += x(b, at, c) * w(j, c, d);
      }
  return y;
}

/// x [B, H, W, C] -> [B, H f, W f, C], every element f x f times.
template <Scalar T>
Tensor<T> upsample_nearest(const Tensor<T>& x, Index f) {
  Tensor<T> y({x.dim(0), x.dim(1) * f, x.dim(2) * f, x.dim(3)});
  for (Index b = 0; b < y.dim(0); ++b)
    for (Index h = 0; h < y.dim(1); ++h)
      for (Index w = 0; w < y.dim(2); ++w)
        for (Index c = 0; c < y.dim(3); ++c) y(b, h, w, c) = x(b, h / f, w / f, c);
  return y;
}

/// x [B, H, W, C] -> [B, H / f, W / f, C], means over windows of f x f.
template <Scalar T>
Tensor<T> avg_pool(const Tensor<T>& x, Index f) {
  Tensor<T> y({x.dim(0), x.dim(1) / f, x.dim(2) / f, x.dim(3)});
  for (Index b = 0; b < x.dim(0); ++b)
    for (Index h = 0; h < x.dim(1); ++h)
      for (Index w = 0; w < x.dim(2); ++w)
        for (Index c = 0; c < x.dim(3); ++c)
          y(b, h / f, w / f, c) += x(b, h, w, c) / static_cast<T>(f * f);
  return y;
}

/// softmax(q k^T / sqrt(d)) v of each head; q [B, N, D], k [B, M, D], v [B, M, Dv]; mask [B, N, M]
/// or nullptr, nonzero = may attend. A row with nothing to attend is zero.
template <Scalar T>
Tensor<T> attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v, Index heads,
                    const Tensor<T>* mask = nullptr) {
  const Index M = k.dim(1), d = q.dim(2) / heads, dv = v.dim(2) / heads;
  Tensor<T> y({q.dim(0), q.dim(1), v.dim(2)}), weight({M});
  for (Index b = 0; b < q.dim(0); ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index n = 0; n < q.dim(1); ++n) {
        T total = 0, largest = -INFINITY;
        const auto open = [&](Index m) { return !mask || (*mask)(b, n, m) != 0; };
        for (Index m = 0; m < M; ++m) {
          weight[m] = 0;
          for (Index c = 0; c < d; ++c) weight[m] += q(b, n, h * d + c) * k(b, m, h * d + c);
          weight[m] /= std::sqrt(static_cast<T>(d));
          if (open(m)) largest = std::max(largest, weight[m]);
        }
        for (Index m = 0; m < M; ++m)
          total += weight[m] = open(m) ? std::exp(weight[m] - largest) : T(0);
        for (Index m = 0; m < M; ++m)
          for (Index c = 0; total > 0 && c < dv; ++c)
            y(b, n, h * dv + c) += weight[m] / total * v(b, m, h * dv + c);
      }
  return y;
}

}  // namespace naive
}  // namespace foglift::inline v0
