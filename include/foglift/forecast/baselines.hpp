#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/forecast/series/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// What a baseline draws, and the seasons of the history.
struct BaselineOptions {
  Index horizon = 1;
  Index paths = 100;
  std::vector<Index> seasons = {};  ///< in cells; the one for methods of one season first

  /// The first season, or 1.
  Index season() const { return seasons.empty() ? 1 : seasons[0]; }
};

namespace detail {
inline void require_baseline(const BaselineOptions& o, const char* where) {
  if (o.horizon < 1 || o.paths < 1)
    raise<ArgumentError>(where, ": horizon ", o.horizon, ", paths ", o.paths,
                         "; both must be positive");
  for (const Index season : o.seasons)
    if (season < 1) raise<ArgumentError>(where, ": season ", season);
}
/// The same, and NumericError for a history that is not usable().
inline void require_baseline(const BaselineOptions& o, std::span<const double> history,
                             const char* where) {
  require_baseline(o, where);
  require_usable(history, where);
}

/// Paths [paths, horizon] of a model: simulate(path) makes of standard normals the values that
/// follow, of which the first `after` are of cells that were missing and left out; cell h shows
/// restore(value, h).
template <class Simulate, class Restore>
Tensor<double> simulated_paths(const BaselineOptions& o, const Rng& rng, Index after,
                               const Simulate& simulate, const Restore& restore) {
  std::vector<double> path(static_cast<std::size_t>(after + o.horizon));
  Tensor<double> out({o.paths, o.horizon});
  for (Index p = 0; p < o.paths; ++p) {
    rng.fill_normal(std::span(path), static_cast<std::uint64_t>(p), 0);
    simulate(path);
    for (Index h = 0; h < o.horizon; ++h)
      out(p, h) = restore(path[static_cast<std::size_t>(after + h)], h);
  }
  return out;
}

/// The last `most` values, or all of fewer.
inline std::span<const double> recent_values(std::span<const double> history, Index most) {
  return history.last(static_cast<std::size_t>(std::min(most, std::ssize(history))));
}

/// The last 20 seasons or 500 values, whichever is more: what is older has a level, a trend and
/// habits of its own, and only makes a fit slower.
inline std::span<const double> recent_seasons(std::span<const double> history, Index season) {
  return recent_values(history, std::max<Index>(500, 20 * season));
}

/// x[t], or the nearest earlier value one or more `step` before it that is there; NaN if none is.
inline double last_known(std::span<const double> x, Index t, Index step) {
  for (; t >= 0; t -= step)
    if (const double v = x[static_cast<std::size_t>(t)]; !std::isnan(v)) return v;
  return std::numeric_limits<double>::quiet_NaN();
}

/// Paths of a centre [horizon] plus whole rows of the past, drawn with equal chances; a cell
/// missing in its row is drawn again from those known at its step.
inline Tensor<double> draw_rows(std::span<const double> centre,
                                const std::vector<std::vector<double>>& rows,
                                const BaselineOptions& o, const Rng& rng, const char* where) {
  std::vector<std::vector<double>> known(static_cast<std::size_t>(o.horizon));
  for (std::size_t k = 0; k < known.size(); ++k) {
    for (const auto& row : rows)
      if (!std::isnan(row[k])) known[k].push_back(row[k]);
    if (known[k].empty())
      raise<ArgumentError>(where, ": the history shows nothing to draw at step ", k + 1, " of ",
                           o.horizon, "; needed is a longer one, or one with fewer values missing");
  }
  Tensor<double> out({o.paths, o.horizon});
  for (Index p = 0; p < o.paths; ++p) {
    const auto sample = static_cast<std::uint64_t>(p);
    const auto& path =
        rows[static_cast<std::size_t>(rng.index(static_cast<Index>(rows.size()), sample))];
    for (Index h = 0; h < o.horizon; ++h) {
      const auto k = static_cast<std::size_t>(h);
      double e = path[k];
      if (std::isnan(e)) {
        const Index again = rng.index(static_cast<Index>(known[k].size()), sample,
                                      static_cast<std::uint32_t>(h + 1));
        e = known[k][static_cast<std::size_t>(again)];
      }
      out(p, h) = centre[k] + e;
    }
  }
  return out;
}
}  // namespace detail

/// Index of the value that the seasonal naive forecast repeats for step h (from 0) after n values:
/// the same phase of the last season that is complete.
inline Index seasonal_lag(Index n, Index h, Index season) {
  return n + h - season * (h / season + 1);
}

/// The seasonal naive forecast of `history` (NaN = missing), horizon values: every step repeats the
/// last value known of its phase. Throws ArgumentError if a phase was never observed; like all
/// baselines, NumericError for a value that is not usable().
inline std::vector<double> seasonal_naive(std::span<const double> history, Index horizon,
                                          Index season) {
  if (season < 1) raise<ArgumentError>("seasonal_naive: season ", season);
  require_usable(history, "seasonal_naive");
  const auto n = static_cast<Index>(history.size());
  std::vector<double> out;
  for (Index h = 0; h < horizon; ++h) {
    out.push_back(detail::last_known(history, seasonal_lag(n, h, season), season));
    if (std::isnan(out.back()))
      raise<ArgumentError>("seasonal_naive: no value at the phase of step ", h + 1, " in ", n,
                           " values with season ", season);
  }
  return out;
}

/// Paths [paths, horizon] of the seasonal naive forecast plus errors it made before: a path takes
/// all its errors, in their order, from one earlier origin of the same phase, drawn with equal
/// chances. So errors keep their size at each phase and their correlation along the path, which
/// makes this baseline stronger than one of independent errors. Errors that are missing are drawn
/// again for their cell. Throws ArgumentError if there is no earlier origin whose errors are known
/// (the history must hold about two seasons and a horizon).
inline Tensor<double> seasonal_naive_bootstrap(std::span<const double> history,
                                               const BaselineOptions& o, const Rng& rng) {
  detail::require_baseline(o, "seasonal_naive_bootstrap");
  const Index season = o.season();
  const std::vector<double> centre = seasonal_naive(history, o.horizon, season);
  const auto n = static_cast<Index>(history.size());
  std::vector<std::vector<double>> errors;  // of earlier origins; [horizon] each
  for (Index origin = n - season * ((o.horizon + season - 1) / season); origin >= season;
       origin -= season) {
    auto& path = errors.emplace_back();
    for (Index h = 0; h < o.horizon; ++h)
      path.push_back(history[static_cast<std::size_t>(origin + h)] -
                     detail::last_known(history, seasonal_lag(origin, h, season), season));
  }
  return detail::draw_rows(centre, errors, o, rng, "seasonal_naive_bootstrap");
}

/// Paths [paths, horizon] of a random walk from the last value, its steps drawn from all the
/// changes between neighbours, with replacement. Throws ArgumentError if no change is known.
inline Tensor<double> random_walk_bootstrap(std::span<const double> history,
                                            const BaselineOptions& o, const Rng& rng) {
  detail::require_baseline(o, history, "random_walk_bootstrap");
  std::vector<double> changes;
  for (std::size_t t = 1; t < history.size(); ++t)
    if (const double d = history[t] - history[t - 1]; !std::isnan(d)) changes.push_back(d);
  if (changes.empty())
    raise<ArgumentError>("random_walk_bootstrap: no two neighbours are known among ",
                         history.size(), " values");
  const double last = detail::last_known(history, static_cast<Index>(history.size()) - 1, 1);
  Tensor<double> out({o.paths, o.horizon});
  for (Index p = 0; p < o.paths; ++p) {
    double x = last;
    for (Index h = 0; h < o.horizon; ++h) {
      x += changes[static_cast<std::size_t>(rng.index(static_cast<Index>(changes.size()),
                                                      static_cast<std::uint64_t>(p),
                                                      static_cast<std::uint32_t>(h)))];
      out(p, h) = x;
    }
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
