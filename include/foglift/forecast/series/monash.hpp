#pragma once

#include "foglift/data/tsf.hpp"
#include "foglift/forecast/series/frequency_words.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// A frequency by its name (see parse_frequency; underscores stand for blanks or hyphens, as in
/// "half_hourly"), for a series that begins at `start`: months without a day have the day of the
/// start, or the last one if that is the last. Throws ArgumentError for a name of none.
inline Frequency frequency_from(std::string name, Time start) {
  std::string hyphens = name;
  std::replace(name.begin(), name.end(), '_', ' ');
  std::replace(hyphens.begin(), hyphens.end(), '_', '-');
  auto found = detail::FrequencyReader(hyphens).read();
  if (!found) found = parse_frequency(name);
  if (found->any_day) {
    const data::CivilTime date = data::civil_from_seconds(start);
    const bool last = date.day == data::days_in_month(date.year, date.month);
    found->frequency.days = {last ? 31 : date.day};
  }
  return found->frequency;
}

/// The series of a .tsf file, for a panel: named by their first attribute; without a frequency
/// where the file names none, from 1970 on where it has no start. Other attributes are left out.
/// Throws ArgumentError for a frequency that has no such name.
inline std::vector<Series> series_of(const data::TsfFile& file) {
  std::vector<Series> out;
  for (const data::TsfSeries& s : file.series) {
    Series& series = out.emplace_back();
    series.name = s.attributes.empty() ? "series " + std::to_string(out.size()) : s.attributes[0];
    series.time.start = s.start.value_or(0);
    if (!file.frequency.empty())
      series.time.frequency = frequency_from(file.frequency, series.time.start);
    series.values = s.values;
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
