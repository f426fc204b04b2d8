#pragma once

#include "foglift/version.hpp"

#include <cmath>

namespace foglift::inline v0::likelihood {

/// KL(N(m1, e^a) || N(m2, e^b)) of scalars in nats, from the logarithms a, b of the variances and
/// the square of m1 - m2: (e^(a - b) - 1 - (a - b) + (m1 - m2)^2 e^-b) / 2. Keeps its digits where
/// the variances are close. +inf for a = -inf < b: a point has no density.
inline double gaussian_kl(double log_variance, double log_model_variance,
                          double difference_squared) {
  const double d = log_variance - log_model_variance;
  return 0.5 * (std::expm1(d) - d + difference_squared * std::exp(-log_model_variance));
}

}  // namespace foglift::inline v0::likelihood
