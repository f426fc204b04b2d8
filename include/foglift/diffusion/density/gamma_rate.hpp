#pragma once

#include "foglift/diffusion/schedule.hpp"

#include <limits>

namespace foglift::inline v0 {

/// d gamma / dt at time t, gamma = ln(sigma^2 / alpha^2) = -2 lambda: g^2 / sigma^2 for the
/// diffusion coefficient g. beta / sigma^2 where alpha^2 + sigma^2 =
/// 1. +inf at an end without noise or without signal.
template <DifferentiableSchedule S>
double gamma_rate(const S& schedule, double t) {
  const Level l = schedule.at(t);
  if (!(l.sigma > 0 && l.alpha > 0)) return std::numeric_limits<double>::infinity();
  if constexpr (VariancePreservingSchedule<S>) {
    return schedule.rate(t) / (l.sigma * l.sigma);
  } else {
    const auto d = schedule.derivative(t);
    return 2 * (d.sigma / l.sigma - d.alpha / l.alpha);
  }
}

}  // namespace foglift::inline v0
