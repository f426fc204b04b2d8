#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"

#include <utility>

namespace foglift {
inline namespace v0 {
namespace schedule {

/// A schedule with all its noise-to-signal ratios s = sigma / alpha mapped to factor s^power, on
/// the same curve: alpha^2 + sigma^2 = 1, alpha + sigma = 1 or alpha = 1 remain what they are. One
/// map with many names:
///   flow shift a (Esser et al. 2024, eq. 23), sigma' = a sigma / (1 + (a - 1) sigma): factor a;
///   dynamic flow shift, sigma' = e^mu / (e^mu + (1 / sigma - 1)^p): factor e^mu, power p;
///   SNR shift k (CogVideoX), alpha_bar' = alpha_bar / (k + (1 - k) alpha_bar): factor sqrt(k);
///   resolution shift (Hoogeboom et al. 2023), log-SNR' = log-SNR + 2 ln(d / side): factor side /
///   d.
///
///   schedule::Shifted shifted(schedule::Flow{}, 3);
template <DifferentiableSchedule S>
class Shifted {
 public:
  /// Throws ArgumentError unless factor and power are positive and finite.
  explicit Shifted(S base, double factor, double power = 1)
      : base_(std::move(base)), factor_(factor), power_(power) {
    if (!(factor > 0 && power > 0 && std::isfinite(factor + power)))
      raise<ArgumentError>("schedule::Shifted: factor ", factor, ", power ", power,
                           ", needed positive, finite");
  }

  Level at(double t) const { return moved(base_.at(t)); }
  /// With r = d ln(s') / dt = power (sigma'/sigma - alpha'/alpha): for alpha^2 + sigma^2 = 1, d
  /// alpha = -alpha sigma^2 r; for alpha + sigma = 1, d alpha = -alpha sigma r.
  LevelRate derivative(double t) const {
    const Level base = base_.at(t), l = moved(base);
    const LevelRate d = base_.derivative(t);
    const double r = power_ * (d.sigma / base.sigma - d.alpha / base.alpha);
    if (flow(base)) return {-l.alpha * l.sigma * r, l.alpha * l.sigma * r};
    if (exploding(base)) return {d.alpha, l.alpha * l.ratio() * r + l.ratio() * d.alpha};
    return {-l.alpha * l.sigma * l.sigma * r, l.alpha * l.alpha * l.sigma * r};
  }
  double rate(double t) const requires VariancePreservingSchedule<S> {
    const Level base = base_.at(t), l = moved(base);
    if (base.alpha == 0) return base_.rate(t);
    if (base.sigma == 0)
      return power_ == 1 ? factor_ * factor_ * base_.rate(t) : power_ < 1 ? HUGE_VAL : 0;
    // beta = -2 sigma^2 dlambda/dt, and dlambda/dt is `power` times that of the base.
    return power_ * base_.rate(t) * (l.sigma / base.sigma) * (l.sigma / base.sigma);
  }
  double time(double lambda) const { return base_.time((lambda + std::log(factor_)) / power_); }

 private:
  static bool flow(const Level& l) { return std::abs(l.alpha + l.sigma - 1) < 1e-12; }
  static bool exploding(const Level& l) {
    return !flow(l) && std::abs(l.alpha * l.alpha + l.sigma * l.sigma - 1) > 1e-12;
  }
  /// Ends of both kinds of curve, (1, 0) and (0, 1), stay where they are on either.
  Level moved(const Level& l) const {
    if (l.sigma == 0 || l.alpha == 0) return l;
    const double s = factor_ * std::pow(l.ratio(), power_);
    if (flow(l)) return {l.t, 1 / (1 + s), s / (1 + s)};
    if (exploding(l)) return {l.t, l.alpha, s * l.alpha};
    return {l.t, 1 / std::hypot(1.0, s), s / std::hypot(1.0, s)};
  }

  S base_;
  double factor_, power_;
};

}  // namespace schedule
}  // namespace v0
}  // namespace foglift
