#pragma once

#include "foglift/forecast/series/time_axis.hpp"
#include "support/text.hpp"

#include <string>

namespace tool {

/// "1 window", "14 windows".
inline std::string counted(foglift::Index n, const std::string& name) {
  return std::to_string(n) + ' ' + name + (n == 1 ? "" : "s");
}

/// "2 days", "48 hours": a number of cells in words.
inline std::string span(const foglift::forecast::Frequency& f, foglift::Index cells) {
  struct Unit {
    foglift::forecast::Time seconds;
    const char* name;
  };
  if (!f.open.empty() || f.days.size() > 1 || f.per > 1) return counted(cells, "step");
  if (f.months)
    return f.months % 12 ? counted(cells * f.months, "month")
                         : counted(cells * f.months / 12, "year");
  for (const Unit u :
       {Unit{foglift::forecast::week_seconds, "week"}, Unit{foglift::forecast::day_seconds, "day"},
        Unit{3600, "hour"}, Unit{60, "minute"}})
    if (f.seconds % u.seconds == 0) return counted(cells * (f.seconds / u.seconds), u.name);
  return counted(cells * f.seconds, "second");
}

}  // namespace tool
