#pragma once

#include "foglift/core/text.hpp"
#include "foglift/diffusion/level.hpp"

#include <cmath>
#include <concepts>

namespace foglift::inline v0 {

/// d alpha / dt and d sigma / dt.
struct LevelRate {
  double alpha = 0, sigma = 0;

  friend bool operator==(const LevelRate&, const LevelRate&) = default;
};

/// How noise grows with time: at(t) is the level at time t in [0, 1]; time(lambda) is its inverse,
/// the time at which ln(alpha / sigma) is lambda, clamped to [0, 1] and finite for every lambda,
/// +-inf included. A schedule whose alpha is exactly 0 at t = 1 says so by `static constexpr bool
/// zero_terminal_snr = true`: parameterizations that tell nothing of x0 there are refused with it.
/// One that is Described is written into checkpoints, and compared when they are read.
template <class S>
concept NoiseSchedule = requires(const S& s, double v) {
  { s.at(v) } -> std::convertible_to<Level>;
  { s.time(v) } -> std::convertible_to<double>;
};

/// A noise schedule that knows its derivatives, which may be infinite at t = 0 and t = 1.
template <class S>
concept DifferentiableSchedule = NoiseSchedule<S> && requires(const S& s, double t) {
  { s.derivative(t) } -> std::same_as<LevelRate>;
};

/// A noise schedule with alpha^2 + sigma^2 = 1 that also gives its rate beta(t) = -2 d ln(alpha) /
/// dt, the coefficient of the variance-preserving SDE.
template <class S>
concept VariancePreservingSchedule = DifferentiableSchedule<S> && requires(const S& s, double t) {
  { s.rate(t) } -> std::convertible_to<double>;
};

namespace schedule {

/// The most steps that a chain or a time grid may have. More are a mistake, and would take minutes
/// and gigabytes before that shows.
inline constexpr Index most_steps = 1'000'000;

namespace detail {
/// Throws ArgumentError unless there are 1 to most_steps steps.
inline void check_steps(Index steps, const char* where) {
  if (steps < 1) raise<ArgumentError>(where, ": ", steps, " steps, at least 1 is needed");
  if (steps > most_steps)
    raise<ArgumentError>(where, ": ", steps, " steps, at most ", most_steps, " are possible");
}

/// Throws ArgumentError unless t is in [0, 1].
inline void check_time(double t, const char* where) {
  if (!(t >= 0 && t <= 1)) raise<ArgumentError>(where, ": t = ", t, ", must be in [0, 1]");
}

/// The variance-preserving level whose integrated rate is B: alpha = e^(-B/2).
inline Level level_of(double t, double B) {
  return {t, std::exp(-0.5 * B), std::sqrt(-std::expm1(-B))};
}

/// The integrated rate at lambda: alpha^2 = 1 / (1 + e^(-2 lambda)), so B = ln(1 + e^(-2 lambda)).
/// Stable at both ends; throws ArgumentError for NaN.
inline double integrated_rate(double lambda, const char* where) {
  if (std::isnan(lambda)) raise<ArgumentError>(where, ": lambda is NaN");
  return lambda > 0 ? std::log1p(std::exp(-2 * lambda))
                    : -2 * lambda + std::log1p(std::exp(2 * lambda));
}

/// Throws ArgumentError unless 0 <= first <= last < inf and last > 0.
inline void check_rates(double first, double last, const char* where) {
  if (!(first >= 0 && last >= first && last > 0 && std::isfinite(last)))
    raise<ArgumentError>(where, ": rates from ", first, " to ", last,
                         ", needed 0 <= beta_min <= beta_max, 0 < beta_max");
}

/// Derivatives where alpha^2 + sigma^2 = 1, from the rate beta: alpha' = -beta alpha / 2, sigma' =
/// -alpha alpha' / sigma.
inline LevelRate rate_of(const Level& l, double beta) {
  const double fall = l.alpha > 0 ? 0.5 * beta * l.alpha : 0.0;
  return {-fall, fall * l.alpha / l.sigma};
}

/// The t in [0, 1] where f, which falls, is `value`: bisection, until no number lies between. The
/// end that is closer if the value is out of range.
template <class F>
double falling_to(double value, const F& f) {
  double low = 0, high = 1;
  for (int i = 0; i < 1100; ++i) {  // as many halvings as lead from 1 to the smallest number
    const double middle = low + 0.5 * (high - low);
    if (!(low < middle && middle < high)) break;
    (f(middle) >= value ? low : high) = middle;
  }
  return f(high) >= value ? high : f(low) <= value ? low : 0.5 * (low + high);
}
}  // namespace detail

}  // namespace schedule
}  // namespace foglift::inline v0
