#pragma once

#include "foglift/kernels/elementwise.hpp"
#include "foglift/kernels/reduce.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace kernels {

/// Extents of x [samples, positions, channels], normalized over the positions and the channels of a
/// group.
struct NormExtents {
  Index samples, positions, channels, groups;

  Index group_channels() const { return channels / groups; }
  Index sample_size() const { return positions * channels; }
  double group_size() const { return static_cast<double>(positions * group_channels()); }
};

/// Rows of a few channels are processed several at a time, so that packets are full.
inline Index rows_at_once(Index channels) { return std::max<Index>(1, 64 / channels); }

/// Per-channel coefficients, repeated for rows_at_once rows.
template <Scalar T>
class ChannelCoefficients {
 public:
  explicit ChannelCoefficients(Index channels)
      : channels_(channels), values_(Shape{rows_at_once(channels) * channels}) {}

  void set(Index c, double value) {
    for (Index i = c; i < values_.size(); i += channels_) values_[i] = static_cast<T>(value);
  }
  const T* data() const { return values_.data(); }

 private:
  Index channels_;
  Tensor<T> values_;
};

/// body(first element, count) over the rows of a sample, rows_at_once at a time.
template <class Body>
void for_row_runs(Index positions, Index channels, const Body& body) {
  const Index step = rows_at_once(channels);
  for (Index p = 0; p < positions; p += step)
    body(p * channels, std::min(step, positions - p) * channels);
}

/// Group normalization (Wu & He 2018): y = (x - mean) * rstd * gamma + beta with the mean and the
/// (biased) variance of each sample and group; rstd = 1 / sqrt(variance + eps). Saves mean and rstd
/// [samples, groups]. Sums in double, of differences from one element of the group: those are at
/// most sqrt(n) standard deviations from the mean, so that the variance keeps its digits.
template <Scalar T>
void group_norm(const NormExtents& n, const T* x, const T* gamma, const T* beta, double eps, T* y,
                double* mean, double* rstd) {
  const Index width = n.group_channels(), C = n.channels;
  for_rows(n.samples, n.sample_size(), [&](Index b) {
    const T* xb = x + b * n.sample_size();
    Tensor<double> shifts(Shape{C}), sums(Shape{C}), squares(Shape{C});
    double *shift = shifts.data(), *s = sums.data(), *q = squares.data();
    for (Index c = 0; c < C; ++c) shift[c] = static_cast<double>(xb[c / width * width]);
    for (Index p = 0; p < n.positions; ++p)
      for (Index c = 0; c < C; ++c) {
        const double d = static_cast<double>(xb[p * C + c]) - shift[c];
        s[c] += d;
        q[c] += d * d;
      }
    ChannelCoefficients<T> scale(C), offset(C);
    for (Index g = 0; g < n.groups; ++g) {
      const Index c0 = g * width;
      const double m = sum(width, s + c0) / n.group_size();
      const double variance = std::max(0.0, sum(width, q + c0) / n.group_size() - m * m);
      const double r = 1 / std::sqrt(variance + eps), center = shift[c0] + m;
      mean[b * n.groups + g] = center;
      rstd[b * n.groups + g] = r;
      for (Index c = c0; c < c0 + width; ++c) {
        const double k = r * static_cast<double>(gamma[c]);
        scale.set(c, k);
        offset.set(c, static_cast<double>(beta[c]) - center * k);
      }
    }
    T* yb = y + b * n.sample_size();
    for_row_runs(n.positions, C, [&](Index first, Index count) {
      map(
          count, yb + first, [](Lanes<T> v, Lanes<T> k, Lanes<T> o) { return fma(v, k, o); },
          xb + first, scale.data(), offset.data());
    });
  });
}

/// dx of group_norm from its input and statistics; dgamma and dbeta [channels] add up the samples
/// in order, in double.
template <Scalar T>
void group_norm_backward(const NormExtents& n, const T* x, const T* gamma, const double* mean,
                         const double* rstd, const T* dy, T* dx, T* dgamma, T* dbeta) {
  const Index width = n.group_channels(), C = n.channels;
  Tensor<double> by_sample_gamma(Shape{n.samples, C}), by_sample_beta(Shape{n.samples, C});
  for_rows(n.samples, n.sample_size(), [&](Index b) {
    const Index at = b * n.sample_size();
    const double *mb = mean + b * n.groups, *rb = rstd + b * n.groups;
    double *sg = by_sample_gamma.data() + b * C, *sb = by_sample_beta.data() + b * C;
    Tensor<double> centers(Shape{C});
    double* center = centers.data();
    for (Index c = 0; c < C; ++c) center[c] = mb[c / width];
    for (Index p = 0; p < n.positions; ++p)
      for (Index c = 0; c < C; ++c) {
        const auto d = static_cast<double>(dy[at + p * C + c]);
        sb[c] += d;
        sg[c] += d * (static_cast<double>(x[at + p * C + c]) - center[c]);
      }
    // With xhat = (x - mean) rstd and h = gamma dy:
    // dx = rstd (h - mean(h) - xhat mean(h xhat)) = a dy + k x + o, k and o the same in a group.
    ChannelCoefficients<T> a(C), k(C), o(C);
    for (Index g = 0; g < n.groups; ++g) {
      const Index c0 = g * width;
      const double r = rb[g];
      for (Index c = c0; c < c0 + width; ++c) sg[c] *= r;
      const auto gamma_at = [&](Index c) { return static_cast<double>(gamma[c0 + c]); };
      const double h = sum_over(width, [&](Index c) { return gamma_at(c) * sb[c0 + c]; });
      const double hx = sum_over(width, [&](Index c) { return gamma_at(c) * sg[c0 + c]; });
      const double slope = -r * r * hx / n.group_size();
      for (Index c = c0; c < c0 + width; ++c) {
        a.set(c, r * static_cast<double>(gamma[c]));
        k.set(c, slope);
        o.set(c, -r * h / n.group_size() - slope * mb[g]);
      }
    }
    for_row_runs(n.positions, C, [&](Index first, Index count) {
      const auto f = [](Lanes<T> d, Lanes<T> v, Lanes<T> ca, Lanes<T> ck, Lanes<T> co) {
        return fma(d, ca, fma(v, ck, co));
      };
      map(count, dx + at + first, f, dy + at + first, x + at + first, a.data(), k.data(), o.data());
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

#ifdef FOGLIFT_COMPILED
extern template void group_norm(const NormExtents&, const float*, const float*, const float*,
                                double, float*, double*, double*);
extern template void group_norm(const NormExtents&, const double*, const double*, const double*,
                                double, double*, double*, double*);
extern template void group_norm_backward(const NormExtents&, const float*, const float*,
                                         const double*, const double*, const float*, float*, float*,
                                         float*);
extern template void group_norm_backward(const NormExtents&, const double*, const double*,
                                         const double*, const double*, const double*, double*,
                                         double*, double*);
#endif

}  // namespace kernels
}  // namespace v0
}  // namespace foglift
