#pragma once

#include "foglift/forecast/baselines.hpp"

namespace foglift::inline v0::forecast {

/// Paths [paths, horizon] of climatology: what happened at the same phase of earlier seasons. A
/// path is one earlier stretch of the history, all of `horizon` values, that began at the phase of
/// the forecast, drawn with equal chances; so its cells stay correlated as they were. A missing
/// cell (NaN) is drawn again from those known at its step. Throws ArgumentError for a season below
/// 1 or if a step has no earlier value, NumericError for a value that is not usable().
inline Tensor<double> climatology(std::span<const double> history, const BaselineOptions& o,
                                  const Rng& rng) {
  detail::require_baseline(o, history, "climatology");
  const Index season = o.season();
  const auto n = static_cast<Index>(history.size());
  std::vector<std::vector<double>> stretches;
  for (Index at = n - season * ((o.horizon + season - 1) / season); at >= 0; at -= season) {
    const auto stretch =
        history.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(o.horizon));
    stretches.emplace_back(stretch.begin(), stretch.end());
  }
  const std::vector<double> zero(static_cast<std::size_t>(o.horizon), 0.0);
  return detail::draw_rows(zero, stretches, o, rng, "climatology");
}

}  // namespace foglift::inline v0::forecast
