#pragma once

#include "foglift/forecast/series/time_axis.hpp"
#include "foglift/forecast/series/value.hpp"

#include <cmath>
#include <limits>
#include <span>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// Lengths, in cells and increasing, of the minutes, hours, days, weeks and years that hold a whole
/// number (2 or more) of steps; a year of days or weeks is rounded to 365 or 52. Where only open
/// hours are cells: of the week, and of the day if all open days have as many.
inline std::vector<Index> calendar_seasons(const Frequency& f) {
  f.check("calendar_seasons");
  std::vector<Index> seasons;
  if (f.months) {
    const Index year = 12 / f.months * std::ssize(f.days);
    if (12 % f.months == 0 && year > 1) seasons.push_back(year);
    return seasons;
  }
  if (f.open.empty()) {
    for (const Time cycle : {Time{60}, Time{3600}, day_seconds, week_seconds})
      if (f.seconds < cycle * f.per && cycle * f.per % f.seconds == 0)
        seasons.push_back(cycle * f.per / f.seconds);
  } else {
    if (const Index day = f.open_cells_of_a_day(); day > 1) seasons.push_back(day);
    seasons.push_back(f.open_cells());
  }
  if (f.finest() >= static_cast<double>(day_seconds)) {
    const auto year = static_cast<Index>(365.25 * day_seconds / f.length());
    if (year >= 2) seasons.push_back(year);
  }
  return seasons;
}

/// Correlation of x[t] with x[t + lag] over the pairs that are both there, about the mean of all.
/// NaN if there are fewer than 2 pairs or nothing varies. Throws ArgumentError for a negative lag,
/// NumericError for a value that is not usable().
inline double autocorrelation(std::span<const double> x, Index lag) {
  if (lag < 0) raise<ArgumentError>("autocorrelation: lag ", lag, ", needed at least 0");
  require_usable(x, "autocorrelation");
  double sum = 0, count = 0;
  for (const double v : x)
    if (!std::isnan(v)) sum += v, ++count;
  const double mean = sum / count;
  double variance = 0, covariance = 0, pairs = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    if (std::isnan(x[t])) continue;
    variance += (x[t] - mean) * (x[t] - mean);
    const std::size_t u = t + static_cast<std::size_t>(lag);
    if (u >= x.size() || std::isnan(x[u])) continue;
    covariance += (x[t] - mean) * (x[u] - mean);
    ++pairs;
  }
  if (pairs < 2 || !(variance > 0)) return std::numeric_limits<double>::quiet_NaN();
  return (covariance / pairs) / (variance / count);
}

/// The seasons that the values show, strongest first: calendar seasons of which the series holds at
/// least three, whose autocorrelation of first differences (free of trend and level) is above 0.1,
/// above two standard errors of white noise, and above that at one half and three halves of the
/// season, where a season that is there has its trough. Empty if there is none.
inline std::vector<Index> detect_seasons(std::span<const double> values, const Frequency& f) {
  std::vector<double> change;
  for (std::size_t i = 1; i < values.size(); ++i) change.push_back(values[i] - values[i - 1]);
  std::vector<std::pair<double, Index>> found;
  for (const Index season : calendar_seasons(f)) {
    if (static_cast<Index>(values.size()) < 3 * season) continue;
    const double r = autocorrelation(change, season);
    const bool peak = season < 4 || (r > autocorrelation(change, season / 2) &&
                                     r > autocorrelation(change, season + season / 2));
    const double noise = 2 / std::sqrt(static_cast<double>(change.size()));
    if (peak && r > std::max(0.1, noise)) found.emplace_back(r, season);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Index> seasons;
  for (const auto& [r, season] : found) seasons.push_back(season);
  return seasons;
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
