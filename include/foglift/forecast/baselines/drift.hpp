#pragma once

#include "foglift/forecast/baselines.hpp"

#include <cmath>

namespace foglift::inline v0::forecast {

/// A random walk x[t] = x[t - 1] + drift + N(0, variance) and the cells that its drift is known by.
struct Drift {
  double last = 0;      ///< the walk at the end of the history
  double drift = 0;     ///< (last - first) / cells, the maximum of the likelihood
  double variance = 0;  ///< of a step, unbiased
  double cells = 0;     ///< from the first known value to the last
};

/// The random walk with drift of a history (NaN = missing). A change over a gap of g cells is
/// N(g drift, g variance), so nothing is filled in: with m changes d_i between known neighbours,
/// variance = sum (d_i - g_i drift)^2 / g_i / (m - 1). Values missing at the end are walked over by
/// the drift. Throws ArgumentError for fewer than three known values, NumericError for a value that
/// is not usable().
inline Drift fit_drift(std::span<const double> history) {
  require_usable(history, "fit_drift");
  std::vector<std::size_t> at;
  for (std::size_t t = 0; t < history.size(); ++t)
    if (!std::isnan(history[t])) at.push_back(t);
  if (at.size() < 3)
    raise<ArgumentError>("fit_drift: ", at.size(), " known values among ", history.size(),
                         "; needed at least 3");
  Drift fit;
  fit.cells = static_cast<double>(at.back() - at.front());
  fit.drift = (history[at.back()] - history[at.front()]) / fit.cells;
  for (std::size_t i = 1; i < at.size(); ++i) {
    const auto gap = static_cast<double>(at[i] - at[i - 1]);
    const double e = history[at[i]] - history[at[i - 1]] - gap * fit.drift;
    fit.variance += e * e / gap / static_cast<double>(at.size() - 2);
  }
  fit.last = history[at.back()] + fit.drift * static_cast<double>(history.size() - 1 - at.back());
  return fit;
}

/// Paths [paths, horizon] of fit_drift's walk. Every path has a drift of its own from
/// N(drift, variance / cells), so that step h (from 1) has variance h (1 + h / cells) times that of
/// a step (Hyndman & Athanasopoulos 2021, "Forecasting: Principles and Practice", section 5.5).
/// What the walk did in cells missing at the end counts as known. Throws as fit_drift.
inline Tensor<double> random_walk_drift(std::span<const double> history, const BaselineOptions& o,
                                        const Rng& rng) {
  detail::require_baseline(o, "random_walk_drift");
  const Drift fit = fit_drift(history);
  const double deviation = std::sqrt(fit.variance);
  std::vector<double> noise(static_cast<std::size_t>(o.horizon + 1));
  Tensor<double> out({o.paths, o.horizon});
  for (Index p = 0; p < o.paths; ++p) {
    rng.fill_normal(std::span(noise), static_cast<std::uint64_t>(p), 0);
    const double drift = fit.drift + deviation / std::sqrt(fit.cells) * noise[0];
    double x = fit.last;
    for (Index h = 0; h < o.horizon; ++h) {
      x += drift + deviation * noise[static_cast<std::size_t>(h + 1)];
      out(p, h) = x;
    }
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
