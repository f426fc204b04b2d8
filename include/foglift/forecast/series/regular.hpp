#pragma once

#include "foglift/forecast/series/panel.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <span>

namespace foglift {
inline namespace v0 {
namespace forecast {

namespace detail {
/// The most frequent of the differences between neighbours; the smaller one of two equals.
inline Time usual_gap(std::span<const Time> sorted) {
  std::map<Time, Index> counts;
  for (std::size_t i = 1; i < sorted.size(); ++i) ++counts[sorted[i] - sorted[i - 1]];
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

inline void require_sorted(std::span<const Time> times, const char* where) {
  if (times.size() < 2)
    raise<ArgumentError>(where, ": ", times.size(), " times, at least 2 are needed");
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] == times[i - 1])
      raise<ArgumentError>(where, ": two rows are dated ", data::format_date(times[i]),
                           "; one value a time is needed");
    if (times[i] < times[i - 1]) raise<ArgumentError>(where, ": the times are not sorted");
  }
}
}  // namespace detail

/// The frequency of increasing times: calendar months if all fall on one day of the month (or all
/// on the last one), otherwise the most frequent gap. Gaps in the data do no harm. Throws
/// ArgumentError for fewer than 2 times, duplicates, or times out of order.
inline Frequency detect_frequency(std::span<const Time> times) {
  detail::require_sorted(times, "detect_frequency");
  const int day = data::civil_from_seconds(times[0]).day;
  bool same_day = true, last_day = true, same_clock = true;
  std::vector<Time> months;
  for (const Time t : times) {
    const data::CivilTime date = data::civil_from_seconds(t);
    months.push_back(month_number(t));
    same_day = same_day && date.day == day;
    last_day = last_day && date.day == data::days_in_month(date.year, date.month);
    same_clock = same_clock && time_of_day(t) == time_of_day(times[0]);
  }
  if (same_clock && (same_day || last_day))
    return {.months = static_cast<int>(detail::usual_gap(months)), .days = {last_day ? 31 : day}};
  return {.seconds = detail::usual_gap(times)};
}

/// The most cells that regular_series makes of so many rows. A wrong date (year 20112), or stamps
/// that follow no frequency, would ask for more memory than there is.
constexpr Index most_cells(Index rows) { return 32 * rows + 1000; }

/// Values at times in any order, as a regular series from the first time to the last; cells that no
/// time falls on are NaN. Throws ArgumentError if two rows have one time, if a time lies between
/// the cells of the detected (or given) frequency, or if there would be more than most_cells.
inline Series regular_series(std::span<const Time> times, std::span<const double> values,
                             std::string name = {}, const Frequency* frequency = nullptr) {
  if (times.size() != values.size())
    raise<ShapeError>("regular_series: ", times.size(), " times for ", values.size(), " values");
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return times[a] < times[b]; });
  std::vector<Time> sorted;
  for (const std::size_t i : order) sorted.push_back(times[i]);
  detail::require_sorted(sorted, "regular_series");

  Series series{
      std::move(name), {sorted.front(), frequency ? *frequency : detect_frequency(sorted)}, {}};
  const Frequency& step = series.time.frequency;
  step.check("regular_series");
  const auto cell_of = [&](Time t) {
    return step.months ? (month_number(t) - month_number(sorted.front())) / step.months
                       : (t - sorted.front()) / step.seconds;
  };
  const Time cells = cell_of(sorted.back()) + 1, most = most_cells(std::ssize(sorted));
  if (cells > most)
    raise<ArgumentError>("regular_series: ", sorted.size(), " rows from ",
                         data::format_date(sorted.front()), " to ",
                         data::format_date(sorted.back()), " leave a series of ", cells, ' ',
                         step.name(), " cells almost empty, at most ", most,
                         " are accepted; check the dates, or give the frequency");
  series.values.assign(static_cast<std::size_t>(cells), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Time cell = cell_of(sorted[i]);
    if (series.time.at(cell) != sorted[i])
      raise<ArgumentError>("regular_series: ", data::format_date(sorted[i]),
                           " does not fit a series that is ", step.name(), " from ",
                           data::format_date(sorted.front()));
    series.values[static_cast<std::size_t>(cell)] = values[order[i]];
  }
  return series;
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
