#pragma once

#include "foglift/forecast/baselines/seasonal_adjustment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foglift::inline v0::forecast {

/// x[t] - mean = sum over k of weights[k] (x[t - 1 - k] - mean) + N(0, variance).
struct Autoregression {
  std::vector<double> weights;  ///< of the last value first; the order is their number
  double mean = 0;
  double variance = 0;
  std::vector<double> last;  ///< the last values, newest first, as many as weights

  /// Turns standard normals into the values that follow the last one.
  void simulate(std::span<double> path) const {
    for (std::size_t h = 0; h < path.size(); ++h) {
      double v = mean + std::sqrt(variance) * path[h];
      for (std::size_t k = 0; k < weights.size(); ++k)
        v += weights[k] * ((k < h ? path[h - 1 - k] : last[k - h]) - mean);
      path[h] = v;
    }
  }
};

/// The autoregression of Yule and Walker, of the order up to `most` with the least AIC,
/// n log(variance) + 2 order, by Levinson's and Durbin's recursion (Brockwell & Davis 1991,
/// sections 8.1 and 8.2) on autocovariances that all divide by n: so it is stationary. The variance
/// is that of the equations times n / (n - order - 1). Throws ArgumentError for a negative `most`
/// or fewer than most + 2 values, NumericError for a value that is missing or not usable().
inline Autoregression fit_autoregression(std::span<const double> x, Index most) {
  if (most < 0 || std::ssize(x) < most + 2)
    raise<ArgumentError>("fit_autoregression: ", x.size(), " values for orders up to ", most,
                         "; needed are two more values than orders, which are not negative");
  require_usable(x, "fit_autoregression");
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  if (std::isnan(mean)) raise<NumericError>("fit_autoregression: a value is missing; see filled()");
  std::vector<double> covariance(static_cast<std::size_t>(most + 1));
  for (std::size_t lag = 0; lag < covariance.size(); ++lag)
    for (std::size_t t = lag; t < x.size(); ++t)
      covariance[lag] += (x[t] - mean) * (x[t - lag] - mean) / n;

  Autoregression best{{}, mean, covariance[0] * n / (n - 1), {}};
  double variance = covariance[0], least = n * std::log(variance);
  std::vector<double> w;
  for (std::size_t order = 1; order < covariance.size() && variance > 1e-12 * covariance[0];
       ++order) {
    double partial = covariance[order];
    for (std::size_t k = 0; k < w.size(); ++k) partial -= w[k] * covariance[order - 1 - k];
    partial /= variance;
    std::vector<double> next = w;
    for (std::size_t k = 0; k < w.size(); ++k) next[k] -= partial * w[w.size() - 1 - k];
    next.push_back(partial);
    w = std::move(next);
    variance *= 1 - partial * partial;
    const auto p = static_cast<double>(order);
    if (const double aic = n * std::log(variance) + 2 * p; aic < least) {
      least = aic;
      best.weights = w;
      best.variance = variance * n / (n - p - 1);
    }
  }
  for (std::size_t k = 0; k < best.weights.size(); ++k) best.last.push_back(x[x.size() - 1 - k]);
  return best;
}

/// Paths [paths, horizon] of fit_autoregression() on the values adjusted by seasonal_indices(), of
/// an order up to 10 log10(n), at most n / 4, simulated with normal errors. It returns to the mean,
/// so a series with a trend is better served by others. Reads the last 20 seasons or 500 values,
/// whichever is more. Gaps are interpolated beside the season; cells missing at the end are
/// simulated and left out. Throws ArgumentError for a season below 1 or fewer than 4 known values,
/// NumericError for a value that is not usable().
inline Tensor<double> autoregression_paths(std::span<const double> history,
                                           const BaselineOptions& o, const Rng& rng) {
  return detail::adjusted_paths(
      history, 4, o, rng, "autoregression_paths", [](std::span<const double> x) {
        const auto n = static_cast<double>(x.size());
        return fit_autoregression(x, static_cast<Index>(std::min(10 * std::log10(n), n / 4)));
      });
}

}  // namespace foglift::inline v0::forecast
