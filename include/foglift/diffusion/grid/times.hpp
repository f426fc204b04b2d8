#pragma once

#include "foglift/diffusion/grid/beta_quantile.hpp"
#include "foglift/diffusion/grid/grid.hpp"

#include <vector>

namespace foglift::inline v0::grid {

/// Range of a grid in time.
struct TimeRange {
  double first = 1, last = 0;
  Last end = Last::zero;
};

namespace detail {
/// Times from range.first to range.last where to(t) is in equal steps; from() is the inverse of
/// to().
template <NoiseSchedule S, class To, class From>
TimeGrid spaced(const S& schedule, Index steps, TimeRange range, const char* where, To to,
                From from) {
  check_steps(steps, where);
  const double first = to(range.first), last = to(range.last);
  TimeGrid out;
  for (Index i = 0; i <= steps; ++i) {
    const double u = static_cast<double>(i) / static_cast<double>(steps);
    out.push_back(schedule.at(i == 0       ? range.first
                              : i == steps ? range.last
                                           : from(first + (last - first) * u)));
  }
  if (range.end == Last::zero) out.back() = clean;
  check(out);
  return out;
}
}  // namespace detail

/// Times in equal steps from range.first to range.last; Last::zero puts clean data in place of the
/// last level. Throws ArgumentError for steps < 1 or times out of order.
template <NoiseSchedule S>
TimeGrid uniform(const S& schedule, Index steps, TimeRange range = {}) {
  const auto same = [](double t) { return t; };
  return detail::spaced(schedule, steps, range, "grid::uniform", same, same);
}

/// sqrt(t) in equal steps: finer towards the data (Song et al. 2021, DDIM, section 5; Kong & Ping
/// 2021). Throws as uniform does.
template <NoiseSchedule S>
TimeGrid quadratic(const S& schedule, Index steps, TimeRange range = {}) {
  return detail::spaced(
      schedule, steps, range, "grid::quadratic", [](double t) { return std::sqrt(t); },
      [](double root) { return root * root; });
}

/// Times at the quantiles of Beta(a, b) between range.last and range.first, in equal steps of
/// probability: finer towards noise and towards data than in between (Lee et al. 2024, "Beta
/// Sampling is All You Need", a = b = 0.6). Throws as uniform does, for a or b <= 0 too.
template <NoiseSchedule S>
TimeGrid beta(const S& schedule, Index steps, TimeRange range = {}, BetaShape shape = {}) {
  const double span = range.first - range.last;
  const auto probability = [&](double t) { return (t - range.last) / span; };
  return detail::spaced(schedule, steps, range, "grid::beta", probability,
                        [&](double p) { return range.last + span * beta_quantile(p, shape); });
}

/// The levels at given times, from noise to data; append grid::clean to end at the data. Throws
/// ArgumentError unless there are two or more and noise falls.
template <NoiseSchedule S>
TimeGrid at_times(const S& schedule, const std::vector<double>& times) {
  TimeGrid out;
  for (const double t : times) out.push_back(schedule.at(t));
  check(out);
  return out;
}

}  // namespace foglift::inline v0::grid
