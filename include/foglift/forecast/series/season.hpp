#pragma once

#include "foglift/forecast/series/time_axis.hpp"
#include "foglift/forecast/series/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace foglift::inline v0::forecast {

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

namespace detail {

/// Takes out what is further beyond the middle nine tenths than five times their width.
inline void drop_far_off(std::vector<double>& x) {
  std::vector<double> sorted;
  for (const double v : x)
    if (!std::isnan(v)) sorted.push_back(v);
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[sorted.size() / 20],
               high = sorted[sorted.size() - 1 - sorted.size() / 20];
  const double reach = 5 * (high - low);
  for (double& v : x)
    if (reach > 0 && (v < low - reach || v > high + reach))
      v = std::numeric_limits<double>::quiet_NaN();
}

/// What is known of x less its moving average over one period, whose ends go on as lines, and less
/// what is more than three times as far off as all but one in 200.
inline std::vector<double> without_level(std::span<const double> x, Index period) {
  const Index n = std::ssize(x), before = period / 2, after = period - before;
  std::vector<double> sums(x.size() + 1), counts(x.size() + 1), level(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    const bool known = !std::isnan(x[t]);
    sums[t + 1] = sums[t] + (known ? x[t] : 0), counts[t + 1] = counts[t] + known;
  }
  const auto over = [&](const std::vector<double>& total, Index from) {
    return total[static_cast<std::size_t>(from + period)] - total[static_cast<std::size_t>(from)];
  };
  const Index first = before, last = n - 1 - after;  // both windows around them are inside
  const auto mean = [&](Index t) {  // of the windows that reach further back and further on
    const Index from = t - before, next = from + (period % 2 == 0);
    return (over(sums, from) + over(sums, next)) / (over(counts, from) + over(counts, next));
  };
  std::vector<double> out(x.begin(), x.end()), sizes;
  for (Index t = 0; t < n; ++t) {
    const Index at = std::clamp(t, first, last);
    double& v = level[static_cast<std::size_t>(t)];
    v = mean(at);
    if (t != at) {  // the slope over one period, where the season is the same
      const Index other = std::clamp(t < at ? at + period : at - period, first, last);
      if (other != at)
        v += (v - mean(other)) * static_cast<double>(t - at) / static_cast<double>(at - other);
    }
    out[static_cast<std::size_t>(t)] -= v;
    if (!std::isnan(out[static_cast<std::size_t>(t)]))
      sizes.push_back(std::abs(out[static_cast<std::size_t>(t)]));
  }
  if (sizes.empty()) return out;
  const auto rank = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() * 199 / 200);
  std::nth_element(sizes.begin(), rank, sizes.end());
  for (double& v : out)
    if (!std::isnan(v)) v = std::clamp(v, -3 * *rank, 3 * *rank);
  return out;
}

struct PhaseMeans {
  std::vector<double> mean;
  double share = 0;  ///< of the squares that the means of the other seasons take away
};

/// Means by phase, the first cell's first, and how much smaller the squares of r are about the
/// mean of their phase in all other seasons than about 0: about -1 / (seasons - 1) where there is
/// no season.
inline PhaseMeans phase_means(std::span<const double> r, Index period) {
  PhaseMeans out{std::vector<double>(static_cast<std::size_t>(period)), 0};
  std::vector<double> count(out.mean.size());
  for (std::size_t t = 0; t < r.size(); ++t)
    if (!std::isnan(r[t])) out.mean[t % count.size()] += r[t], ++count[t % count.size()];
  double squares = 0, left = 0;
  for (std::size_t t = 0; t < r.size(); ++t) {
    const double n = count[t % count.size()];
    if (std::isnan(r[t]) || n < 2) continue;
    const double e = r[t] - (out.mean[t % count.size()] - r[t]) / (n - 1);
    squares += r[t] * r[t], left += e * e;
  }
  for (std::size_t k = 0; k < count.size(); ++k) out.mean[k] /= std::max(1.0, count[k]);
  if (squares > 0) out.share = 1 - left / squares;
  return out;
}

/// Mean of |x[t] - x[t - lag]|.
inline double naive_error(std::span<const double> x, Index lag) {
  double sum = 0, count = 0;
  for (std::size_t t = static_cast<std::size_t>(lag); t < x.size(); ++t)
    if (const double e = x[t] - x[t - static_cast<std::size_t>(lag)]; !std::isnan(e))
      sum += std::abs(e), ++count;
  return count > 0 ? sum / count : std::numeric_limits<double>::infinity();
}
}  // namespace detail

/// Those of the candidates (increasing) that values show, the one of the least seasonal naive error
/// first. From the shortest on, a candidate of which there are k >= 3 cycles is taken if means by
/// phase of the other cycles take 1/20 + 1/k^2 of the squares away that a moving average over one
/// cycle leaves, and as much more than cycles of lengths nearby do: what wanders without a season
/// resembles itself at those as well. What a season explains is taken off before longer ones are
/// asked, so a multiple of one is another season only if it explains more. Reads the last 200
/// cycles of each. Throws ArgumentError unless candidates increase from 2, NumericError for a value
/// that is not usable().
inline std::vector<Index> detect_seasons(std::span<const double> values,
                                         std::span<const Index> candidates) {
  require_usable(values, "detect_seasons");
  std::vector<double> x(values.begin(), values.end());
  detail::drop_far_off(x);
  std::vector<Index> found;
  Index before = 1;
  for (const Index m : candidates) {
    if (m <= before)
      raise<ArgumentError>("detect_seasons: candidate ", m, " behind ", before,
                           "; they must increase from 2");
    before = m;
    const Index n = std::min(std::ssize(x), 200 * m);
    if (n < 3 * m) continue;
    const auto recent = std::span(x).last(static_cast<std::size_t>(n));
    const auto rest = detail::without_level(recent, m);
    const detail::PhaseMeans season = detail::phase_means(rest, m);
    const double cycles = static_cast<double>(n) / static_cast<double>(m);
    const double margin = 0.05 + 1 / (cycles * cycles);
    double least = margin;
    for (const double ratio : {0.72, 0.81, 0.9, 1.11, 1.22, 1.35}) {
      const Index near = std::lround(ratio * static_cast<double>(m));
      const bool related =
          near < 2 || m % near == 0 || near % m == 0 || 5 * near > 2 * n ||
          std::any_of(found.begin(), found.end(), [&](Index s) { return near % s == 0; });
      if (!related) least = std::max(least, margin + detail::phase_means(rest, near).share);
    }
    if (season.share <= least) continue;
    found.push_back(m);
    for (Index t = 0; t < std::ssize(x); ++t) {  // phases are counted from the first of `recent`
      const Index phase = ((t - (std::ssize(x) - n)) % m + m) % m;
      x[static_cast<std::size_t>(t)] -= season.mean[static_cast<std::size_t>(phase)];
    }
  }
  std::stable_sort(found.begin(), found.end(), [&](Index a, Index b) {
    return detail::naive_error(values, a) < detail::naive_error(values, b);
  });
  return found;
}

/// detect_seasons() of the calendar_seasons().
inline std::vector<Index> detect_seasons(std::span<const double> values, const Frequency& f) {
  return detect_seasons(values, std::span<const Index>(calendar_seasons(f)));
}

/// detect_seasons() where no calendar says what to look for: of the first five peaks of the
/// autocorrelation of the changes that are half as high as the highest, up to a third of the series
/// and 1000 cells.
inline std::vector<Index> detect_seasons(std::span<const double> values) {
  require_usable(values, "detect_seasons");
  std::vector<double> change;
  for (std::size_t i = 1; i < values.size(); ++i) change.push_back(values[i] - values[i - 1]);
  const Index most = std::min<Index>(1000, std::ssize(values) / 3);
  std::vector<double> r(static_cast<std::size_t>(most + 2), 0.0);
  for (Index lag = 1; lag <= most + 1 && lag < std::ssize(change); ++lag)
    r[static_cast<std::size_t>(lag)] = autocorrelation(change, lag);
  const double highest = *std::max_element(r.begin(), r.end());
  std::vector<Index> peaks;
  for (std::size_t lag = 2; lag + 1 < r.size() && peaks.size() < 5; ++lag)
    if (r[lag] > r[lag - 1] && r[lag] >= r[lag + 1] && r[lag] > 0.5 * highest)
      peaks.push_back(static_cast<Index>(lag));
  return detect_seasons(values, peaks);
}

}  // namespace foglift::inline v0::forecast
