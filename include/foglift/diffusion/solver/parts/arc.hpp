#pragma once

#include "foglift/diffusion/curve.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

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

}  // namespace foglift::inline v0::solver
