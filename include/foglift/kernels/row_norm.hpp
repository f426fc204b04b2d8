#pragma once

#include "foglift/kernels/elementwise.hpp"
#include "foglift/kernels/reduce.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace kernels {

/// Which moment a row is divided by: layer norm (Ba et al. 2016) subtracts the mean and divides by
/// the standard deviation, RMS norm (Zhang & Sennrich 2019) only divides by the root mean square.
enum class RowNorm { layer, rms };

/// y = (x - mean) * rstd * gamma + beta on each of `rows` rows of C elements, gamma and beta [C].
/// Saves mean (0 for RMS norm) and rstd [rows], in double.
template <Scalar T>
void row_norm(RowNorm kind, Index rows, Index C, const T* x, const T* gamma, const T* beta,
              double eps, T* y, double* mean, double* rstd) {
  const auto n = static_cast<double>(C);
  for_rows(rows, C, [&](Index row) {
    const T* v = x + row * C;
    const double m = kind == RowNorm::layer ? sum(C, v) / n : 0;
    const double squares = sum_over(C, [v, m](Index i) {
      const double d = static_cast<double>(v[i]) - m;
      return d * d;
    });
    const double r = 1 / std::sqrt(squares / n + eps);
    mean[row] = m;
    rstd[row] = r;
    const Lanes<T> scale(static_cast<T>(r)), offset(static_cast<T>(-m * r));
    const auto f = [&](Lanes<T> e, Lanes<T> g, Lanes<T> b) {
      return fma(fma(e, scale, offset), g, b);
    };
    map(C, y + row * C, f, v, gamma, beta);
  });
}

/// dx of row_norm; dgamma and dbeta [C], unless both are null. Parameter gradients are summed in
/// double, over blocks of 64 rows and then over the blocks in order.
template <Scalar T>
void row_norm_backward(RowNorm kind, Index rows, Index C, const T* x, const T* gamma,
                       const double* mean, const double* rstd, const T* dy, T* dx, T* dgamma,
                       T* dbeta) {
  constexpr Index block = 64;
  const Index blocks = (rows + block - 1) / block;
  const auto n = static_cast<double>(C);
  Tensor<double> partial(Shape{dgamma ? blocks : 0, 2, C});
  for_rows(blocks, block * C, [&](Index k) {
    for (Index row = k * block; row < std::min(rows, (k + 1) * block); ++row) {
      const T *v = x + row * C, *d = dy + row * C;
      const double m = mean[row], r = rstd[row];
      const auto h = [&](Index i) {
        return static_cast<double>(d[i]) * static_cast<double>(gamma[i]);
      };
      const auto xhat = [&](Index i) { return (static_cast<double>(v[i]) - m) * r; };
      // dx = rstd (h - mean(h) - xhat mean(h xhat)), h = gamma dy; no mean(h) where none is taken.
      const double mean_h = kind == RowNorm::layer ? sum_over(C, h) / n : 0;
      const double mean_hx = sum_over(C, [&](Index i) { return h(i) * xhat(i); }) / n;
      const double slope = -r * r * mean_hx, rest = -r * mean_h - slope * m;
      const Lanes<T> a(static_cast<T>(r)), b(static_cast<T>(slope)), o(static_cast<T>(rest));
      const auto f = [&](Lanes<T> e, Lanes<T> g, Lanes<T> w) {
        return fma(e * g, a, fma(w, b, o));
      };
      map(C, dx + row * C, f, d, gamma, v);
      if (!dgamma) continue;
      double *sg = partial.data() + k * 2 * C, *sb = sg + C;
      for (Index i = 0; i < C; ++i) {
        sg[i] += static_cast<double>(d[i]) * xhat(i);
        sb[i] += static_cast<double>(d[i]);
      }
    }
  });
  if (!dgamma) return;
  for (Index i = 0; i < C; ++i) {
    double g = 0, b = 0;
    for (Index k = 0; k < blocks; ++k) {
      g += partial[k * 2 * C + i];
      b += partial[(k * 2 + 1) * C + i];
    }
    dgamma[i] = static_cast<T>(g);
    dbeta[i] = static_cast<T>(b);
  }
}

#ifdef FOGLIFT_COMPILED
extern template void row_norm(RowNorm, Index, Index, const float*, const float*, const float*,
                              double, float*, double*, double*);
extern template void row_norm(RowNorm, Index, Index, const double*, const double*, const double*,
                              double, double*, double*, double*);
extern template void row_norm_backward(RowNorm, Index, Index, const float*, const float*,
                                       const double*, const double*, const float*, float*, float*,
                                       float*);
extern template void row_norm_backward(RowNorm, Index, Index, const double*, const double*,
                                       const double*, const double*, const double*, double*,
                                       double*, double*);
#endif

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
