#pragma once

#include "foglift/diffusion/level.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// The curve of a process through two of its levels, by the norm sqrt(alpha^2 + sigma^2) of its
/// levels: alpha = const (variance exploding) or alpha + sigma = const (flow) where both lie on
/// such a curve; otherwise the logarithm of the norm is linear in what `part` counts from 0 to 1
/// (variance preserving: const).
class Curve {
 public:
  Curve(const Level& from, const Level& to) : from_(from) {
    // A few roundings of a schedule's cos, exp and sqrt are no difference.
    const auto same = [](double a, double b) { return std::abs(a - b) <= 1e-12 * (a + b); };
    if (same(from.alpha, to.alpha))
      kind_ = Kind::exploding;
    else if (same(from.alpha + from.sigma, to.alpha + to.sigma))
      kind_ = Kind::flow;
    log_norm_ = std::log(std::hypot(from.alpha, from.sigma));
    log_growth_ = std::log(std::hypot(to.alpha, to.sigma)) - log_norm_;
  }

  /// The norm where alpha : sigma is c : s, c^2 + s^2 = 1.
  double norm(double part, double c, double s) const {
    switch (kind_) {
      case Kind::exploding:
        return from_.alpha / c;
      case Kind::flow:
        return (from_.alpha + from_.sigma) / (c + s);
      default:
        return std::exp(log_norm_ + part * log_growth_);
    }
  }

 private:
  enum class Kind { exploding, flow, other };

  Level from_;
  double log_norm_, log_growth_;
  Kind kind_ = Kind::other;
};

/// The way between two levels with noise in the variable v = asinh(alpha / sigma), which is 0 at
/// pure noise and lambda + ln 2 near data: (alpha, sigma) = norm (tanh v, 1 / cosh v). In u = x /
/// norm the probability-flow ODE of every process is
///   du / dv = x0 - tanh(v) u,
/// without a singular term from pure noise on, and as smooth as in lambda near data. The norm and
/// t, which a denoiser may look at, are the process's own as far as two levels tell: see Curve; t
/// is linear in v.
class Arc {
 public:
  static double variable(const Level& level) { return std::asinh(level.alpha / level.sigma); }

  /// Throws ArgumentError unless the levels are finite, have noise, and differ in sigma / alpha.
  Arc(const Level& from, const Level& to)
      : from_(from), to_(to), curve_(from, to), first_(variable(from)), last_(variable(to)) {
    for (const Level& l : {from, to})
      if (!(l.alpha >= 0 && l.sigma > 0 && std::isfinite(l.alpha + l.sigma)))
        raise<ArgumentError>("solver::Arc: level ", l, ", needed alpha >= 0, sigma > 0, finite");
    if (first_ == last_)
      raise<ArgumentError>("solver::Arc: ", from, " and ", to, " are one level of noise");
  }

  double first() const { return first_; }
  double last() const { return last_; }

  /// The level at v between the two; the ends are as they were given.
  Level at(double v) const {
    if (v == first_) return from_;
    if (v == last_) return to_;
    const double part = (v - first_) / (last_ - first_);
    const double c = std::tanh(v), s = 1 / std::cosh(v), n = curve_.norm(part, c, s);
    return {from_.t + part * (to_.t - from_.t), n * c, n * s};
  }

 private:
  Level from_, to_;
  Curve curve_;
  double first_, last_;
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
