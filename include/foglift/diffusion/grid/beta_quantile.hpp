#pragma once

#include "foglift/core/error.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0::grid {

/// Shape of a beta distribution.
struct BetaShape {
  double a = 0.6, b = 0.6;
};

namespace detail {

/// P(X <= x) for X ~ Beta(a, b), by the continued fraction of the incomplete beta function
/// (Abramowitz & Stegun 26.5.8), which converges fast for x < (a + 1) / (a + b + 2); elsewhere by
/// symmetry.
inline double beta_cdf(double x, BetaShape s) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (s.a + 1) / (s.a + s.b + 2)) return 1 - beta_cdf(1 - x, {s.b, s.a});
  const double front = std::exp(s.a * std::log(x) + s.b * std::log1p(-x) + std::lgamma(s.a + s.b) -
                                std::lgamma(s.a) - std::lgamma(s.b)) /
                       s.a;
  // f = 1 / (1 + t1 / (1 + t2 / (1 + ...))) by Lentz's rule, begun after its first 1.
  double f = 1, c = std::numeric_limits<double>::infinity(), d = 1;
  for (int k = 1; k < 300; ++k) {
    const double m = k / 2;
    const double term = k % 2
                            ? -(s.a + m) * (s.a + s.b + m) * x / ((s.a + 2 * m) * (s.a + 2 * m + 1))
                            : m * (s.b - m) * x / ((s.a + 2 * m - 1) * (s.a + 2 * m));
    d = 1 / (1 + term * d);
    c = 1 + term / c;
    f *= c * d;
    if (std::abs(c * d - 1) < 1e-16) break;
  }
  return front * f;
}

}  // namespace detail

/// The x with P(X <= x) = p for X ~ Beta(a, b), by bisection to the last digit. Throws
/// ArgumentError unless p is in [0, 1] and a, b are positive and finite.
inline double beta_quantile(double p, BetaShape shape = {}) {
  if (!(p >= 0 && p <= 1 && shape.a > 0 && shape.b > 0 && std::isfinite(shape.a + shape.b)))
    raise<ArgumentError>("beta_quantile: p = ", p, ", a = ", shape.a, ", b = ", shape.b,
                         "; needed p in [0, 1], a, b > 0");
  if (p == 0 || p == 1) return p;
  double low = 0, high = 1;
  for (int i = 0; i < 1100; ++i) {
    const double middle = low + 0.5 * (high - low);
    if (!(low < middle && middle < high)) break;
    (detail::beta_cdf(middle, shape) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace foglift::inline v0::grid
