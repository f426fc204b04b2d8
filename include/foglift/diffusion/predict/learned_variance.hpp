#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/level.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0::predict {

/// The range that a learned variance of a step lies in (Nichol & Dhariwal 2021, eq. 15): between
/// small = beta~, the variance of the earlier state given x and x0, and large = beta, the noise
/// that the step adds, sigma^2 - (alpha / alpha')^2 sigma'^2, a prime marking the level the step
/// goes to. For any alpha and sigma.
struct VarianceRange {
  double log_small, log_large;

  /// Throws ArgumentError unless `to` has less noise than `from` and a signal.
  VarianceRange(const Level& from, const Level& to) {
    const double q = from.alpha * to.sigma / (to.alpha * from.sigma);
    if (!(q >= 0 && q < 1))
      raise<ArgumentError>("VarianceRange: no step from ", from, " to ", to,
                           ", needed less noise and alpha > 0");
    const double rest = std::log1p(-q * q);
    log_large = 2 * std::log(from.sigma) + rest;
    log_small = 2 * std::log(to.sigma) + rest;  // beta sigma'^2 / sigma^2; -inf at sigma' = 0
  }

  /// ln(variance) = w ln(large) + (1 - w) ln(small), w = (v + 1) / 2, for the network's v, which is
  /// not clipped. -inf where `to` is clean: such a step draws no noise.
  double log_variance(double v) const {
    if (std::isinf(log_small)) return log_small;
    const double w = 0.5 * (v + 1);
    return w * log_large + (1 - w) * log_small;
  }
};

/// Mean of x0 and the variance head of a network, shape of x both.
template <Scalar T>
struct Moments {
  Tensor<T> x0, v;
};

}  // namespace foglift::inline v0::predict
