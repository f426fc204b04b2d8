#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace foglift::inline v0::verify {

/// Tests of whether samples follow a distribution. Those of two samples take tensors [n, d] and
/// [m, d] and throw ShapeError where they do not fit. A p-value is the probability, if both follow
/// the same one, of what was found or worse; it is uniform then, whatever the distribution.

/// Largest distance between the empirical distribution function of x and cdf (Kolmogorov-Smirnov).
/// Throws ArgumentError for an empty sample.
template <class F>
double ks_distance(std::vector<double> x, const F& cdf) {
  if (x.empty()) raise<ArgumentError>("verify::ks_distance: no samples");
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = cdf(x[i]);
    worst = std::max({worst, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  return worst;
}

/// p-value of a Kolmogorov-Smirnov distance of n independent samples: 2 sum (-1)^(k-1) exp(-2 k^2
/// z^2) with Stephens' (1970) z = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) distance.
inline double ks_p_value(double distance, Index n) {
  const double root = std::sqrt(static_cast<double>(n));
  const double z = (root + 0.12 + 0.11 / root) * distance;
  if (z < 0.2) return 1;  // the series needs many terms there; 1 - p is below 1e-12
  double p = 0;
  for (int k = 1; k <= 20; ++k) p += (k % 2 ? 2 : -2) * std::exp(-2.0 * k * k * z * z);
  return std::clamp(p, 0.0, 1.0);
}

/// p-value of counts against expected shares (Pearson's chi^2). Throws ArgumentError unless both
/// have one length, at least 2, and positive shares.
inline double chi2_p_value(const std::vector<Index>& counts, const std::vector<double>& shares) {
  if (counts.size() != shares.size() || counts.size() < 2)
    raise<ArgumentError>("verify::chi2_p_value: ", counts.size(), " counts, ", shares.size(),
                         " shares, needed as many, at least 2");
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0),
               whole = std::accumulate(shares.begin(), shares.end(), 0.0);
  double chi2 = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (!(shares[k] > 0)) raise<ArgumentError>("verify::chi2_p_value: share ", shares[k]);
    const double expected = total * shares[k] / whole,
                 d = static_cast<double>(counts[k]) - expected;
    chi2 += d * d / expected;
  }
  // P(chi^2_dof > x) = Q(dof / 2, x / 2), from Q(1/2, y) = erfc(sqrt(y)) or Q(1, y) = e^-y by
  // Q(a + 1, y) = Q(a, y) + y^a e^-y / Gamma(a + 1).
  const double y = chi2 / 2, top = static_cast<double>(counts.size() - 1) / 2;
  const bool whole_number = counts.size() % 2 == 1;
  double a = whole_number ? 1 : 0.5, p = whole_number ? std::exp(-y) : std::erfc(std::sqrt(y));
  for (; a < top; a += 1) p += y > 0 ? std::exp(a * std::log(y) - y - std::lgamma(a + 1)) : 0;
  return p;
}

namespace detail {

template <Scalar T>
void check_samples(const Tensor<T>& a, const Tensor<T>& b, const char* where) {
  if (a.rank() != 2 || b.rank() != 2 || a.dim(1) != b.dim(1) || a.dim(0) < 2 || b.dim(0) < 2)
    raise<ShapeError>(where, ": samples ", a.shape(), " and ", b.shape(),
                      ", needed [n, d] and [m, d] with n, m >= 2");
}

/// Euclidean distances of all rows of a and b together, [n + m, n + m].
template <Scalar T>
Tensor<double> distances(const Tensor<T>& a, const Tensor<T>& b) {
  const Index n = a.dim(0), total = n + b.dim(0), d = a.dim(1);
  const auto row = [&](Index i) { return i < n ? a.data() + i * d : b.data() + (i - n) * d; };
  Tensor<double> out({total, total}, 0.0);
  for (Index i = 0; i < total; ++i)
    for (Index j = 0; j < i; ++j) {
      double square = 0;
      for (Index k = 0; k < d; ++k) {
        const double diff = double{row(i)[k]} - double{row(j)[k]};
        square += diff * diff;
      }
      out(i, j) = out(j, i) = std::sqrt(square);
    }
  return out;
}

/// Mean of k over pairs across the two samples, and over pairs inside each; first[i]: i belongs to
/// the first, of n.
struct PairMeans {
  double across = 0, first = 0, second = 0;
  PairMeans(const Tensor<double>& k, const std::vector<char>& in_first, Index n) {
    const Index total = k.dim(0), m = total - n;
    for (Index i = 0; i < total; ++i)
      for (Index j = 0; j < i; ++j) {
        const char a = in_first[static_cast<std::size_t>(i)],
                   b = in_first[static_cast<std::size_t>(j)];
        (a != b ? across : a ? first : second) += k(i, j);
      }
    across /= static_cast<double>(n * m);
    first /= 0.5 * static_cast<double>(n * (n - 1));
    second /= 0.5 * static_cast<double>(m * (m - 1));
  }
};

/// Share of random relabellings, and the labels as they are, whose statistic is as large.
template <class F>
double permutation_p_value(Index n, Index total, Index permutations, const Rng& rng,
                           const F& statistic) {
  std::vector<char> labels(static_cast<std::size_t>(total), 0);
  std::fill(labels.begin(), labels.begin() + n, char{1});
  const double found = statistic(labels);
  Index as_large = 1;
  for (Index p = 0; p < permutations; ++p) {
    for (Index i = total - 1; i > 0; --i)
      std::swap(labels[static_cast<std::size_t>(i)],
                labels[static_cast<std::size_t>(rng.index(i + 1, static_cast<std::uint64_t>(p),
                                                          static_cast<std::uint32_t>(i)))]);
    if (statistic(labels) >= found) ++as_large;
  }
  return static_cast<double>(as_large) / static_cast<double>(permutations + 1);
}

}  // namespace detail

/// Options of the tests by relabelling; their cost is (n + m)^2 for each permutation.
struct PermutationOptions {
  Index permutations = 200;
  Rng rng{0};
};

/// Energy distance (Szekely & Rizzo 2004), by relabelling.
template <Scalar T>
double energy_p_value(const Tensor<T>& a, const Tensor<T>& b, const PermutationOptions& o = {}) {
  detail::check_samples(a, b, "verify::energy_p_value");
  const auto d = detail::distances(a, b);
  return detail::permutation_p_value(a.dim(0), d.dim(0), o.permutations, o.rng,
                                     [&](const auto& labels) {
                                       const detail::PairMeans m(d, labels, a.dim(0));
                                       return 2 * m.across - m.first - m.second;
                                     });
}

/// Unbiased squared maximum mean discrepancy (Gretton et al. 2012, eq. 3) with a sum of five
/// Gaussian kernels, of 1/4 to 4 times the median distance, by relabelling.
template <Scalar T>
double mmd_p_value(const Tensor<T>& a, const Tensor<T>& b, const PermutationOptions& o = {}) {
  detail::check_samples(a, b, "verify::mmd_p_value");
  auto k = detail::distances(a, b);
  std::vector<double> below;
  for (Index i = 0; i < k.dim(0); ++i)
    for (Index j = 0; j < i; ++j) below.push_back(k(i, j));
  const auto middle = below.begin() + static_cast<std::ptrdiff_t>(below.size() / 2);
  std::nth_element(below.begin(), middle, below.end());
  for (double& v : k) {
    double sum = 0;
    for (const double width : {0.25, 0.5, 1.0, 2.0, 4.0}) {
      const double r = v / (width * *middle);
      sum += std::exp(-0.5 * r * r);
    }
    v = sum;
  }
  return detail::permutation_p_value(a.dim(0), k.dim(0), o.permutations, o.rng,
                                     [&](const auto& labels) {
                                       const detail::PairMeans m(k, labels, a.dim(0));
                                       return m.first + m.second - 2 * m.across;
                                     });
}

/// Squared sliced Wasserstein-2 distance (Bonneel et al. 2015) over random directions, in squared
/// units of the data. Both samples have one size.
template <Scalar T>
double sliced_wasserstein2(const Tensor<T>& a, const Tensor<T>& b, Index directions,
                           const Rng& rng) {
  detail::check_samples(a, b, "verify::sliced_wasserstein2");
  if (a.dim(0) != b.dim(0) || directions < 1)
    raise<ShapeError>("verify::sliced_wasserstein2: ", a.dim(0), " and ", b.dim(0), " samples, ",
                      directions, " directions; needed as many samples, a direction");
  const Index n = a.dim(0), d = a.dim(1);
  const auto axes = rng.normal<double>({directions, d});
  std::vector<double> p(static_cast<std::size_t>(n)), q(p.size());
  double sum = 0;
  for (Index k = 0; k < directions; ++k) {
    double norm = 0;
    for (Index j = 0; j < d; ++j) norm += axes(k, j) * axes(k, j);
    const auto project = [&](const Tensor<T>& x, std::vector<double>& out) {
      for (Index i = 0; i < n; ++i) {
        double dot = 0;
        for (Index j = 0; j < d; ++j) dot += axes(k, j) * double{x(i, j)};
        out[static_cast<std::size_t>(i)] = dot / std::sqrt(norm);
      }
      std::sort(out.begin(), out.end());
    };
    project(a, p);
    project(b, q);
    for (std::size_t i = 0; i < p.size(); ++i) sum += (p[i] - q[i]) * (p[i] - q[i]);
  }
  return sum / static_cast<double>(n * directions);
}

}  // namespace foglift::inline v0::verify
