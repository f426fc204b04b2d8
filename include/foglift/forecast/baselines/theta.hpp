#pragma once

#include "foglift/forecast/baselines/seasonal_adjustment.hpp"

#include <cmath>

namespace foglift::inline v0::forecast {

/// The theta model of values without season: exponential smoothing of the series plus a share
/// 1 - 1 / theta of its line of least squares (Assimakopoulos & Nikolopoulos 2000), in the state
/// form of Fiorucci et al. 2016, equations 9 to 13: from t = 0,
///   x[t] = level + share ((1 - alpha)^t intercept + (1 - (1 - alpha)^(t + 1)) / alpha slope) + e,
///   level = alpha x[t] + (1 - alpha) level.
struct ThetaModel {
  double alpha = 0.5;
  double share = 0.5;    ///< the standard model has theta = 2
  double first = 0;      ///< the level at t = 0
  double level = 0;      ///< the level behind the last value
  double slope = 0;      ///< of the line, per cell
  double intercept = 0;  ///< of the line, one cell before the first
  double variance = 0;   ///< of e: squares of the errors from t = 3, over their number less 2
  Index size = 0;

  /// What the line adds at t, if all of it is added.
  double whole_line(Index t) const {
    const double left = std::pow(1 - alpha, static_cast<double>(t));
    return left * intercept + (1 - left * (1 - alpha)) / alpha * slope;
  }
  double line(Index t) const { return share * whole_line(t); }

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

/// Whether theta is 2, or what suits the values best.
enum class ThetaKind { standard, optimised };

namespace detail {
/// The model of an alpha: the first level, and the share of an optimised model in [0, 1], that make
/// the squares of the errors from t = 3 least, which are linear in both.
inline ThetaModel theta_of(std::span<const double> x, ThetaModel model, double alpha,
                           ThetaKind kind) {
  model.alpha = alpha;
  // Errors e of neither, less `left` of the first level and `line` of the share.
  double level = 0, left = 1, ee = 0, ec = 0, cc = 0, el = 0, cl = 0, ll = 0;
  for (Index t = 0; t < model.size; ++t, left *= 1 - alpha) {
    const double v = x[static_cast<std::size_t>(t)], e = v - level;
    const double line = left * model.intercept + (1 - left * (1 - alpha)) / alpha * model.slope;
    if (t >= 3) {
      ee += e * e, ec += e * left, cc += left * left;
      el += e * line, cl += left * line, ll += line * line;
    }
    level = alpha * v + (1 - alpha) * level;
  }
  const double alone = ll - cl * cl / cc;  // what the line does that no level does
  if (kind == ThetaKind::optimised && alone > 1e-12 * ll)
    model.share = std::clamp((el - ec * cl / cc) / alone, 0.0, 1.0);
  const double s = model.share;
  model.first = (ec - s * cl) / cc;
  model.level = level + left * model.first;
  const double squares = ee - 2 * s * el + s * s * ll - (ec - s * cl) * model.first;
  model.variance = std::max(0.0, squares) / static_cast<double>(model.size - 5);
  return model;
}
}  // namespace detail

/// The model with the least squares of errors, alpha in [0.1, 0.99] from a grid of 0.01 refined by
/// two parabolas, 0.01 and 0.001 wide on both sides: the values' rounding hardly moves it. Throws
/// ArgumentError for fewer than 6 values, NumericError for one that is missing or not usable().
inline ThetaModel fit_theta(std::span<const double> x, ThetaKind kind = ThetaKind::standard) {
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

  const auto loss = [&](double alpha) { return detail::theta_of(x, model, alpha, kind).variance; };
  double best = 0.1, least = loss(best);
  for (int k = 11; k <= 99; ++k)
    if (const double v = loss(0.01 * k); v < least) best = 0.01 * k, least = v;
  for (const double step : {0.01, 0.001}) {
    if (best - step < 0.1 || best + step > 0.99) break;
    const double below = loss(best - step), above = loss(best + step);
    const double curvature = below - 2 * loss(best) + above;
    if (curvature > 0) best += step * std::clamp((below - above) / (2 * curvature), -1.0, 1.0);
  }
  return detail::theta_of(x, model, best, kind);
}

/// The standard model, or the optimised one where its theta is worth a parameter by AIC: where
/// n log(variance) is less by more than 2. Throws as fit_theta.
inline ThetaModel choose_theta(std::span<const double> x) {
  const ThetaModel standard = fit_theta(x), free = fit_theta(x, ThetaKind::optimised);
  const auto n = static_cast<double>(x.size() - 3);
  return n * std::log(free.variance / standard.variance) < -2 ? free : standard;
}

/// Paths [paths, horizon] of choose_theta() of the values adjusted by seasonal_indices(), simulated
/// with normal errors. Reads the last 20 seasons or 500 values, whichever is more. Gaps are
/// interpolated beside the season; cells missing at the end are simulated and left out. Throws
/// ArgumentError for a season below 1 or fewer than 6 known values, NumericError for a value that
/// is not usable().
inline Tensor<double> theta_paths(std::span<const double> history, const BaselineOptions& o,
                                  const Rng& rng) {
  return detail::adjusted_paths(history, 6, o, rng, "theta_paths",
                                [](std::span<const double> x) { return choose_theta(x); });
}

}  // namespace foglift::inline v0::forecast
