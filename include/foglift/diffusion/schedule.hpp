#pragma once

#include "foglift/diffusion/level.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>

namespace foglift {
inline namespace v0 {

/// How noise grows with time: at(t) is the level at time t in [0, 1]; time(lambda) is its inverse,
/// the time at which ln(alpha / sigma) is lambda, clamped to [0, 1] and finite for every lambda,
/// +-inf included.
template <class S>
concept NoiseSchedule = requires(const S& s, double v) {
  { s.at(v) } -> std::convertible_to<Level>;
  { s.time(v) } -> std::convertible_to<double>;
};

/// A noise schedule with alpha^2 + sigma^2 = 1 that also gives its rate beta(t) = -2 d ln(alpha) /
/// dt, the coefficient of the variance-preserving SDE.
template <class S>
concept VariancePreservingSchedule = NoiseSchedule<S> && requires(const S& s, double t) {
  { s.rate(t) } -> std::convertible_to<double>;
};

namespace schedule {

namespace detail {
/// Throws ArgumentError unless t is in [0, 1].
inline void check_time(double t, const char* where) {
  if (!(t >= 0 && t <= 1)) raise<ArgumentError>(where, ": t = ", t, ", must be in [0, 1]");
}

/// The variance-preserving level whose integrated rate is B: alpha = e^(-B/2).
inline Level level_of(double t, double B) {
  return {t, std::exp(-0.5 * B), std::sqrt(-std::expm1(-B))};
}

/// The integrated rate at lambda: alpha^2 = 1 / (1 + e^(-2 lambda)), so B = ln(1 + e^(-2 lambda)).
/// Stable at both ends; throws ArgumentError for NaN.
inline double integrated_rate(double lambda, const char* where) {
  if (std::isnan(lambda)) raise<ArgumentError>(where, ": lambda is NaN");
  return lambda > 0 ? std::log1p(std::exp(-2 * lambda))
                    : -2 * lambda + std::log1p(std::exp(2 * lambda));
}

/// Throws ArgumentError unless 0 <= first <= last < inf and last > 0.
inline void check_rates(double first, double last, const char* where) {
  if (!(first >= 0 && last >= first && last > 0 && std::isfinite(last)))
    raise<ArgumentError>(where, ": rates from ", first, " to ", last,
                         ", needed 0 <= beta_min <= beta_max, 0 < beta_max");
}
}  // namespace detail

/// beta(t) at t = 0 and t = 1 of a continuous schedule.
struct RateRange {
  double beta_min, beta_max;
};

/// beta(t) grows linearly (Ho et al. 2020 in the continuous limit; Song et al. 2021, eq. 33).
class Linear {
 public:
  explicit Linear(RateRange range = {.beta_min = 0.1, .beta_max = 20})
      : min_(range.beta_min), slope_(range.beta_max - range.beta_min) {
    detail::check_rates(range.beta_min, range.beta_max, "schedule::Linear");
  }

  Level at(double t) const {
    detail::check_time(t, "schedule::Linear::at");
    return detail::level_of(t, (min_ + 0.5 * slope_ * t) * t);
  }
  double rate(double t) const { return min_ + slope_ * t; }
  /// The root of slope t^2 / 2 + beta_min t = B in the form without cancellation.
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::Linear::time");
    if (B == 0) return 0;
    if (std::isinf(B)) return 1;
    return std::min(1.0, 2 * B / (std::sqrt(min_ * min_ + 2 * slope_ * B) + min_));
  }

 private:
  double min_, slope_;
};

/// sqrt(beta(t)) grows linearly (Rombach et al. 2022); the defaults are 1000 times the betas of the
/// 1000-step table from 0.00085 to 0.012.
class ScaledLinear {
 public:
  explicit ScaledLinear(RateRange range = {.beta_min = 0.85, .beta_max = 12})
      : first_(std::sqrt(range.beta_min)), slope_(std::sqrt(range.beta_max) - first_) {
    detail::check_rates(range.beta_min, range.beta_max, "schedule::ScaledLinear");
  }

  /// The integral of (a + d t)^2 is t (a^2 + a u + u^2) / 3 with u = a + d t.
  Level at(double t) const {
    detail::check_time(t, "schedule::ScaledLinear::at");
    const double u = first_ + slope_ * t;
    return detail::level_of(t, t * (first_ * first_ + first_ * u + u * u) / 3);
  }
  double rate(double t) const {
    const double u = first_ + slope_ * t;
    return u * u;
  }
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::ScaledLinear::time");
    if (B == 0) return 0;
    if (std::isinf(B)) return 1;
    const double u = std::cbrt(first_ * first_ * first_ + 3 * slope_ * B);
    return std::min(1.0, 3 * B / (first_ * first_ + first_ * u + u * u));
  }

 private:
  double first_, slope_;
};

/// alpha^2 = cos^2(theta(t)) / cos^2(theta(0)), theta(t) = (t + offset) / (1 + offset) * pi / 2
/// (Nichol & Dhariwal 2021, eq. 17), without the discrete form's cap on beta: alpha is exactly 0 at
/// t = 1, where rate(t) is +inf.
class Cosine {
 public:
  struct Options {
    double offset = 0.008;
  };
  Cosine() : Cosine(Options{}) {}
  explicit Cosine(Options options) : offset_(options.offset) {
    if (!(offset_ >= 0 && offset_ < 1))
      raise<ArgumentError>("schedule::Cosine: offset = ", offset_, ", must be in [0, 1)");
    theta0_ = offset_ / (1 + offset_) * half_pi;
  }

  /// cos(theta) = sin(pi/2 - theta) keeps alpha's digits near t = 1; cos^2 a - cos^2 b = sin(b - a)
  /// sin(b + a) keeps sigma's near t = 0.
  Level at(double t) const {
    detail::check_time(t, "schedule::Cosine::at");
    const double delta = t / (1 + offset_) * half_pi;
    return {t, std::sin(rest(t)) / std::cos(theta0_),
            std::sqrt(std::sin(delta) * std::sin(delta + 2 * theta0_)) / std::cos(theta0_)};
  }
  double rate(double t) const {
    return t < 1 ? 2 * half_pi / (1 + offset_) / std::tan(rest(t))
                 : std::numeric_limits<double>::infinity();
  }
  /// With q = cos(theta) = cos(theta0) alpha and p = cos(theta0) sigma: sin^2(theta) = p^2 +
  /// sin^2(theta0). Late times are taken from pi/2 - theta, early ones from sin(theta - theta0) =
  /// p^2 / sin(theta + theta0), so that both keep their digits.
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::Cosine::time");
    const double c0 = std::cos(theta0_), s0 = std::sin(theta0_);
    const double q = c0 * std::exp(-0.5 * B), p2 = -std::expm1(-B) * c0 * c0;
    if (p2 == 0) return 0;
    const double sine = std::sqrt(p2 + s0 * s0);
    if (q < sine) return std::max(0.0, 1 - std::atan2(q, sine) / half_pi * (1 + offset_));
    const double theta = std::atan2(sine, q);
    return std::asin(p2 / std::sin(theta + theta0_)) / half_pi * (1 + offset_);
  }

 private:
  static constexpr double half_pi = std::numbers::pi / 2;
  /// pi/2 - theta(t), exactly 0 at t = 1.
  double rest(double t) const { return (1 - t) / (1 + offset_) * half_pi; }

  double offset_, theta0_ = 0;
};

}  // namespace schedule
}  // namespace v0
}  // namespace foglift
