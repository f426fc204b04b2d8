#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <limits>
#include <numbers>

namespace foglift::inline v0::schedule {

/// alpha^2 = cos^2(theta(t)) / cos^2(theta(0)), theta(t) = (t + offset) / (1 + offset) * pi / 2
/// (Nichol & Dhariwal 2021, eq. 17), without the discrete form's cap on beta: alpha is exactly 0 at
/// t = 1, where rate(t) is +inf.
class Cosine {
 public:
  static constexpr bool zero_terminal_snr = true;

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
  /// Finite at t = 1, where the rate is not: alpha' = -theta' sin(theta) / cos(theta(0)).
  LevelRate derivative(double t) const {
    const Level l = at(t);
    const double speed = half_pi / (1 + offset_),
                 fall = speed * std::cos(rest(t)) / std::cos(theta0_);
    if (t == 0 && offset_ == 0) return {0, speed};  // sigma = sin(theta)
    return {-fall, fall * l.alpha / l.sigma};
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

  std::string description() const { return described("cosine", offset_); }

 private:
  static constexpr double half_pi = std::numbers::pi / 2;
  /// pi/2 - theta(t), exactly 0 at t = 1.
  double rest(double t) const { return (1 - t) / (1 + offset_) * half_pi; }

  double offset_, theta0_ = 0;
};

}  // namespace foglift::inline v0::schedule
