#pragma once

#include "foglift/diffusion/schedule/linear.hpp"

#include <limits>
#include <utility>

namespace foglift::inline v0::schedule {

/// alpha of a variance-preserving schedule, and sigma = 1 - alpha^2, the square of its sigma (Song
/// et al. 2021, eq. 29): less noise than the variance-preserving process at every time.
template <VariancePreservingSchedule S = Linear>
class SubVariancePreserving {
 public:
  static constexpr bool zero_terminal_snr = requires { requires S::zero_terminal_snr; };

  explicit SubVariancePreserving(S base = S()) : base_(std::move(base)) {}

  Level at(double t) const {
    const Level l = base_.at(t);
    return {t, l.alpha, l.sigma * l.sigma};
  }
  /// sigma' = -2 alpha alpha'.
  LevelRate derivative(double t) const {
    const LevelRate r = base_.derivative(t);
    return {r.alpha, -2 * base_.at(t).alpha * r.alpha};
  }
  /// r = sigma / alpha = (1 - alpha^2) / alpha gives alpha = 2 / (r + sqrt(r^2 + 4)), and in the
  /// base schedule sigma^2 = r alpha, so lambda = (ln(alpha) - ln(r)) / 2.
  double time(double lambda) const {
    const double r = std::exp(-lambda);
    if (std::isinf(r)) return base_.time(-std::numeric_limits<double>::infinity());
    const double log_alpha = std::log(2 / (r + std::hypot(r, 2.0)));
    return base_.time(0.5 * (log_alpha + lambda));
  }

  std::string description() const
    requires Described<S>
  {
    return described("sub_vp of", base_.description());
  }

 private:
  S base_;
};

}  // namespace foglift::inline v0::schedule
