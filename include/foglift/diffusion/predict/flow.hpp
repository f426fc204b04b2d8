#pragma once

#include "foglift/core/text.hpp"
#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::predict {

/// f = u = eps - x0, the velocity of the straight path alpha = 1 - sigma (Liu et al. 2023; Lipman
/// et al. 2023), finite in both directions at every level, of other paths too.
struct FlowVelocity {
  Mix target(const Level&) const { return {-1, 1}; }
  Mix x0(const Level& l) const { return {1 / (l.alpha + l.sigma), -l.sigma / (l.alpha + l.sigma)}; }
  Mix eps(const Level& l) const { return {1 / (l.alpha + l.sigma), l.alpha / (l.alpha + l.sigma)}; }
  std::string description() const { return "flow_velocity"; }
};

/// f = u = alpha' x0 + sigma' eps, the velocity of any schedule's path (Lipman et al. 2023): a
/// network of it is the right side of the probability-flow ODE. The derivatives are the schedule's
/// at level.t. Where one is infinite (an end of a variance-preserving schedule) the velocity has no
/// limit: the target is 0 there, and of x0 and eps is returned what x alone says, x / alpha and 0.
///
///   predict::PathVelocity(schedule::Linear{})
template <DifferentiableSchedule S>
class PathVelocity {
 public:
  explicit PathVelocity(S schedule = S()) : schedule_(std::move(schedule)) {}

  Mix target(const Level& l) const {
    const Rates r = rates(l);
    return r.finite ? Mix{r.alpha, r.sigma} : Mix{0, 0};
  }
  /// (sigma' x - sigma u) / (alpha sigma' - sigma alpha').
  Mix x0(const Level& l) const {
    const Rates r = rates(l);
    if (!r.finite) return l.alpha > 0 ? Mix{1 / l.alpha, 0} : Mix{0, 0};
    return {r.sigma / r.turn, -l.sigma / r.turn};
  }
  /// (alpha u - alpha' x) / (alpha sigma' - sigma alpha').
  Mix eps(const Level& l) const {
    const Rates r = rates(l);
    return r.finite ? Mix{-r.alpha / r.turn, l.alpha / r.turn} : Mix{0, 0};
  }

  std::string description() const
    requires Described<S>
  {
    return described("path_velocity of", schedule_.description());
  }

 private:
  struct Rates {
    double alpha, sigma, turn;  // turn = alpha sigma' - sigma alpha' = alpha^2 d(sigma/alpha)/dt
    bool finite;
  };
  Rates rates(const Level& l) const {
    const LevelRate d = schedule_.derivative(l.t);
    const double turn = l.alpha * d.sigma - l.sigma * d.alpha;
    return {d.alpha, d.sigma, turn, std::isfinite(turn) && turn > 0};
  }

  S schedule_;
};

}  // namespace foglift::inline v0::predict
