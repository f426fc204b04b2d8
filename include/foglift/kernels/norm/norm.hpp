#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/norm/group_statistics.hpp"

namespace foglift::inline v0::kernels {

/// Group normalization (Wu & He 2018): y = (x - mean) * rstd * gamma + beta with the mean and the
/// (biased) variance of each sample and group. Saves mean and rstd [samples, groups].
template <Scalar T>
void group_norm(const NormExtents& n, const T* x, const T* gamma, const T* beta, double eps, T* y,
                double* mean, double* rstd) {
  const Index C = n.channels;
  for_rows(n.samples, n.sample_size(), [&](Index b) {
    double *const mb = mean + b * n.groups, *const rb = rstd + b * n.groups;
    group_statistics(n, whole(x, C), b, eps, mb, rb);
    auto coefficients = Tensor<T>::uninitialized({2, C});
    T *const scale = coefficients.data(), *const offset = scale + C;
    group_coefficients(n, mb, rb, gamma, beta, scale, offset);
    for (Index at = b * n.sample_size(), end = at + n.sample_size(); at < end; at += C)
      map(
          C, y + at, [](Lanes<T> v, Lanes<T> k, Lanes<T> o) { return fma(v, k, o); }, x + at, scale,
          offset);
  });
}

/// d [samples, positions, channels] *= silu'(group_norm(x)): the gradient of silu(group_norm(x))
/// becomes that of group_norm(x).
template <Scalar T>
void norm_silu_backward(const NormExtents& n, const Halves<const T>& x, const T* gamma,
                        const T* beta, const double* mean, const double* rstd, T* d) {
  const Index C = n.channels;
  for_rows(n.samples, n.sample_size(), [&](Index b) {
    auto coefficients = Tensor<T>::uninitialized({2, C});
    T *const scale = coefficients.data(), *const offset = scale + C;
    group_coefficients(n, mean + b * n.groups, rstd + b * n.groups, gamma, beta, scale, offset);
    x.each(n.positions, b, [&](Index c0, Index channels, const T* in) {
      for (Index p = 0; p < n.positions; ++p) {
        T* const at = d + b * n.sample_size() + p * C + c0;
        map(
            channels, at,
            [](Lanes<T> g, Lanes<T> v, Lanes<T> s, Lanes<T> t) {
              return g * Silu::slope(fma(v, s, t));
            },
            at, in + p * channels, scale + c0, offset + c0);
      }
    });
  });
}

/// dx of group_norm from its input and statistics; dgamma and dbeta [channels] add up the samples
/// in order, in double.
template <Scalar T>
void group_norm_backward(const NormExtents& n, const Halves<const T>& x, const T* gamma,
                         const double* mean, const double* rstd, const T* dy, const Halves<T>& dx,
                         T* dgamma, T* dbeta) {
  const Index width = n.group_channels(), C = n.channels;
  Tensor<double> by_sample_gamma(Shape{n.samples, C}), by_sample_beta(Shape{n.samples, C});
  for_rows(n.samples, n.sample_size(), [&](Index b) {
    const double *mb = mean + b * n.groups, *rb = rstd + b * n.groups;
    double *sg = by_sample_gamma.data() + b * C, *sb = by_sample_beta.data() + b * C;
    const T* const d_sample = dy + b * n.sample_size();
    auto coefficients = Tensor<T>::uninitialized({4, C});
    T *const a = coefficients.data(), *const k = a + C, *const o = k + C, *const center = o + C;
    for (Index c = 0; c < C; ++c) center[c] = static_cast<T>(mb[c / width]);
    x.each(n.positions, b, [&](Index c0, Index channels, const T* in) {
      detail::add_column_sums<T>(
          n.positions, channels,
          [&](const auto& load, Index p, Lanes<T>& u, Lanes<T>& v) {
            const Lanes<T> d = load(d_sample + p * C + c0);
            u = u + d;
            v = fma(d, load(in + p * channels) - load(center + c0), v);
          },
          sb + c0, sg + c0);
    });
    // With xhat = (x - mean) rstd and h = gamma dy:
    // dx = rstd (h - mean(h) - xhat mean(h xhat)) = a dy + k x + o, k and o the same in a group.
    for (Index g = 0; g < n.groups; ++g) {
      const Index c0 = g * width;
      const double r = rb[g];
      const auto gamma_at = [&](Index c) { return static_cast<double>(gamma[c0 + c]); };
      // `center` is the mean rounded to T; what it lacks is the same at every position.
      const double rest = static_cast<double>(center[c0]) - mb[g];
      for (Index c = c0; c < c0 + width; ++c) sg[c] = r * (sg[c] + rest * sb[c]);
      const double h = sum_over(width, [&](Index c) { return gamma_at(c) * sb[c0 + c]; });
      const double hx = sum_over(width, [&](Index c) { return gamma_at(c) * sg[c0 + c]; });
      const double slope = -r * r * hx / n.group_size();
      for (Index c = c0; c < c0 + width; ++c) a[c] = static_cast<T>(r * gamma_at(c - c0));
      std::fill_n(k + c0, width, static_cast<T>(slope));
      std::fill_n(o + c0, width, static_cast<T>(-r * h / n.group_size() - slope * mb[g]));
    }
    x.each(n.positions, b, [&](Index c0, Index channels, const T* in) {
      T* const out = (c0 == 0 ? dx.first : dx.second) + b * n.positions * channels;
      for (Index p = 0; p < n.positions; ++p)
        map(
            channels, out + p * channels,
            [](Lanes<T> d, Lanes<T> v, Lanes<T> ca, Lanes<T> ck, Lanes<T> co) {
              return fma(d, ca, fma(v, ck, co));
            },
            d_sample + p * C + c0, in + p * channels, a + c0, k + c0, o + c0);
    });
  });
  for (Index c = 0; c < C; ++c) {
    double g = 0, h = 0;
    for (Index b = 0; b < n.samples; ++b) {
      g += by_sample_gamma[b * C + c];
      h += by_sample_beta[b * C + c];
    }
    dgamma[c] = static_cast<T>(g);
    dbeta[c] = static_cast<T>(h);
  }
}

#define FOGLIFT_KERNELS_NORM(linkage, T)                                                          \
  linkage void group_norm(const NormExtents&, const T*, const T*, const T*, double, T*, double*,  \
                          double*);                                                               \
  linkage void norm_silu_backward(const NormExtents&, const Halves<const T>&, const T*, const T*, \
                                  const double*, const double*, T*);                              \
  linkage void group_norm_backward(const NormExtents&, const Halves<const T>&, const T*,          \
                                   const double*, const double*, const T*, const Halves<T>&, T*,  \
                                   T*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_NORM, extern template);

}  // namespace foglift::inline v0::kernels
