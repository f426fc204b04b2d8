#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/diffusion/density/density.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace foglift::inline v0::density {

/// Constant on each of N equal parts of [0, 1], by a table of weights.
class Piecewise {
 public:
  /// Throws ArgumentError unless the weights are finite, not negative, and not all 0.
  explicit Piecewise(std::vector<double> weights) : p_(std::move(weights)) {
    const double sum = std::accumulate(p_.begin(), p_.end(), 0.0);
    for (const double p : p_)
      if (!(p >= 0)) raise<ArgumentError>("density::Piecewise: weight ", p, ", needed >= 0");
    if (!(sum > 0 && std::isfinite(sum)))
      raise<ArgumentError>("density::Piecewise: ", p_.size(), " weights with sum ", sum,
                           ", needed positive and finite");
    below_.push_back(0);
    for (double& p : p_) {
      p /= sum;
      below_.push_back(below_.back() + p);
    }
    for (double& b : below_) b /= below_.back();
  }

  Index parts() const { return static_cast<Index>(p_.size()); }
  /// Probability of part i.
  double probability(Index i) const { return p_[static_cast<std::size_t>(i)]; }

  double quantile(double u) const {
    // the first part that ends beyond u has a positive probability
    const auto end = std::upper_bound(below_.begin() + 1, below_.end(), u);
    if (end == below_.end()) return 1;
    const auto i = static_cast<std::size_t>(end - below_.begin()) - 1;
    const double inside = (u - below_[i]) / (below_[i + 1] - below_[i]);
    return std::min(1.0, (static_cast<double>(i) + inside) / n());
  }
  double cdf(double t) const {
    if (t <= 0 || t >= 1) return t <= 0 ? 0 : 1;
    const std::size_t i = part(t);
    return below_[i] + (t * n() - static_cast<double>(i)) * (below_[i + 1] - below_[i]);
  }
  double pdf(double t) const { return t >= 0 && t <= 1 ? n() * p_[part(t)] : 0; }

 private:
  double n() const { return static_cast<double>(p_.size()); }
  std::size_t part(double t) const {
    return std::min(static_cast<std::size_t>(t * n()), p_.size() - 1);
  }

  std::vector<double> p_, below_;
};

}  // namespace foglift::inline v0::density
