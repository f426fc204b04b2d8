#pragma once

#include "foglift/diffusion/level.hpp"

#include <cmath>

namespace foglift::inline v0 {

/// The curve that levels of a process lie on, as far as one or two of them tell: alpha = const
/// (variance exploding), alpha + sigma = const (flow), or else by the norm sqrt(alpha^2 + sigma^2)
/// (variance preserving: const), whose logarithm is linear, between two levels, in what `part`
/// counts from 0 to 1.
class Curve {
 public:
  /// Through one level: alpha = 1 with noise, alpha + sigma = 1, or a constant norm.
  explicit Curve(const Level& level)
      : alpha_(1), sum_(1), norm_(std::hypot(level.alpha, level.sigma)) {
    if (level.alpha == 1 && level.sigma > 0)
      kind_ = Kind::exploding;
    else if (std::abs(level.alpha + level.sigma - 1) <= same)
      kind_ = Kind::flow;
  }
  /// Through two levels.
  Curve(const Level& from, const Level& to) : alpha_(from.alpha), sum_(from.alpha + from.sigma) {
    const auto equal = [](double a, double b) { return std::abs(a - b) <= same * (a + b); };
    if (equal(from.alpha, to.alpha))
      kind_ = Kind::exploding;
    else if (equal(sum_, to.alpha + to.sigma))
      kind_ = Kind::flow;
    if (kind_ != Kind::constant) return;
    kind_ = Kind::changing;
    log_norm_ = std::log(std::hypot(from.alpha, from.sigma));
    log_growth_ = std::log(std::hypot(to.alpha, to.sigma)) - log_norm_;
  }

  /// The level of ratio s = sigma / alpha, finite, at time t.
  Level at(double s, double t, double part = 0) const {
    if (kind_ == Kind::exploding) return {t, alpha_, s * alpha_};
    if (kind_ == Kind::flow) return {t, sum_ / (1 + s), s * sum_ / (1 + s)};
    const double alpha = size(part) / std::hypot(1.0, s);
    return {t, alpha, s * alpha};
  }

  /// The norm where alpha : sigma is c : s, c^2 + s^2 = 1.
  double norm(double part, double c, double s) const {
    if (kind_ == Kind::exploding) return alpha_ / c;
    if (kind_ == Kind::flow) return sum_ / (c + s);
    return size(part);
  }

 private:
  enum class Kind { exploding, flow, constant, changing };
  // A few roundings of a schedule's cos, exp and sqrt are no difference.
  static constexpr double same = 1e-12;

  double size(double part) const {
    return kind_ == Kind::constant ? norm_ : std::exp(log_norm_ + part * log_growth_);
  }

  double alpha_, sum_, norm_ = 0, log_norm_ = 0, log_growth_ = 0;
  Kind kind_ = Kind::constant;
};

}  // namespace foglift::inline v0
