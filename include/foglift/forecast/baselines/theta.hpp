#pragma once

#include "foglift/forecast/baselines/seasonal_adjustment.hpp"

#include <cmath>

namespace foglift::inline v0::forecast {

/// The standard theta model of values without season: exponential smoothing of the series plus half
/// of its line of least squares (Assimakopoulos & Nikolopoulos 2000), in the state form of Fiorucci
/// et al. 2016, equations 9 to 13 with theta = 2: from t = 0,
///   x[t] = level + ((1 - alpha)^t intercept + (1 - (1 - alpha)^(t + 1)) / alpha slope) / 2 + e[t],
///   level = alpha x[t] + (1 - alpha) level.
struct ThetaModel {
  double alpha = 0.5;
  double first = 0;      ///< the level at t = 0
  double level = 0;      ///< the level behind the last value
  double slope = 0;      ///< of the line, per cell
  double intercept = 0;  ///< of the line, one cell before the first
  double variance = 0;   ///< of e: squares of the errors from t = 3, over their number less 2
  Index size = 0;

  /// What the line adds at t.
  double line(Index t) const {
    const double left = std::pow(1 - alpha, static_cast<double>(t));
    return 0.5 * (left * intercept + (1 - left * (1 - alpha)) / alpha * slope);
  }

  /// Turns standard normals into the values that follow the last one.
  void simulate(std::span<double> path) const {
    double now = level;
    for (Index h = 0; h < std::ssize(path); ++h) {
      double& v = path[static_cast<std::size_t>(h)];
      v = now + line(size + h) + std::sqrt(variance) * v;
      now = alpha * v + (1 - alpha) * now;
    }
  }
};

namespace detail {
/// The model of an alpha: the first level that makes the squares of the errors from t = 3 least,
/// which is linear.
inline ThetaModel theta_of(std::span<const double> x, ThetaModel model, double alpha) {
  model.alpha = alpha;
  double level = 0, left = 1, ee = 0, ec = 0, cc = 0;
  for (Index t = 0; t < model.size; ++t, left *= 1 - alpha) {
    const double v = x[static_cast<std::size_t>(t)];
    const double line =
        0.5 * (left * model.intercept + (1 - left * (1 - alpha)) / alpha * model.slope);
    const double e = v - level - line;
    if (t >= 3) ee += e * e, ec += e * left, cc += left * left;
    level = alpha * v + (1 - alpha) * level;
  }
  model.first = ec / cc;
  model.level = level + left * model.first;
  model.variance = std::max(0.0, ee - ec * model.first) / static_cast<double>(model.size - 5);
  return model;
}
}  // namespace detail

/// The model with the least squares of errors, alpha in [0.1, 0.99] from a grid of 0.01 refined by
/// two parabolas, 0.01 and 0.001 wide on both sides: the values' rounding hardly moves it. Throws
/// ArgumentError for fewer than 6 values, NumericError for one that is missing or not usable().
inline ThetaModel fit_theta(std::span<const double> x) {
  const auto n = static_cast<double>(x.size());
  if (x.size() < 6) raise<ArgumentError>("fit_theta: ", x.size(), " values; needed at least 6");
  require_usable(x, "fit_theta");
  ThetaModel model;
  model.size = std::ssize(x);
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n, middle = (n + 1) / 2;
  if (std::isnan(mean)) raise<NumericError>("fit_theta: a value is missing; see filled()");
  for (std::size_t t = 0; t < x.size(); ++t)
    model.slope += (static_cast<double>(t + 1) - middle) * (x[t] - mean) * 12 / (n * (n * n - 1));
  model.intercept = mean - model.slope * middle;

  const auto loss = [&](double alpha) { return detail::theta_of(x, model, alpha).variance; };
  double best = 0.1, least = loss(best);
  for (int k = 11; k <= 99; ++k)
    if (const double v = loss(0.01 * k); v < least) best = 0.01 * k, least = v;
  for (const double step : {0.01, 0.001}) {
    if (best - step < 0.1 || best + step > 0.99) break;
    const double below = loss(best - step), above = loss(best + step);
    const double curvature = below - 2 * loss(best) + above;
    if (curvature > 0) best += step * std::clamp((below - above) / (2 * curvature), -1.0, 1.0);
  }
  return detail::theta_of(x, model, best);
}

/// Paths [paths, horizon] of the theta model of the values adjusted by seasonal_indices(),
/// simulated with normal errors. Reads the last 20 seasons or 500 values, whichever is more. Gaps
/// are interpolated beside the season; cells missing at the end are simulated and left out. Throws
/// ArgumentError for a season below 1 or fewer than 6 known values, NumericError for a value that
/// is not usable().
inline Tensor<double> theta_paths(std::span<const double> history, const BaselineOptions& o,
                                  const Rng& rng) {
  return detail::adjusted_paths(history, 6, o, rng, "theta_paths",
                                [](std::span<const double> x) { return fit_theta(x); });
}

}  // namespace foglift::inline v0::forecast
