#pragma once

#include "foglift/diffusion/likelihood/dequantise.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace foglift::inline v0::likelihood {

/// ln Phi(x), the logarithm of the standard normal's distribution function, with its digits down to
/// x = -1e150: beyond -30 by the asymptotic series of the tail (Abramowitz & Stegun 26.2.12).
inline double log_normal_cdf(double x) {
  if (x > -30)
    return x > 0 ? std::log1p(-0.5 * std::erfc(x / std::numbers::sqrt2))
                 : std::log(0.5 * std::erfc(-x / std::numbers::sqrt2));
  const double r = 1 / (x * x);
  const double tail = r * (-1 + r * (3 + r * (-15 + r * (105 - 945 * r))));
  return -0.5 * x * x - 0.5 * std::log(2 * std::numbers::pi) - std::log(-x) + std::log1p(tail);
}

/// ln(Phi(b) - Phi(a)) for a < b, each possibly infinite: without cancellation in the tails, across
/// 0, and for intervals much narrower than 1.
inline double log_normal_interval(double a, double b) {
  if (a > 0) {  // the mirrored interval
    const double c = a;
    a = -b;
    b = -c;
  }
  const double middle = 0.5 * (a + b), width = b - a;
  if (width * (1 + std::abs(middle)) < 1e-3)  // the density's series; the next term is below 1e-14
    return -0.5 * middle * middle - 0.5 * std::log(2 * std::numbers::pi) + std::log(width) +
           std::log1p((middle * middle - 1) * width * width / 24);
  if (b > 0)
    return std::log(0.5 * (std::erf(b / std::numbers::sqrt2) - std::erf(a / std::numbers::sqrt2)));
  const double above = log_normal_cdf(b);
  return above + std::log1p(-std::exp(log_normal_cdf(a) - above));
}

/// ln(S(b) - S(a)) for the logistic function S and a < b, each possibly infinite: S(b) - S(a) = (1
/// - e^(a - b)) S(b) S(-a).
inline double log_logistic_interval(double a, double b) {
  const auto softplus = [](double x) {
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  };
  return std::log(-std::expm1(a - b)) - softplus(-b) - softplus(a);
}

/// Ln probability of value k, in nats, where x before quantisation is a location plus scale times a
/// standard variable: of its interval, which reaches to infinity for the first and the last value
/// (Ho et al. 2020, eq. 13). `log_interval` is log_normal_interval or log_logistic_interval. Throws
/// ArgumentError unless k is a value and the spread positive.
template <class F>
double log_bin_probability(const Dequantised& scale, Index k, double location, double spread,
                           const F& log_interval) {
  if (k < 0 || k >= scale.bins || !(spread > 0))
    raise<ArgumentError>("log_bin_probability: value ", k, " of ", scale.bins, ", spread ", spread,
                         ", needed a value and a positive spread");
  const double inf = std::numeric_limits<double>::infinity();
  return log_interval(k == 0 ? -inf : (scale.lower(k) - location) / spread,
                      k == scale.bins - 1 ? inf : (scale.lower(k + 1) - location) / spread);
}

/// The discretised Gaussian of mean and standard deviation.
inline double discretised_gaussian(const Dequantised& scale, Index k, double mean, double sigma) {
  return log_bin_probability(scale, k, mean, sigma, log_normal_interval);
}
/// The discretised logistic (Salimans et al. 2017), of standard deviation pi / sqrt(3) times
/// `spread`.
inline double discretised_logistic(const Dequantised& scale, Index k, double mean, double spread) {
  return log_bin_probability(scale, k, mean, spread, log_logistic_interval);
}

}  // namespace foglift::inline v0::likelihood
