#pragma once

#include "foglift/forecast/combine/paths.hpp"

#include <array>

namespace foglift::inline v0::forecast {

/// Probabilities of the central intervals by which forecasts are calibrated.
inline constexpr std::array<double, 3> calibrated_intervals{0.5, 0.8, 0.95};

/// A monotone map of paths about the median of their step: the member whose central interval has
/// probability c is moved away from the median, or towards it, by the factor of c, which is
/// interpolated between those of calibrated_intervals (and constant below the first and above the
/// last), and never across its inner neighbour. An atom stays where it would be moved inwards: no
/// rain is as dry as it can be. Members of a step keep their order, so paths keep
/// their ranks and rank correlation; they may lie beyond the extremes of the sample.
struct Stretch {
  Tensor<double> factors;  ///< [intervals, H], all 1: no change; empty: none either

  double factor(double central, Index step) const {
    const auto& c = calibrated_intervals;
    if (central <= c.front()) return factors(0, step);
    std::size_t i = 1;
    while (i + 1 < c.size() && central > c[i]) ++i;
    const double at = std::min(1.0, (central - c[i - 1]) / (c[i] - c[i - 1]));
    const auto k = static_cast<Index>(i);
    return (1 - at) * factors(k - 1, step) + at * factors(k, step);
  }

  /// True if `value` is the first or the last of sorted members and several of them are equal to
  /// it: values have it with positive probability, as where bounds cut them off.
  static bool atom(std::span<const double> sorted, double value) {
    const std::size_t n = sorted.size();
    return n > 1 && ((value == sorted[0] && value == sorted[1]) ||
                     (value == sorted[n - 1] && value == sorted[n - 2]));
  }

  /// Stretches row w of paths [W, S, H]. Throws ShapeError if the horizon is another, NumericError
  /// for a path that is not finite.
  void apply(Tensor<double>& paths, Index w) const {
    if (factors.empty()) return;
    detail::require_paths(paths.shape(), "Stretch");
    if (factors.dim(1) != paths.dim(2))
      raise<ShapeError>("Stretch: factors ", factors.shape(), " for paths ", paths.shape());
    const Index S = paths.dim(1);
    std::vector<Index> order;
    std::vector<double> sorted;
    for (Index h = 0; h < paths.dim(2); ++h) {
      detail::rank_order(paths, w, h, order);
      detail::sorted_members(paths, w, h, sorted);
      const double median = quantile_linear(sorted, 0.5);
      const auto moved = [&](Index i) {
        const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(S);
        const double v = sorted[static_cast<std::size_t>(i)], f = factor(std::abs(2 * p - 1), h);
        return (v - median) * (f < 1 && atom(sorted, v) ? 1 : f);
      };
      double reach = 0;
      for (Index i = S / 2; i < S; ++i) {
        reach = std::max(reach, moved(i));
        paths(w, order[static_cast<std::size_t>(i)], h) = median + reach;
      }
      reach = 0;
      for (Index i = (S - 1) / 2; i >= 0; --i) {
        if (2 * i + 1 == S) continue;  // the median itself
        reach = std::min(reach, moved(i));
        paths(w, order[static_cast<std::size_t>(i)], h) = median + reach;
      }
    }
  }
};

}  // namespace foglift::inline v0::forecast
