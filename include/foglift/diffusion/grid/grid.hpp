#pragma once

#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"

#include <cmath>
#include <vector>

namespace foglift::inline v0 {

/// The levels that a sampler visits, from noise to data: n steps are n + 1 levels. Grids are made
/// of a schedule, or of the NetworkDenoiser that was trained on it.
using TimeGrid = std::vector<Level>;

namespace grid {

/// What the last level of a grid is: clean data (sigma = 0), or the least noise that the grid's
/// range allows, which leaves that noise in the sample.
enum class Last { zero, keep };

inline constexpr Level clean{0, 1, 0};

namespace detail {
/// What check says, `waiting` if a level may stay as it is.
inline void check_levels(const TimeGrid& grid, bool waiting) {
  if (grid.size() < 2)
    raise<ArgumentError>("time grid: ", grid.size(), " levels, at least 2 are needed");
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const Level& l = grid[i];
    if (!(std::isfinite(l.t) && l.alpha >= 0 && l.sigma >= 0 && l.alpha + l.sigma > 0 &&
          std::isfinite(l.alpha + l.sigma)))
      raise<ArgumentError>("time grid: level ", i, " is ", l, ", needed alpha, sigma >= 0, finite");
    if (i == 0) continue;
    const Level& before = grid[i - 1];
    const bool stays = waiting && l.alpha == before.alpha && l.sigma == before.sigma;
    if (!stays && !(l.sigma * before.alpha < before.sigma * l.alpha))
      raise<ArgumentError>("time grid: level ", i, " ", l, " is not cleaner than level ", i - 1,
                           " ", before);
  }
}
}  // namespace detail

/// Throws ArgumentError unless there are two levels or more, all finite, the first with noise, and
/// each with a smaller sigma / alpha than the one before. Nothing is asked of t.
inline void check(const TimeGrid& grid) { detail::check_levels(grid, false); }

namespace detail {
using schedule::detail::check_steps;

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

/// What is left of the data where a grid begins, alpha / sigma: samplers begin with noise alone, so
/// samples miss this much of the data's mean and scale in units of the noise. The "leading" steps
/// of a chain of scaled-linear betas leave 0.12 with 10 steps (Lin et al. 2024). sample() refuses
/// more than SampleOptions::max_signal.
inline double signal_left(const TimeGrid& grid) {
  check(grid);
  return grid.front().alpha / grid.front().sigma;
}

}  // namespace grid
}  // namespace foglift::inline v0
