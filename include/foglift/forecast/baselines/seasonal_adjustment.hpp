#pragma once

#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/series/season.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace foglift::inline v0::forecast {

/// The known part of a history, without gaps.
struct Filled {
  std::vector<double> values;  ///< from the first known value to the last, interpolated linearly
  Index after = 0;             ///< cells missing at the end
};

/// Throws ArgumentError, which names `where`, if fewer than `least` values are known, NumericError
/// for one that is not usable().
inline Filled filled(std::span<const double> history, Index least, const char* where) {
  require_usable(history, where);
  Filled out;
  Index known = 0;
  for (const double v : history) {
    if (std::isnan(v)) {
      ++out.after;
      continue;
    }
    const double before = known > 0 ? out.values.back() : v;
    if (known > 0)
      for (Index k = 1; k <= out.after; ++k)
        out.values.push_back(before + (v - before) * static_cast<double>(k) /
                                          static_cast<double>(out.after + 1));
    out.values.push_back(v);
    out.after = 0;
    ++known;
  }
  if (known < least)
    raise<ArgumentError>(where, ": ", known, " known values among ", history.size(),
                         "; needed at least ", least);
  return out;
}

/// Whether values show a season: the autocorrelation at its lag exceeds 1.645 of its standard
/// errors by Bartlett's formula, as in the M3 and M4 competitions (Fiorucci et al. 2016, section
/// 3.1), and the values hold two seasons or more.
inline bool seasonal(std::span<const double> x, Index season) {
  const auto n = static_cast<double>(x.size());
  if (season < 2 || std::ssize(x) < 2 * season) return false;
  const auto r = [&](Index lag) {  // every lag's sum over the same n
    return autocorrelation(x, lag) * (n - static_cast<double>(lag)) / n;
  };
  double squares = 0;
  for (Index lag = 1; lag < season; ++lag) squares += r(lag) * r(lag);
  return std::abs(r(season)) > 1.645 * std::sqrt((1 + 2 * squares) / n);
}

/// One number for every phase of a season, the first value's first: factors of mean 1, or terms of
/// mean 0.
struct SeasonalIndices {
  std::vector<double> index;
  bool multiplicative = false;

  double of(Index t) const { return index[static_cast<std::size_t>(t % std::ssize(index))]; }
  double remove(double v, Index t) const { return multiplicative ? v / of(t) : v - of(t); }
  double restore(double v, Index t) const { return multiplicative ? v * of(t) : v + of(t); }
};

/// The classical decomposition: means by phase of what a centred moving average of one season
/// leaves, as ratios or as differences. Throws ArgumentError for fewer than two seasons.
inline SeasonalIndices classical_indices(std::span<const double> x, Index season,
                                         bool multiplicative) {
  const Index n = std::ssize(x), half = season / 2;
  if (season < 1 || n < 2 * season)
    raise<ArgumentError>("classical_indices: ", n, " values with season ", season,
                         "; needed are two seasons");
  const auto m = static_cast<std::size_t>(season);
  std::vector<double> sum(m), count(m);
  for (Index t = half; t < n - half; ++t) {
    double mean = 0;
    for (Index k = -half; k <= half; ++k) {
      const bool end = season % 2 == 0 && std::abs(k) == half;  // even: the ends count half
      mean += x[static_cast<std::size_t>(t + k)] * (end ? 0.5 : 1) / static_cast<double>(season);
    }
    const double v = x[static_cast<std::size_t>(t)];
    sum[static_cast<std::size_t>(t % season)] += multiplicative ? v / mean : v - mean;
    ++count[static_cast<std::size_t>(t % season)];
  }
  for (std::size_t k = 0; k < m; ++k) sum[k] /= count[k];
  const double mean = std::accumulate(sum.begin(), sum.end(), 0.0) / static_cast<double>(season);
  for (double& v : sum) v = multiplicative ? v / mean : v - mean;
  return {std::move(sum), multiplicative};
}

/// filled(), where what is interpolated are the values less their classical season, found from
/// what was filled before, four times; that of straight lines alone for fewer than two seasons.
inline Filled filled(std::span<const double> history, Index season, Index least,
                     const char* where) {
  Filled out = filled(history, least, where);
  const auto n = out.values.size();
  const auto x = history.subspan(history.size() - n - static_cast<std::size_t>(out.after), n);
  if (season < 2 || std::ssize(out.values) < 2 * season ||
      std::none_of(x.begin(), x.end(), [](double v) { return std::isnan(v); }))
    return out;
  for (int i = 0; i < 4; ++i) {
    const SeasonalIndices indices = classical_indices(out.values, season, false);
    std::vector<double> adjusted(x.begin(), x.end());
    for (std::size_t t = 0; t < n; ++t) adjusted[t] -= indices.of(static_cast<Index>(t));
    out.values = filled(adjusted, least, where).values;
    for (std::size_t t = 0; t < n; ++t) out.values[t] += indices.of(static_cast<Index>(t));
  }
  return out;
}

/// The indices that values call for: none (terms of 0) unless they are seasonal(); factors if all
/// values are positive and all factors at least 0.01, else terms.
inline SeasonalIndices seasonal_indices(std::span<const double> x, Index season) {
  if (!seasonal(x, season)) return {{0.0}, false};
  if (std::all_of(x.begin(), x.end(), [](double v) { return v > 0; })) {
    SeasonalIndices factors = classical_indices(x, season, true);
    if (*std::min_element(factors.index.begin(), factors.index.end()) >= 0.01) return factors;
  }
  return classical_indices(x, season, false);
}

namespace detail {
/// Paths [paths, horizon] of a model of the recent_seasons() that are filled() and adjusted by
/// seasonal_indices(): fit(values) has simulate(span), which turns standard normals into the values
/// that follow. Cells missing at the end are simulated and left out.
template <class Fit>
Tensor<double> adjusted_paths(std::span<const double> history, Index least,
                              const BaselineOptions& o, const Rng& rng, const char* where,
                              const Fit& fit) {
  require_baseline(o, where);
  auto [x, after] = filled(recent_seasons(history, o.season()), o.season(), least, where);
  const SeasonalIndices indices = seasonal_indices(x, o.season());
  const Index n = std::ssize(x);
  for (Index t = 0; t < n; ++t) {
    double& v = x[static_cast<std::size_t>(t)];
    v = indices.remove(v, t);
  }
  const auto model = fit(std::span<const double>(x));
  const Index first = n + after;
  return simulated_paths(
      o, rng, after, [&](std::span<double> path) { model.simulate(path); },
      [&](double v, Index h) { return indices.restore(v, first + h); });
}
}  // namespace detail

}  // namespace foglift::inline v0::forecast
