#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/kernels/attention/halves.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"

#include <cmath>

namespace foglift::inline v0::kernels {

/// Extents of x [samples, positions, channels], normalized over the positions and the channels of a
/// group.
struct NormExtents {
  Index samples, positions, channels, groups;

  Index group_channels() const { return channels / groups; }
  Index sample_size() const { return positions * channels; }
  double group_size() const { return static_cast<double>(positions * group_channels()); }
};

namespace detail {

/// Lanes sum so many rows in T before they are added in double: an error of at most that many
/// roundings, at a sixteenth of the conversions.
inline constexpr Index rows_a_block = 16;

/// s[c] += sums of u, q[c] += sums of v over `rows` rows of C channels, where f(load, row, u, v)
/// adds row's terms to the lanes u and v, and load(base) reads the lanes of `base` at channel c.
/// Serial; the order depends on rows alone.
template <Scalar T, class F>
void add_column_sums(Index rows, Index C, const F& f, double* s, double* q) {
  constexpr Index step = Lanes<T>::count;
  for (Index first = 0; first < rows; first += rows_a_block) {
    const Index last = std::min(rows, first + rows_a_block);
    for (Index c = 0; c < C; c += step) {
      const Index width = std::min(step, C - c);
      Lanes<T> u(T(0)), v(T(0));
      if (width == step) {
        const auto load = [c](const T* base) { return Lanes<T>::load(base + c); };
        for (Index row = first; row < last; ++row) f(load, row, u, v);
      } else {
        const auto load = [&](const T* base) { return Lanes<T>::load(base + c, width, T(0)); };
        for (Index row = first; row < last; ++row) f(load, row, u, v);
      }
      T lanes_u[std::size_t{step}], lanes_v[std::size_t{step}];
      u.store(lanes_u);
      v.store(lanes_v);
      for (Index i = 0; i < width; ++i) {
        s[c + i] += static_cast<double>(lanes_u[i]);
        q[c + i] += static_cast<double>(lanes_v[i]);
      }
    }
  }
}

}  // namespace detail

/// Mean and rstd = 1 / sqrt(variance + eps) [groups] of sample b, with the biased variance. Sums in
/// T over blocks of 16 positions, then in double, of differences from m, the group's mean over
/// every 16th position. By Cauchy and Schwarz m lies within 4 standard deviations of the mean, so
/// the variance is a difference q - (mean - m)^2 with q at most 17 times as large: its relative
/// error stays below 17 (16 + 2) epsilon, however large the mean.
template <Scalar T>
void group_statistics(const NormExtents& n, const Halves<const T>& x, Index b, double eps,
                      double* mean, double* rstd) {
  const Index width = n.group_channels(), C = n.channels, sparse = detail::rows_a_block;
  Tensor<double> sums(Shape{2, C});
  double *const s = sums.data(), *const q = s + C;
  x.each(n.positions, b, [&](Index c0, Index channels, const T* in) {
    for (Index p = 0; p < n.positions; p += sparse)
      for (Index c = 0; c < channels; ++c) s[c0 + c] += static_cast<double>(in[p * channels + c]);
  });
  auto shifts = Tensor<T>::uninitialized({C});
  const auto looked_at = static_cast<double>((n.positions + sparse - 1) / sparse * width);
  for (Index c0 = 0; c0 < C; c0 += width)
    std::fill_n(shifts.data() + c0, width, static_cast<T>(sum(width, s + c0) / looked_at));
  std::fill_n(s, C, 0.0);
  x.each(n.positions, b, [&](Index c0, Index channels, const T* in) {
    const T* const shift = shifts.data() + c0;
    detail::add_column_sums<T>(
        n.positions, channels,
        [&](const auto& load, Index p, Lanes<T>& u, Lanes<T>& v) {
          const Lanes<T> d = load(in + p * channels) - load(shift);
          u = u + d;
          v = fma(d, d, v);
        },
        s + c0, q + c0);
  });
  for (Index g = 0; g < n.groups; ++g) {
    const double m = sum(width, s + g * width) / n.group_size();
    const double variance = std::max(0.0, sum(width, q + g * width) / n.group_size() - m * m);
    mean[g] = static_cast<double>(shifts[g * width]) + m;
    rstd[g] = 1 / std::sqrt(variance + eps);
  }
}

/// scale and offset [channels] with which a sample's normalization is x scale + offset.
template <Scalar T>
void group_coefficients(const NormExtents& n, const double* mean, const double* rstd,
                        const T* gamma, const T* beta, T* scale, T* offset) {
  const Index width = n.group_channels();
  for (Index g = 0; g < n.groups; ++g)
    for (Index c = g * width; c < (g + 1) * width; ++c) {
      const double k = rstd[g] * static_cast<double>(gamma[c]);
      scale[c] = static_cast<T>(k);
      offset[c] = static_cast<T>(static_cast<double>(beta[c]) - mean[g] * k);
    }
}

#define FOGLIFT_KERNELS_GROUP_STATISTICS(linkage, T)                                       \
  linkage void group_statistics(const NormExtents&, const Halves<const T>&, Index, double, \
                                double*, double*)
FOGLIFT_FOR_SCALARS(FOGLIFT_KERNELS_GROUP_STATISTICS, extern template);

}  // namespace foglift::inline v0::kernels
