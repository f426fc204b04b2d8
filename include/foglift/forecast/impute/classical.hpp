#pragma once

#include "foglift/forecast/baselines/seasonal_adjustment.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// Values with the cells between known ones on straight lines; those before the first and behind
/// the last known one stay NaN.
inline std::vector<double> straight_lines(std::span<const double> values) {
  std::vector<double> x(values.begin(), values.end());
  std::ptrdiff_t last = -1;
  for (std::ptrdiff_t t = 0; t < std::ssize(x); ++t) {
    const double v = x[static_cast<std::size_t>(t)];
    if (std::isnan(v)) continue;
    for (std::ptrdiff_t k = last + 1; last >= 0 && k < t; ++k) {
      const double u = x[static_cast<std::size_t>(last)];
      x[static_cast<std::size_t>(k)] =
          u + (v - u) * static_cast<double>(k - last) / static_cast<double>(t - last);
    }
    last = t;
  }
  return x;
}

/// A series with its gaps filled, and the season that was taken off for it.
struct SeasonalFill {
  std::vector<double> values;
  SeasonalIndices season = {{0.0}, false};
  Index first = 0;  ///< the cell of the season's first phase

  /// The value of a cell without its season, and back.
  double remove(double v, Index cell) const { return season.remove(v, phase(cell)); }
  double restore(double v, Index cell) const { return season.restore(v, phase(cell)); }

 private:
  Index phase(Index cell) const {
    const Index m = std::ssize(season.index);
    return ((cell - first) % m + m) % m;
  }
};

/// Fills the cells between known ones: the season (seasonal_indices(), where a test finds one) is
/// taken off, straight lines are drawn, the season is put back; thrice, as each pass knows the
/// season better. Throws NumericError for a value that is not usable(), ArgumentError for a season
/// below 1.
inline SeasonalFill seasonal_fill(std::span<const double> values, Index season) {
  if (season < 1) raise<ArgumentError>("seasonal_fill: season ", season, ", must be positive");
  require_usable(values, "seasonal_fill");
  SeasonalFill out{straight_lines(values)};
  std::vector<double>& y = out.values;
  std::size_t first = 0, end = y.size();
  while (first < end && std::isnan(y[first])) ++first;
  while (end > first && std::isnan(y[end - 1])) --end;
  out.first = static_cast<Index>(first);
  for (int pass = 0; pass < 3 && first < end; ++pass) {
    out.season = seasonal_indices(std::span(y).subspan(first, end - first), season);
    std::vector<double> adjusted(values.begin(), values.end());
    for (std::size_t t = first; t < end; ++t)
      adjusted[t] = out.remove(adjusted[t], static_cast<Index>(t));
    adjusted = straight_lines(adjusted);
    for (std::size_t t = first; t < end; ++t)
      if (std::isnan(values[t])) y[t] = out.restore(adjusted[t], static_cast<Index>(t));
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
