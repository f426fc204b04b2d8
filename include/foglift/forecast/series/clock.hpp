#pragma once

#include "foglift/forecast/series/frequency.hpp"

#include <algorithm>
#include <vector>

namespace foglift::inline v0::forecast {

/// A stretch of time in which a local clock is ahead of UTC by as much.
struct UtcOffset {
  Time from = 0;    ///< in UTC; it lasts until the next one
  int seconds = 0;  ///< that the clock is ahead

  friend bool operator==(const UtcOffset&, const UtcOffset&) = default;
};

/// The clock that the times of a series are written in.
struct Clock {
  /// By increasing time, as far as the data show them: the first one holds before it too, the last
  /// one for ever. Empty for a clock of which nothing is known.
  std::vector<UtcOffset> offsets = {};
  /// True where steps are durations in UTC (hours of data with offsets), which the local clock
  /// shows uneven when it is changed; false where they are steps of the local clock (its days).
  bool steps_in_utc = false;

  friend bool operator==(const Clock&, const Clock&) = default;

  /// Seconds that the clock is ahead at a time in UTC; 0 if nothing is known.
  int offset_at(Time utc) const {
    if (offsets.empty()) return 0;
    auto after = std::upper_bound(offsets.begin(), offsets.end(), utc,
                                  [](Time t, const UtcOffset& o) { return t < o.from; });
    return (after == offsets.begin() ? after : after - 1)->seconds;
  }

  /// The time in UTC of a time on this clock; the earlier one of two.
  Time utc(Time local) const {
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
      if (local - offsets[i].seconds < offsets[i + 1].from) return local - offsets[i].seconds;
    return local - (offsets.empty() ? 0 : offsets.back().seconds);
  }
};

}  // namespace foglift::inline v0::forecast
