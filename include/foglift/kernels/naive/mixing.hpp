#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace foglift::inline v0::naive {

/// h_t = a_t h_{t-1} + b_t for complex a, b [B, L, C] given as [re | im] along the last axis.
inline Tensor<double> complex_scan(const Tensor<double>& a, const Tensor<double>& b,
                                   const Tensor<double>& initial) {
  const Index C = b.dim(2) / 2;
  Tensor<double> h(b.shape());
  for (Index s = 0; s < b.dim(0); ++s)
    for (Index c = 0; c < C; ++c) {
      std::complex<double> state(initial(s, c), initial(s, C + c));
      for (Index t = 0; t < b.dim(1); ++t) {
        state = std::complex(a(s, t, c), a(s, t, C + c)) * state +
                std::complex(b(s, t, c), b(s, t, C + c));
        h(s, t, c) = state.real();
        h(s, t, C + c) = state.imag();
      }
    }
  return h;
}

/// The same for real numbers.
inline Tensor<double> scan(const Tensor<double>& a, const Tensor<double>& b,
                           const Tensor<double>& initial) {
  Tensor<double> h(b.shape());
  for (Index s = 0; s < b.dim(0); ++s)
    for (Index t = 0; t < b.dim(1); ++t)
      for (Index c = 0; c < b.dim(2); ++c)
        h(s, t, c) = a(s, t, c) * (t == 0 ? initial(s, c) : h(s, t - 1, c)) + b(s, t, c);
  return h;
}

/// y[o, i, c] = sum_j m[i, j] x[o, j, c].
inline Tensor<double> mix(const Tensor<double>& m, const Tensor<double>& x) {
  Tensor<double> y({x.dim(0), m.dim(0), x.dim(2)});
  for (Index o = 0; o < x.dim(0); ++o)
    for (Index i = 0; i < m.dim(0); ++i)
      for (Index j = 0; j < m.dim(1); ++j)
        for (Index c = 0; c < x.dim(2); ++c) y(o, i, c) += m(i, j) * x(o, j, c);
  return y;
}

/// The matrix of the orthonormal DCT-II.
inline Tensor<double> dct_matrix(Index n) {
  Tensor<double> m({n, n});
  for (Index k = 0; k < n; ++k)
    for (Index j = 0; j < n; ++j)
      m(k, j) = std::sqrt((k == 0 ? 1.0 : 2.0) / double(n)) *
                std::cos(std::numbers::pi * (double(j) + 0.5) * double(k) / double(n));
  return m;
}

/// Bilinear reading by hat functions: cell (i, j) counts max(0, 1 - |y - i|) max(0, 1 - |x - j|),
/// and what stands outside is zero or, with `border`, moved to the border first.
inline Tensor<double> sample_points(const Tensor<double>& x, const Tensor<double>& points,
                                    bool align_corners, bool border) {
  const Index H = x.dim(1), W = x.dim(2);
  Tensor<double> y({x.dim(0), points.dim(1), x.dim(3)});
  const auto cell = [&](double at, Index n) {
    const double u = align_corners ? (at + 1) / 2 * double(n - 1) : (at + 1) / 2 * double(n) - 0.5;
    return border ? std::min(std::max(u, 0.0), double(n - 1)) : u;
  };
  for (Index b = 0; b < y.dim(0); ++b)
    for (Index p = 0; p < y.dim(1); ++p) {
      const double u = cell(points(b, p, 0), W), v = cell(points(b, p, 1), H);
      for (Index i = 0; i < H; ++i)
        for (Index j = 0; j < W; ++j)
          for (Index c = 0; c < y.dim(2); ++c)
            y(b, p, c) += std::max(0.0, 1 - std::abs(v - double(i))) *
                          std::max(0.0, 1 - std::abs(u - double(j))) * x(b, i, j, c);
    }
  return y;
}

}  // namespace foglift::inline v0::naive
