#pragma once

#include "foglift/core/text.hpp"
#include "foglift/forecast/series/read/sheet.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace foglift::inline v0::forecast {
namespace detail {

/// What can be known before training: counts missing cells, says where nothing came lately. Throws
/// FormatError for too few values, and for some that never vary.
inline void check_before_training(Sheet& sheet, Reading& r) {
  std::size_t most = 0;
  bool varies = false;
  for (const Series& s : r.series) {
    std::size_t present = 0;
    double first = NAN;
    for (const double v : s.values) {
      if (std::isnan(v)) {
        ++r.missing;
        continue;
      }
      if (present++ == 0) first = v;
      varies = varies || v != first;
    }
    most = std::max(most, present);
  }
  constexpr std::size_t fewest = 4;
  if (most < fewest)
    raise<FormatError>(sheet.source(), ": ", most, most == 1 ? " value" : " values", " of '",
                       r.target[0], "', at least ", fewest,
                       " are needed for a forecast; --target names another column");
  if (!varies)
    raise<FormatError>(
        sheet.source(), ": '", r.target[0],
        "' never varies, so there is nothing to forecast; --target names another column");
  std::size_t silent = 0;
  std::string since;
  for (const Series& s : r.series) {
    Index end = s.size();
    while (end > 0 && std::isnan(s.value(end - 1))) --end;
    Index change = end - 1, same = 1;  // cells that have the last value
    for (Index t = change; t-- > 0 && (std::isnan(s.value(t)) || s.value(t) == s.value(end - 1));)
      if (!std::isnan(s.value(t))) change = t, ++same;
    const bool off = 5 * (s.size() - end) >= s.size();
    if (!off && (same < 4 || 5 * (s.size() - change) < s.size())) continue;
    if (silent++ == 0)
      since = off ? "'" + s.name + "' has no value since " + s.time.text(end - 1)
                  : "'" + s.name + "' is " + number_text(s.value(end - 1)) + " since " +
                        s.time.text(change);
  }
  if (silent > 0)
    sheet.say(since + (silent > 1 ? ", and " + std::to_string(silent - 1) + " more are such" : ""),
              "a fifth of the series or more");
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
