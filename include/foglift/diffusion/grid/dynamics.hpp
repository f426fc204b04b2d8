#pragma once

#include "foglift/diffusion/grid/grid.hpp"

#include <cmath>

namespace foglift::inline v0::grid {

/// The level of step i of `horizon` steps of dynamics, whole or not: alpha = i / horizon is the
/// share of the way from the first snapshot to the last, sigma = t what remains.
inline Level dynamic_level(double i, Index horizon) {
  const double done = i / static_cast<double>(horizon);
  return {1 - done, done, 1 - done};
}

/// Which intervals between whole steps are refined.
enum class Refined {
  first,  ///< DYffusion's before_t1_only
  all,    ///< DYffusion's linear
};

/// The times of DYffusion (Ruehling Cachay et al. 2023): the whole steps 0, 1 ... horizon of
/// dynamics, and `extra` more, evenly in the first interval or in all of them. Of horizon + extra
/// steps; the last one leads to the last snapshot. Throws ArgumentError unless horizon is positive,
/// extra is not negative, and divides among all intervals where those are refined.
inline TimeGrid dynamics(Index horizon, Index extra = 0, Refined refined = Refined::first) {
  if (horizon < 1 || extra < 0 || (refined == Refined::all && extra % horizon != 0))
    raise<ArgumentError>("grid::dynamics: horizon ", horizon, ", extra ", extra,
                         "; needed at least 1 and 0, extra a multiple of the horizon to refine all "
                         "intervals");
  const Index parts = 1 + (refined == Refined::all ? extra / horizon : extra);
  TimeGrid out;
  for (Index i = 0; i < horizon; ++i)
    for (Index part = 0; part < (i == 0 || refined == Refined::all ? parts : 1); ++part)
      out.push_back(dynamic_level(
          static_cast<double>(i) + static_cast<double>(part) / static_cast<double>(parts),
          horizon));
  out.push_back(dynamic_level(static_cast<double>(horizon), horizon));
  return out;
}

namespace detail {
/// The levels i < n of n + 1 that keep(i), and the last one.
template <class F>
TimeGrid thinned(const TimeGrid& grid, const F& keep) {
  check(grid);
  TimeGrid out;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i)
    if (keep(static_cast<Index>(i))) out.push_back(grid[i]);
  out.push_back(grid.back());
  return out;
}
}  // namespace detail

/// What runs may skip of the times of training; all keep the first and the last level.
/// Every n-th step. Throws ArgumentError unless n is positive.
inline TimeGrid every(const TimeGrid& grid, Index n) {
  if (n < 1) raise<ArgumentError>("grid::every: ", n, ", needed at least 1");
  return detail::thinned(grid, [&](Index i) { return i % n == 0; });
}
/// The first n steps, and from there to the end at once. Throws ArgumentError unless n is positive.
inline TimeGrid first_steps(const TimeGrid& grid, Index n) {
  if (n < 1) raise<ArgumentError>("grid::first_steps: ", n, ", needed at least 1");
  return detail::thinned(grid, [&](Index i) { return i < n; });
}

/// The whole step of dynamics that a level is at, or -1 between two of them.
inline Index whole_step(const Level& level, Index horizon) {
  const double i = level.alpha * static_cast<double>(horizon), whole = std::round(i);
  return std::abs(i - whole) < 1e-9 * static_cast<double>(horizon) ? static_cast<Index>(whole) : -1;
}
/// The whole steps alone.
inline TimeGrid whole_steps(const TimeGrid& grid, Index horizon) {
  return detail::thinned(
      grid, [&](Index i) { return whole_step(grid[static_cast<std::size_t>(i)], horizon) >= 0; });
}

}  // namespace foglift::inline v0::grid
