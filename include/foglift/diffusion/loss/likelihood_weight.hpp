#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/diffusion/density/gamma_rate.hpp"
#include "foglift/diffusion/loss/weight.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::weight {

/// gamma'(t) / 2 on eps, gamma = ln(sigma^2 / alpha^2): with times uniform in [0, 1] the loss is
/// the diffusion part of the negative log-likelihood bound, in nats an element (Kingma et al. 2021,
/// section 4.2). The same is g^2 / 2 on the error of the score (Song et al. 2021, "Maximum
/// likelihood training", section 3). Like that integral, it has no limit at an end without noise or
/// without signal: there it throws NumericError; keep t_min and t_max off it.
template <DifferentiableSchedule S>
class Likelihood {
 public:
  explicit Likelihood(S schedule) : schedule_(std::move(schedule)) {}
  Errors operator()(const Level& l) const {
    const double rate = gamma_rate(schedule_, l.t);
    if (!std::isfinite(rate))
      raise<NumericError>("weight::Likelihood: d gamma/dt is ", rate, " at ", l,
                          "; choose t_min and t_max where it is finite");
    return {0, 0.5 * rate};
  }

 private:
  S schedule_;
};

/// The same of a chain of T steps, at times k / T (density::Steps): T / 2 (e^(gamma_t - gamma_s) -
/// 1) on eps, s = t - 1 / T (Kingma et al. 2021, section 4.1), T times the Kullback-Leibler
/// divergence of a step whose variance is beta~. At the first step of a schedule that is clean at t
/// = 0, whose term is the decoder's, it throws NumericError.
template <NoiseSchedule S>
class LikelihoodSteps {
 public:
  /// Throws ArgumentError unless there is a step.
  LikelihoodSteps(S schedule, Index steps)
      : schedule_(std::move(schedule)), T_(static_cast<double>(steps)) {
    if (steps < 1) raise<ArgumentError>("weight::LikelihoodSteps: ", steps, " steps, needed >= 1");
  }
  Errors operator()(const Level& from) const {
    const Level to = schedule_.at(std::clamp((std::round(from.t * T_) - 1) / T_, 0.0, 1.0));
    if (!(to.sigma > 0))
      raise<NumericError>("weight::LikelihoodSteps: the step from ", from,
                          " ends without noise; choose t_min >= 1 / T");
    if (from.alpha > 0) return {0, 0.5 * T_ * std::expm1(2 * (to.lambda() - from.lambda()))};
    return {0.5 * T_ * to.snr(), 0};  // snr_s - snr_t on x0, with snr_t = 0
  }

 private:
  S schedule_;
  double T_;
};

}  // namespace foglift::inline v0::weight
