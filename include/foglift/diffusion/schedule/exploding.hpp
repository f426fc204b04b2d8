#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>

namespace foglift::inline v0::schedule {

/// Least and most noise of a schedule with alpha = 1.
struct SigmaRange {
  double min = 0.002, max = 80;
};

namespace detail {
inline SigmaRange checked(SigmaRange range, const char* where) {
  if (!(range.min > 0 && range.min < range.max && std::isfinite(range.max)))
    raise<ArgumentError>(where, ": sigma from ", range.min, " to ", range.max,
                         ", needed 0 < min < max, finite");
  return range;
}
inline double checked_sigma(double lambda, SigmaRange range, const char* where) {
  if (std::isnan(lambda)) raise<ArgumentError>(where, ": lambda is NaN");
  return std::clamp(std::exp(-lambda), range.min, range.max);
}
}  // namespace detail

/// alpha = 1, sigma = min (max / min)^t: the variance-exploding process (Song et al. 2021, section
/// 3.4), whose data are taken to hold the least noise already.
class Geometric {
 public:
  explicit Geometric(SigmaRange range = {.min = 0.01, .max = 50})
      : range_(detail::checked(range, "schedule::Geometric")),
        log_ratio_(std::log(range.max / range.min)) {}

  Level at(double t) const {
    detail::check_time(t, "schedule::Geometric::at");
    return {t, 1, t < 1 ? range_.min * std::exp(log_ratio_ * t) : range_.max};
  }
  LevelRate derivative(double t) const { return {0, log_ratio_ * at(t).sigma}; }
  double time(double lambda) const {
    const double sigma = detail::checked_sigma(lambda, range_, "schedule::Geometric::time");
    return std::clamp(std::log(sigma / range_.min) / log_ratio_, 0.0, 1.0);
  }

  std::string description() const { return described("geometric", range_.min, range_.max); }

 private:
  SigmaRange range_;
  double log_ratio_;
};

/// alpha = 1, sigma^(1/rho) in a straight line from min to max: the steps of Karras et al. 2022
/// (eq. 5) as a schedule in time; rho = 1 is their sigma(t) = t.
class Edm {
 public:
  /// Throws ArgumentError for an empty range or rho < 1.
  explicit Edm(SigmaRange range = {}, double rho = 7)
      : range_(detail::checked(range, "schedule::Edm")), rho_(rho) {
    if (!(rho >= 1 && std::isfinite(rho)))
      raise<ArgumentError>("schedule::Edm: rho = ", rho, ", must be at least 1");
    first_ = std::pow(range.min, 1 / rho);
    span_ = std::pow(range.max, 1 / rho) - first_;
  }

  Level at(double t) const {
    detail::check_time(t, "schedule::Edm::at");
    const double sigma =
        t > 0 ? t < 1 ? std::pow(first_ + span_ * t, rho_) : range_.max : range_.min;
    return {t, 1, sigma};
  }
  LevelRate derivative(double t) const {
    return {0, rho_ * span_ * std::pow(first_ + span_ * t, rho_ - 1)};
  }
  double time(double lambda) const {
    const double sigma = detail::checked_sigma(lambda, range_, "schedule::Edm::time");
    return std::clamp((std::pow(sigma, 1 / rho_) - first_) / span_, 0.0, 1.0);
  }

  std::string description() const { return described("edm", range_.min, range_.max, rho_); }

 private:
  SigmaRange range_;
  double rho_, first_ = 0, span_ = 1;
};

}  // namespace foglift::inline v0::schedule
