#pragma once

#include "foglift/forecast/score/quantile.hpp"

#include <array>
#include <limits>

namespace foglift::inline v0::forecast {

// Names and conventions. Papers call three different numbers "CRPS"; here
//   crps                         is the CRPS itself, in the unit of the data;
//   mean_weighted_quantile_loss  is what GluonTS and TSDiff report as CRPS; with nineteen_levels
//                                and linear quantiles, what CSDI does;
//   coverage, mase, pit          say how they treat ties, missing cells and the season.
// Paths are [windows, paths, horizon], actual values [windows, horizon]; a NaN among the actual
// values is a cell that no metric sees. Every metric throws ShapeError if the shapes do not fit,
// NumericError for a path that is not finite, a value beyond largest_value or a result beyond
// double, and ArgumentError if no actual value is there.

/// Which estimate of E|X - X'| an ensemble's CRPS uses.
enum class Crps {
  ensemble,  ///< all pairs: the exact CRPS of the ensemble as a distribution
  fair       ///< pairs of different members: unbiased for the law that the members come from
};

/// CRPS of an ensemble for one observation: E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, eq.
/// 21). Sorting gives the double sum in O(S log S). Sorts `members`. Throws ArgumentError for an
/// empty ensemble (or a fair one of 1), NumericError for a value that is not finite or beyond
/// largest_value.
inline double crps(std::span<double> members, double actual, Crps kind = Crps::ensemble) {
  const auto size = static_cast<double>(members.size());
  if (members.empty() || (kind == Crps::fair && members.size() < 2))
    raise<ArgumentError>("crps: an ensemble of ", members.size());
  detail::require_member(actual, "crps");
  for (const double v : members) detail::require_member(v, "crps");
  std::sort(members.begin(), members.end());
  double error = 0, spread = 0;  // spread = sum over i < j of x[j] - x[i]
  for (std::size_t i = 0; i < members.size(); ++i) {
    error += std::abs(members[i] - actual);
    spread += (2 * static_cast<double>(i) + 1 - size) * members[i];
  }
  return error / size - spread / (size * (kind == Crps::fair ? size - 1 : size));
}

namespace detail {
/// f(window, step, members, actual) for every cell whose actual value is there, members sorted.
template <Scalar T, Scalar U, class F>
Index each_cell(const Tensor<T>& paths, const Tensor<U>& actual, const char* where, const F& f) {
  require_paths(paths.shape(), where);
  if (actual.shape() != Shape{paths.dim(0), paths.dim(2)})
    raise<ShapeError>(where, ": actual values ", actual.shape(), " for paths ", paths.shape());
  for (const T v : paths) require_member(static_cast<double>(v), where);
  std::vector<double> members;
  Index cells = 0;
  for (Index w = 0; w < actual.dim(0); ++w)
    for (Index h = 0; h < actual.dim(1); ++h) {
      if (std::isnan(actual(w, h))) continue;
      require_member(static_cast<double>(actual(w, h)), where);
      sorted_members(paths, w, h, members);
      f(w, h, members, static_cast<double>(actual(w, h)));
      ++cells;
    }
  if (cells == 0) raise<ArgumentError>(where, ": no actual value to compare with");
  return cells;
}
}  // namespace detail

/// Mean CRPS over all observed cells.
template <Scalar T, Scalar U>
double crps(const Tensor<T>& paths, const Tensor<U>& actual, Crps kind = Crps::ensemble) {
  double sum = 0;
  const Index cells = detail::each_cell(
      paths, actual, "crps",
      [&](Index, Index, std::span<double> members, double y) { sum += crps(members, y, kind); });
  return sum / static_cast<double>(cells);
}

/// The quantile levels 0.1, 0.2 ... 0.9.
inline constexpr std::array<double, 9> nine_levels{.1, .2, .3, .4, .5, .6, .7, .8, .9};

/// The quantile levels 0.05, 0.1 ... 0.95, of CSDI and of CRPS-sum.
inline constexpr std::array<double, 19> nineteen_levels{.05, .1, .15, .2, .25, .3, .35, .4, .45, .5,
                                                        .55, .6, .65, .7, .75, .8, .85, .9, .95};

/// A function that takes quantiles: quantile_nearest or quantile_linear.
using QuantileRule = double (*)(std::span<const double> sorted, double level);

/// GluonTS's mean_wQuantileLoss: for each level q, 2 sum |(x_q - y) (1[y <= x_q] - q)| / sum |y|
/// with x_q by the rule; the mean over levels. Sums run over all windows and steps: a ratio
/// of sums, not a mean of ratios. For a point forecast it is sum |x - y| / sum |y|. GluonTS takes
/// quantile_nearest, CSDI quantile_linear, which torch.quantile is.
/// Throws NumericError if every actual value is 0.
template <Scalar T, Scalar U>
double mean_weighted_quantile_loss(const Tensor<T>& paths, const Tensor<U>& actual,
                                   std::span<const double> levels = nine_levels,
                                   QuantileRule rule = quantile_nearest) {
  if (levels.empty()) raise<ArgumentError>("mean_weighted_quantile_loss: no level");
  double loss = 0, size = 0;
  detail::each_cell(paths, actual, "mean_weighted_quantile_loss",
                    [&](Index, Index, std::span<const double> members, double y) {
                      for (const double q : levels) {
                        const double x = rule(members, q);
                        loss += 2 * std::abs((x - y) * ((y <= x ? 1 : 0) - q));
                      }
                      size += std::abs(y);
                    });
  if (size == 0) raise<NumericError>("mean_weighted_quantile_loss: every actual value is 0");
  return detail::finite_result(loss / static_cast<double>(levels.size()) / size,
                               "mean_weighted_quantile_loss");
}

/// Share of observed cells inside the central interval of a probability, ends included; its ends
/// are the quantiles (1 -+ probability) / 2 by linear interpolation.
template <Scalar T, Scalar U>
double coverage(const Tensor<T>& paths, const Tensor<U>& actual, double probability) {
  if (!(probability > 0 && probability < 1))
    raise<ArgumentError>("coverage: probability ", probability, ", needed in (0, 1)");
  double inside = 0;
  const Index cells = detail::each_cell(
      paths, actual, "coverage", [&](Index, Index, std::span<const double> members, double y) {
        inside += quantile_linear(members, (1 - probability) / 2) <= y &&
                  y <= quantile_linear(members, (1 + probability) / 2);
      });
  return inside / static_cast<double>(cells);
}

/// Mean of |x[t] - x[t - season]| over the pairs that are both there: what MASE divides by (Hyndman
/// & Koehler 2006). NaN if there is no pair. Throws NumericError for a value that is not usable().
inline double seasonal_error(std::span<const double> values, Index season) {
  if (season < 1) raise<ArgumentError>("seasonal_error: season ", season);
  require_usable(values, "seasonal_error");
  double sum = 0, pairs = 0;
  for (auto t = static_cast<std::size_t>(season); t < values.size(); ++t) {
    const double error = std::abs(values[t] - values[t - static_cast<std::size_t>(season)]);
    if (!std::isnan(error)) sum += error, ++pairs;
  }
  return pairs > 0 ? sum / pairs : std::numeric_limits<double>::quiet_NaN();
}

/// Mean absolute scaled error of the median path value: |median - y| / scales[window], averaged
/// over all observed cells. scales[w] is seasonal_error of the values before window w.
template <Scalar T, Scalar U>
double mase(const Tensor<T>& paths, const Tensor<U>& actual, std::span<const double> scales) {
  if (static_cast<Index>(scales.size()) != actual.dim(0))
    raise<ShapeError>("mase: ", scales.size(), " scales for ", actual.dim(0), " windows");
  for (const double s : scales)
    if (!(s > 0 && std::isfinite(s)))
      raise<NumericError>("mase: a scale of ", s, s == 0 ? ", the past shows no change" : "",
                          "; needed positive and finite");
  double sum = 0;
  const Index cells = detail::each_cell(
      paths, actual, "mase", [&](Index w, Index, std::span<const double> members, double y) {
        sum += std::abs(quantile_linear(members, 0.5) - y) / scales[static_cast<std::size_t>(w)];
      });
  return detail::finite_result(sum / static_cast<double>(cells), "mase");
}

/// Probability integral transform: for every observed cell the share of members below the actual
/// value, ties counting one half. Uniform on [0, 1] for a calibrated forecast.
template <Scalar T, Scalar U>
std::vector<double> pit(const Tensor<T>& paths, const Tensor<U>& actual) {
  std::vector<double> out;
  detail::each_cell(paths, actual, "pit",
                    [&](Index, Index, std::span<const double> members, double y) {
                      double below = 0;
                      for (const double x : members) below += x < y ? 1 : x == y ? 0.5 : 0;
                      out.push_back(below / static_cast<double>(members.size()));
                    });
  return out;
}

}  // namespace foglift::inline v0::forecast
