#pragma once

#include "foglift/diffusion/discrete.hpp"

#include <vector>

namespace foglift {
inline namespace v0 {

/// The levels that a sampler visits, from noise to data: n steps are n + 1 levels.
using TimeGrid = std::vector<Level>;

namespace grid {

/// What the last level of a grid is: clean data (sigma = 0), or the least noise that the grid's
/// range allows, which leaves that noise in the sample.
enum class Last { zero, keep };

inline constexpr Level clean{0, 1, 0};

/// Throws ArgumentError unless there are two levels or more, all finite, the first with noise, and
/// each with a smaller sigma / alpha than the one before. Nothing is asked of t.
inline void check(const TimeGrid& grid) {
  if (grid.size() < 2)
    raise<ArgumentError>("time grid: ", grid.size(), " levels, at least 2 are needed");
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const Level& l = grid[i];
    if (!(std::isfinite(l.t) && l.alpha >= 0 && l.sigma >= 0 && l.alpha + l.sigma > 0 &&
          std::isfinite(l.alpha + l.sigma)))
      raise<ArgumentError>("time grid: level ", i, " is ", l, ", needed alpha, sigma >= 0, finite");
    if (i > 0 && !(l.sigma * grid[i - 1].alpha < grid[i - 1].sigma * l.alpha))
      raise<ArgumentError>("time grid: level ", i, " ", l, " is not cleaner than level ", i - 1,
                           " ", grid[i - 1]);
  }
}

namespace detail {
inline void check_steps(Index steps, const char* where) {
  if (steps < 1) raise<ArgumentError>(where, ": ", steps, " steps, at least 1 is needed");
}

/// level(u) at u = 0, 1/k, ... with k such that the last of `steps` + 1 levels is clean data, or
/// the level at u = 1. A single noisy level is the one at u = 0.
template <class F>
TimeGrid build(Index steps, Last last, F level) {
  const Index noisy = last == Last::zero ? steps : steps + 1;
  TimeGrid out;
  for (Index i = 0; i < noisy; ++i)
    out.push_back(level(noisy > 1 ? static_cast<double>(i) / static_cast<double>(noisy - 1) : 0.0));
  if (last == Last::zero) out.push_back(clean);
  check(out);
  return out;
}
}  // namespace detail

/// Range of a grid in time.
struct TimeRange {
  double first = 1;
  double last = 0;
  Last end = Last::zero;
};

/// Times in equal steps from range.first to range.last; Last::zero puts clean data in place of the
/// last level. Throws ArgumentError for steps < 1 or times out of order.
template <NoiseSchedule S>
TimeGrid uniform(const S& schedule, Index steps, TimeRange range = {}) {
  detail::check_steps(steps, "grid::uniform");
  TimeGrid out;
  for (Index i = 0; i <= steps; ++i) {
    const double u = static_cast<double>(i) / static_cast<double>(steps);
    out.push_back(
        schedule.at(i == steps ? range.last : range.first + (range.last - range.first) * u));
  }
  if (range.end == Last::zero) out.back() = clean;
  check(out);
  return out;
}

/// Steps of a discrete chain spaced from its last one, so that the sampler starts at full noise
/// (Lin et al. 2024, table 2, "trailing"): step round(T - i T / n) - 1, then clean data or, with
/// Last::keep, step 0. Throws ArgumentError unless 1 <= steps <= T (T - 1 with Last::keep).
inline TimeGrid trailing(const DiscreteSchedule& schedule, Index steps, Last end = Last::zero) {
  detail::check_steps(steps, "grid::trailing");
  const Index T = schedule.steps(), span = end == Last::zero ? T : T - 1;
  if (steps > span)
    raise<ArgumentError>("grid::trailing: ", steps, " steps on a chain that allows ", span);
  TimeGrid out;
  for (Index i = 0; i < steps; ++i)
    out.push_back(schedule.step(T - 1 - (2 * i * span + steps - 1) / (2 * steps)));
  out.push_back(end == Last::zero ? clean : schedule.step(0));
  check(out);
  return out;
}

/// Range of a grid in the noise-to-signal ratio sigma / alpha, cut to what the schedule has. The
/// defaults are those of Karras et al. 2022, table 1.
struct RatioRange {
  double max = 80;
  double min = 0.002;
  Last end = Last::zero;
};

namespace detail {
/// Throws ArgumentError unless min < max remain positive after the cut to the schedule.
template <NoiseSchedule S>
RatioRange cut(const S& schedule, RatioRange range, const char* where) {
  const double max = std::min(range.max, schedule.at(1).ratio());
  const double min = std::max(range.min, schedule.at(0).ratio());
  if (!(range.min > 0 && min < max && std::isfinite(max)))
    raise<ArgumentError>(where, ": sigma / alpha from ", range.max, " to ", range.min, ", cut to ",
                         max, " and ", min, " by the schedule; needed max > min > 0, finite");
  return {max, min, range.end};
}

template <NoiseSchedule S>
Level level_at(const S& schedule, double lambda) {
  return schedule.at(schedule.time(lambda));
}
}  // namespace detail

/// Ratios (max^(1/rho) + u (min^(1/rho) - max^(1/rho)))^rho, u in equal steps (Karras et al. 2022,
/// eq. 5). Throws ArgumentError for steps < 1, rho < 1 or an empty range.
template <NoiseSchedule S>
TimeGrid karras(const S& schedule, Index steps, RatioRange range = {}, double rho = 7) {
  detail::check_steps(steps, "grid::karras");
  if (!(rho >= 1)) raise<ArgumentError>("grid::karras: rho = ", rho, ", must be at least 1");
  const RatioRange r = detail::cut(schedule, range, "grid::karras");
  const double first = std::pow(r.max, 1 / rho), last = std::pow(r.min, 1 / rho);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule, -rho * std::log(first + u * (last - first)));
  });
}

/// lambda in equal steps between -ln(max) and -ln(min). Throws as karras does.
template <NoiseSchedule S>
TimeGrid log_snr(const S& schedule, Index steps, RatioRange range = {}) {
  detail::check_steps(steps, "grid::log_snr");
  const RatioRange r = detail::cut(schedule, range, "grid::log_snr");
  const double first = -std::log(r.max), last = -std::log(r.min);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule, first + u * (last - first));
  });
}

}  // namespace grid
}  // namespace v0
}  // namespace foglift
