#pragma once

#include "foglift/diffusion/analytic/marginal.hpp"

namespace foglift::inline v0::analytic {

namespace detail {

/// K isotropic Gaussians N(m_k, v_k I).
class Isotropic {
 public:
  Isotropic(Index dimension, std::vector<double> mean, std::vector<double> variance)
      : dimension_(dimension), mean_(std::move(mean)), variance_(std::move(variance)) {}

  Index dimension() const { return dimension_; }
  Index scratch(Index) const { return 0; }

  /// ln N(x; alpha m_k, (alpha^2 v_k + sigma^2) I) + n/2 ln(2 pi).
  double log_density(Index k, const double* x, const At& at, double*) const {
    const double* m = mean(k);
    double sum = 0;
    at.for_groups([&](const Level& l, Index first, Index last) {
      const double s2 = variance_at(variance(k), l);
      double square = 0;
      for (Index i = first; i < last; ++i)
        square += (x[i] - l.alpha * m[i]) * (x[i] - l.alpha * m[i]);
      sum -= 0.5 * (square / s2 + static_cast<double>(last - first) * std::log(s2));
    });
    return sum;
  }
  /// sum += r D_k, D_k = m + g (x - alpha m) and 1 - g alpha = sigma^2 / (alpha^2 v + sigma^2).
  void add_mean(Index k, double r, const double* x, const At& at, double* sum, double*) const {
    const double *m = mean(k), v = variance(k);
    at.for_groups([&](const Level& l, Index first, Index last) {
      const double on_x = r * gain_at(v, l);
      const double on_m = v > 0 ? r * l.sigma * l.sigma / variance_at(v, l) : r;
      for (Index i = first; i < last; ++i) sum[i] += on_x * x[i] + on_m * m[i];
    });
  }
  /// sum += r S_k, S_k = -(x - alpha m) / (alpha^2 v + sigma^2).
  void add_score(Index k, double r, const double* x, const At& at, double* sum, double*) const {
    const double* m = mean(k);
    at.for_groups([&](const Level& l, Index first, Index last) {
      const double by = r / variance_at(variance(k), l);
      for (Index i = first; i < last; ++i) sum[i] += by * (l.alpha * m[i] - x[i]);
    });
  }
  /// sum += r G_k^T v.
  void add_pull(Index k, double r, const double* v, const At& at, double* sum, double*) const {
    at.for_groups([&](const Level& l, Index first, Index last) {
      const double by = r * gain_at(variance(k), l);
      for (Index i = first; i < last; ++i) sum[i] += by * v[i];
    });
  }
  double trace(Index k, const At& at, double*) const {
    double sum = 0;
    at.for_groups([&](const Level& l, Index first, Index last) {
      sum += static_cast<double>(last - first) * gain_at(variance(k), l);
    });
    return sum;
  }
  /// x0 from standard normals z.
  void draw(Index k, Index n, const double* z, double* x0, double*) const {
    for (Index i = 0; i < n; ++i) x0[i] = mean(k)[i] + std::sqrt(variance(k)) * z[i];
  }

 private:
  const double* mean(Index k) const { return mean_.data() + k * dimension_; }
  double variance(Index k) const { return variance_[static_cast<std::size_t>(k)]; }

  Index dimension_;
  std::vector<double> mean_, variance_;  // [K, dimension], [K]
};

}  // namespace detail

/// Data from a mixture of K isotropic Gaussians, component k with weight w_k, mean m_k and variance
/// v_k: see Marginal for what it answers.
class Mixture : public Marginal<detail::Isotropic> {
 public:
  struct Component {
    double weight;
    std::vector<double> mean;
    double variance;
  };

  /// Weights are normalized. Throws ArgumentError unless there is a component, all have means of
  /// one length, weights are positive, variances not negative, all finite.
  explicit Mixture(const std::vector<Component>& components)
      : Marginal(law_of(components), weights_of(components)) {}

 private:
  static detail::Isotropic law_of(const std::vector<Component>& components) {
    if (components.empty() || components.front().mean.empty())
      raise<ArgumentError>("analytic::Mixture: needed a component, with a mean of an element");
    const auto dimension = components.front().mean.size();
    std::vector<double> mean, variance;
    for (const Component& c : components) {
      const bool finite =
          std::all_of(c.mean.begin(), c.mean.end(), [](double m) { return std::isfinite(m); });
      if (!(finite && c.mean.size() == dimension && c.variance >= 0 && std::isfinite(c.variance)))
        raise<ArgumentError>("analytic::Mixture: component ", variance.size(), " has variance ",
                             c.variance, ", a mean of ", c.mean.size(),
                             " elements; needed variance >= 0, ", dimension,
                             " elements, all finite");
      variance.push_back(c.variance);
      mean.insert(mean.end(), c.mean.begin(), c.mean.end());
    }
    return {static_cast<Index>(dimension), std::move(mean), std::move(variance)};
  }
  static std::vector<double> weights_of(const std::vector<Component>& components) {
    std::vector<double> out;
    for (const Component& c : components) out.push_back(c.weight);
    return out;
  }
};

}  // namespace foglift::inline v0::analytic
