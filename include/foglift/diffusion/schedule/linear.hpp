#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>

namespace foglift::inline v0::schedule {

/// beta(t) at t = 0 and t = 1 of a continuous schedule.
struct RateRange {
  double beta_min, beta_max;
};

/// What a variance-preserving schedule S has that knows rate(t) = beta(t) and integral(t), that of
/// beta from 0 to t.
template <class S>
class RateSchedule {
 public:
  Level at(double t) const {
    detail::check_time(t, name_);
    return detail::level_of(t, self().integral(t));
  }
  LevelRate derivative(double t) const { return detail::rate_of(at(t), self().rate(t)); }

 protected:
  /// Throws ArgumentError for rates that are negative, fall or are all 0.
  RateSchedule(const RateRange& range, const char* name) : name_(name) {
    detail::check_rates(range.beta_min, range.beta_max, name);
  }

 private:
  const S& self() const { return static_cast<const S&>(*this); }
  const char* name_;
};

/// beta(t) grows linearly (Ho et al. 2020 in the continuous limit; Song et al. 2021, eq. 33).
class Linear : public RateSchedule<Linear> {
 public:
  explicit Linear(RateRange range = {.beta_min = 0.1, .beta_max = 20})
      : RateSchedule(range, "schedule::Linear"),
        min_(range.beta_min),
        slope_(range.beta_max - range.beta_min) {}

  double integral(double t) const { return (min_ + 0.5 * slope_ * t) * t; }
  double rate(double t) const { return min_ + slope_ * t; }
  /// sigma grows as sqrt(slope / 2) t from t = 0 where beta_min is 0, else as sqrt(beta_min t).
  LevelRate derivative(double t) const {
    if (t == 0 && min_ == 0) return {0, std::sqrt(0.5 * slope_)};
    return RateSchedule::derivative(t);
  }
  /// The root of slope t^2 / 2 + beta_min t = B in the form without cancellation.
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::Linear::time");
    if (B == 0) return 0;
    if (std::isinf(B)) return 1;
    return std::min(1.0, 2 * B / (std::sqrt(min_ * min_ + 2 * slope_ * B) + min_));
  }

  std::string description() const { return described("linear", min_, min_ + slope_); }

 private:
  double min_, slope_;
};

/// alpha^2 = e^(-rate t): a rate that does not change (the "exp" schedule of diffusers, rate 12).
inline Linear exponential(double rate = 12) { return Linear({.beta_min = rate, .beta_max = rate}); }

/// sqrt(beta(t)) grows linearly (Rombach et al. 2022); the defaults are 1000 times the betas of the
/// 1000-step table from 0.00085 to 0.012.
class ScaledLinear : public RateSchedule<ScaledLinear> {
 public:
  explicit ScaledLinear(RateRange range = {.beta_min = 0.85, .beta_max = 12})
      : RateSchedule(range, "schedule::ScaledLinear"),
        first_(std::sqrt(range.beta_min)),
        slope_(std::sqrt(range.beta_max) - first_) {}

  /// The integral of (a + d t)^2 is t (a^2 + a u + u^2) / 3 with u = a + d t.
  double integral(double t) const {
    const double u = first_ + slope_ * t;
    return t * (first_ * first_ + first_ * u + u * u) / 3;
  }
  double rate(double t) const {
    const double u = first_ + slope_ * t;
    return u * u;
  }
  /// sigma grows as t^(3/2) from t = 0 where beta_min is 0.
  LevelRate derivative(double t) const {
    if (t == 0 && first_ == 0) return {0, 0};
    return RateSchedule::derivative(t);
  }
  double time(double lambda) const {
    const double B = detail::integrated_rate(lambda, "schedule::ScaledLinear::time");
    if (B == 0) return 0;
    if (std::isinf(B)) return 1;
    const double u = std::cbrt(first_ * first_ * first_ + 3 * slope_ * B);
    return std::min(1.0, 3 * B / (first_ * first_ + first_ * u + u * u));
  }

  std::string description() const { return described("scaled_linear", rate(0), rate(1)); }

 private:
  double first_, slope_;
};

}  // namespace foglift::inline v0::schedule
