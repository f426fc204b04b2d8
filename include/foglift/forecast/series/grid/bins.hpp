#pragma once

#include "foglift/forecast/series/grid/ordered.hpp"

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// The axis of bins, named by their starts, whose first one holds a stamp: hours and days begin as
/// the clock's do, weeks on Monday, months on their rule's day, quarters in January.
inline TimeAxis bin_axis(const Frequency& f, const data::Stamp& first, bool in_utc) {
  TimeAxis axis{.start = first.seconds - time_of_day(first.seconds), .frequency = f};
  if (f.months) {
    const Time period = floor_div(month_number(first.seconds), f.months) * f.months - f.months;
    const Time year = floor_div(period, 12);
    data::CivilTime date{.year = static_cast<int>(year),
                         .month = static_cast<int>(period - 12 * year) + 1};
    date.day = day_of_month(date.year, date.month, f.days.front(), f.weekend);
    axis.start = data::seconds_from_civil(date);
  } else if (!f.open.empty() || f.seconds % week_seconds == 0) {
    axis.start = first.seconds - time_of_week(first.seconds);
    if (!f.open.empty()) axis.start += f.open.front().first * f.seconds;
  } else if (f.per > 1) {
    axis.start = first.seconds;
  }
  // Local hours are whole ones of UTC only where the offset is; so they begin as local ones do.
  axis.clock.steps_in_utc = in_utc;
  if (in_utc) axis.start -= first.offset.value_or(0);
  const data::Stamp start = axis.stamp(axis.cell(first));
  axis.start = start.seconds;
  axis.nanoseconds = start.nanoseconds;
  return axis;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
