#pragma once

#include "foglift/core/error.hpp"

#include <cmath>

namespace foglift::inline v0 {

/// What an error d of one element costs; d^2 near 0 in every case, so that delta = inf is the
/// squared error.
class Penalty {
 public:
  /// d^2.
  Penalty() = default;
  /// d^2 up to |d| = delta, then the tangent delta (2 |d| - delta): twice Huber's (1964) function.
  static Penalty huber(double delta) { return Penalty(Kind::huber, delta); }
  /// 2 delta (sqrt(d^2 + delta^2) - delta) (Charbonnier et al. 1997; for each element, where Song &
  /// Dhariwal 2024 take a whole sample's norm).
  static Penalty pseudo_huber(double delta) { return Penalty(Kind::pseudo_huber, delta); }

  bool squared() const { return kind_ == Kind::squared; }

  double value(double d) const {
    const double a = std::abs(d);
    if (kind_ == Kind::huber && a > delta_) return delta_ * (2 * a - delta_);
    if (kind_ == Kind::pseudo_huber) return 2 * delta_ / (std::hypot(d, delta_) + delta_) * d * d;
    return d * d;
  }
  /// d value / d d.
  double slope(double d) const {
    if (kind_ == Kind::huber && std::abs(d) > delta_) return std::copysign(2 * delta_, d);
    if (kind_ == Kind::pseudo_huber) return 2 * delta_ / std::hypot(d, delta_) * d;
    return 2 * d;
  }

 private:
  enum class Kind { squared, huber, pseudo_huber };
  Penalty(Kind kind, double delta) : kind_(kind), delta_(delta) {
    if (!(delta > 0 && std::isfinite(delta)))
      raise<ArgumentError>("Penalty: delta = ", delta, ", must be positive and finite");
  }

  Kind kind_ = Kind::squared;
  double delta_ = 1;
};

}  // namespace foglift::inline v0
