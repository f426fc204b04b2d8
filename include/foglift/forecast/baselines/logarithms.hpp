#pragma once

#include "foglift/forecast/baselines.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::forecast {

/// Whether values spread in proportion to their level, so that their logarithms are better
/// modelled: all are positive, and over blocks of a season (8 cells at least, 6 blocks or more),
/// whose means differ by 1.5 times, the regression of the logarithm of the deviation about a line
/// on that of the mean has a slope of 0.6 or more, four standard errors above 0. Missing values are
/// left out, and blocks of which more than half is missing.
inline bool spread_follows_level(std::span<const double> x, Index period) {
  for (const double v : x)
    if (v <= 0) return false;
  const Index length = period >= 8 ? period : period * ((8 + period - 1) / period);
  std::vector<double> level, spread;
  for (Index end = std::ssize(x); end >= length; end -= length) {
    double n = 0, t1 = 0, t2 = 0, y1 = 0, y2 = 0, ty = 0;
    for (Index k = 0; k < length; ++k) {
      const double v = x[static_cast<std::size_t>(end - length + k)];
      const auto t = static_cast<double>(k);
      if (std::isnan(v)) continue;
      ++n, t1 += t, t2 += t * t, y1 += v, ty += t * v;
    }
    if (n < 3 || 2 * n < static_cast<double>(length)) continue;
    const double slope = (ty - t1 * y1 / n) / (t2 - t1 * t1 / n);
    for (Index k = 0; k < length; ++k) {
      const double v = x[static_cast<std::size_t>(end - length + k)];
      const double e = v - y1 / n - slope * (static_cast<double>(k) - t1 / n);
      if (!std::isnan(v)) y2 += e * e / n;
    }
    if (y2 > 0) level.push_back(std::log(y1 / n)), spread.push_back(0.5 * std::log(y2));
  }
  if (level.size() < 6) return false;
  const auto [low, high] = std::minmax_element(level.begin(), level.end());
  if (*high - *low < std::log(1.5)) return false;
  const auto n = static_cast<double>(level.size());
  double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < level.size(); ++i) mx += level[i] / n, my += spread[i] / n;
  for (std::size_t i = 0; i < level.size(); ++i) {
    const double a = level[i] - mx, b = spread[i] - my;
    xx += a * a, xy += a * b, yy += b * b;
  }
  const double slope = xy / xx, error = std::sqrt(std::max(0.0, yy - slope * xy) / (n - 2) / xx);
  return slope >= 0.6 && slope > 4 * error;
}

namespace detail {
/// draw(values) -> paths [paths, horizon], of the history or, where spread_follows_level(), of its
/// logarithms: then paths stay within three times the range of the history's logarithms.
template <class Draw>
Tensor<double> in_logarithms(std::span<const double> history, Index period, const Draw& draw) {
  if (!spread_follows_level(history, period)) return draw(history);
  std::vector<double> logs;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double v : history) {
    logs.push_back(std::log(v));
    if (!std::isnan(v)) low = std::min(low, logs.back()), high = std::max(high, logs.back());
  }
  Tensor<double> paths = draw(std::span<const double>(logs));
  const double range = high - low;
  for (double& v : paths) v = std::exp(std::clamp(v, low - range, high + range));
  return paths;
}
}  // namespace detail

}  // namespace foglift::inline v0::forecast
