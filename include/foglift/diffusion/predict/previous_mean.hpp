#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::predict {

/// f = the mean of the state one step of a chain earlier, given x and x0 (Ho et al. 2020, eq. 7,
/// for any alpha and sigma): keep x + (alpha' - alpha keep) x0 with keep = (alpha / alpha') (sigma'
/// / sigma)^2, a prime marking the earlier level. A network of it is bound to the chain it was
/// trained on, of `steps` steps 1/steps of the time long; from the first step on it is x0 itself.
/// At sigma = 0 there is no step, and f is x0. At alpha = 0 it says of x0 what its part of f does.
template <NoiseSchedule S>
class PreviousMean {
 public:
  /// Throws ArgumentError unless there is a step.
  PreviousMean(S schedule, Index steps) : schedule_(std::move(schedule)), steps_(steps) {
    if (steps < 1) raise<ArgumentError>("PreviousMean: ", steps, " steps, needed at least 1");
  }

  Mix target(const Level& l) const {
    const Step s = step(l);
    return {s.pull + s.keep * l.alpha, s.keep * l.sigma};
  }
  Mix x0(const Level& l) const {
    const Step s = step(l);
    return s.pull > 0 ? Mix{-s.keep / s.pull, 1 / s.pull} : Mix{0, 0};
  }
  Mix eps(const Level& l) const {
    if (!(l.sigma > 0)) return {0, 0};
    const Mix m = x0(l);
    return {(1 - l.alpha * m.a) / l.sigma, -l.alpha * m.b / l.sigma};
  }

  /// The level one step before.
  Level previous(const Level& l) const {
    return schedule_.at(std::max(0.0, l.t - 1 / static_cast<double>(steps_)));
  }

  std::string description() const
    requires Described<S>
  {
    return described("previous_mean", steps_, "of", schedule_.description());
  }

 private:
  struct Step {
    double keep, pull;  // mean = keep x + pull x0
  };
  Step step(const Level& l) const {
    if (!(l.sigma > 0)) return {0, 1};
    const Level to = previous(l);
    if (!(to.alpha > 0)) return {to.sigma / l.sigma, 0};
    const double q = l.alpha * to.sigma / (to.alpha * l.sigma);  // correlation given x0
    return {q * to.sigma / l.sigma, to.alpha * (1 - q * q)};
  }

  S schedule_;
  Index steps_;
};

}  // namespace foglift::inline v0::predict
