#pragma once

#include "foglift/forecast/series/time_axis.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

/// Labels of a time axis, for any step and any zoom.
namespace tool {

/// How round the time of a cell is, from 0 to 9: where a label stands well. The first open hour of
/// a day stands for it.
int roundness(const foglift::forecast::TimeAxis& axis, foglift::Index cell);

/// "2024", "Mar 2024", "31 Mar", "17:30", "17:30:05", "17:30:05.2".
std::string tick_label(const foglift::forecast::TimeAxis& axis, foglift::Index cell);

/// The cells of [first, last] that get a label, the roundest first, where the axis has room for so
/// many characters.
std::vector<foglift::Index> time_ticks(const foglift::forecast::TimeAxis& axis,
                                       foglift::Index first, foglift::Index last,
                                       double characters);

}  // namespace tool
