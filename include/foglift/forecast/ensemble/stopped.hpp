#pragma once

#include "foglift/forecast/baselines.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// How long a series has stood still: the last `run` known values are equal, and before them no
/// more than `before` in a row ever were.
struct Standstill {
  Index run = 0, before = 0;
  double level = 0;

  /// `history` up to an origin, NaN where values are missing.
  explicit Standstill(std::span<const double> history) {
    Index now = 0;
    for (const double v : history) {
      if (std::isnan(v)) continue;
      if (now > 0 && v == level) {
        ++now;
        continue;
      }
      before = std::max(before, now);
      now = 1;
      level = v;
    }
    run = now;
  }

  /// A stuck sensor, a shop that closed: it stands for 10 known values and a horizon, and more than
  /// twice as long as it ever did.
  bool stopped(Index horizon) const {
    return run >= std::max<Index>(10, horizon) && run > 2 * before;
  }

  /// Paths [paths, horizon] that stay at the level. A step leaves it with chance 1 / (run + 2), by
  /// the rule of succession, and is then one of the changes of the past, as in
  /// random_walk_bootstrap().
  Tensor<double> paths(std::span<const double> history, const BaselineOptions& o,
                       const Rng& rng) const {
    detail::require_baseline(o, "Standstill");
    std::vector<double> changes;
    for (std::size_t t = 1; t < history.size(); ++t)
      if (const double d = history[t] - history[t - 1]; !std::isnan(d) && d != 0)
        changes.push_back(d);
    Tensor<double> out({o.paths, o.horizon}, level);
    if (changes.empty()) return out;
    const auto leaves = std::ssize(changes) * (run + 2);
    for (Index p = 0; p < o.paths; ++p)
      for (Index h = 0, i; h < o.horizon; ++h) {
        out(p, h) = h == 0 ? level : out(p, h - 1);
        i = rng.index(leaves, static_cast<std::uint64_t>(p), static_cast<std::uint32_t>(h));
        if (i < std::ssize(changes)) out(p, h) += changes[static_cast<std::size_t>(i)];
      }
    return out;
  }
};

}  // namespace foglift::inline v0::forecast
