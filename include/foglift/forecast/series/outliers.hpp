#pragma once

#include "foglift/forecast/score/quantile.hpp"

#include <limits>

namespace foglift::inline v0::forecast {

/// A value that can not be meant: a slipped decimal point, another unit, a code for "missing".
struct Outlier {
  Index cell = 0;
  double value = 0;
  double typical = 0;  ///< the median of its neighbours

  friend bool operator==(const Outlier&, const Outlier&) = default;
};

/// What is gross. All of it must hold, so that spikes which data are made of are kept.
struct OutlierOptions {
  Index near = 10;         ///< known values on each side that the running median is of
  double deviations = 50;  ///< from it, in medians of all such distances (MAD)
  double ranges = 10;      ///< from it, in widths of the central 90 % of all values
  Index run = 2;           ///< of at most so many neighbours; more are another level
};

/// The gross outliers of values (NaN = missing), by a rule that is equivariant to a y + b: a value
/// far from the median of its neighbours, by the median of all such distances (Hampel's identifier;
/// Davies & Gather 1993) and by the range of the values, alone or in a pair. None among fewer than
/// 20 known values, nor where half of the values are the median of their neighbours.
inline std::vector<Outlier> find_outliers(std::span<const double> values,
                                          const OutlierOptions& o = {}) {
  std::vector<Index> cells;
  std::vector<double> known;
  for (std::size_t t = 0; t < values.size(); ++t)
    if (!std::isnan(values[t])) cells.push_back(static_cast<Index>(t)), known.push_back(values[t]);
  const Index n = std::ssize(known);
  if (n < 20) return {};
  const auto middle = [](std::vector<double>& x) {
    const auto at = x.begin() + std::ssize(x) / 2;
    std::nth_element(x.begin(), at, x.end());
    return *at;
  };
  std::vector<double> typical, distance, near;
  for (Index i = 0; i < n; ++i) {
    near.assign(known.begin() + std::max<Index>(0, i - o.near),
                known.begin() + std::min(n, i + o.near + 1));
    typical.push_back(middle(near));
    distance.push_back(std::abs(known[static_cast<std::size_t>(i)] - typical.back()));
  }
  std::vector<double> sorted = known, all = distance;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = [&](double q) {
    return sorted[static_cast<std::size_t>(q * static_cast<double>(n - 1))];
  };
  const double mad = middle(all);
  const double most = std::max(o.deviations * mad, o.ranges * (rank(0.95) - rank(0.05)));
  std::vector<Outlier> out;
  if (!(mad > 0)) return out;
  for (Index i = 0, j; i < n; i = j) {
    j = i + 1;
    if (!(distance[static_cast<std::size_t>(i)] > most)) continue;
    while (j < n && distance[static_cast<std::size_t>(j)] > most) ++j;
    if (j - i > o.run) continue;
    for (Index k = i; k < j; ++k) {
      const auto at = static_cast<std::size_t>(k);
      out.push_back({cells[at], known[at], typical[at]});
    }
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
