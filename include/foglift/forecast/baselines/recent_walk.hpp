#pragma once

#include "foglift/forecast/baselines.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// Paths [paths, horizon] of random_walk_bootstrap() with the changes of the last values alone:
/// four horizons, two seasons, and 30 at least. It is as wide as the series has lately moved, which
/// differs from its whole past where volatility comes and goes. Throws what that one throws.
inline Tensor<double> recent_walk_bootstrap(std::span<const double> history,
                                            const BaselineOptions& o, const Rng& rng) {
  detail::require_baseline(o, "recent_walk_bootstrap");
  const Index cells = std::max({4 * o.horizon, 2 * o.season(), Index{30}}) + 1;
  return random_walk_bootstrap(detail::recent_values(history, cells), o, rng);
}

}  // namespace foglift::inline v0::forecast
