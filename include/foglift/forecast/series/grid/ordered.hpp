#pragma once

#include "foglift/core/text.hpp"
#include "foglift/forecast/series/grid/options.hpp"

#include <algorithm>
#include <cmath>
#include <compare>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Rows by increasing time, and which row of the file each was.
struct Ordered {
  TimedRows rows;
  std::vector<std::size_t> row;
  bool has_offsets = false;

  Index size() const { return std::ssize(rows.stamps); }
  /// "2024-01-05 07:00 (row 17)".
  std::string text(std::size_t i) const {
    return stamp_text(rows.stamps[i]) + " (row " + std::to_string(row[i] + 1) + ')';
  }
};

/// Order of time: in UTC where the stamps say it.
inline bool earlier(const data::Stamp& a, const data::Stamp& b) {
  const Time s = a.utc(), t = b.utc();
  return s < t || (s == t && a.nanoseconds < b.nanoseconds);
}
/// The same on the clock that steps are counted on.
inline bool before_on(const Clock& clock, const data::Stamp& a, const data::Stamp& b) {
  const Time s = clock.steps_in_utc ? a.utc() : a.seconds;
  const Time t = clock.steps_in_utc ? b.utc() : b.seconds;
  return s < t || (s == t && a.nanoseconds < b.nanoseconds);
}
inline bool same_time(const data::Stamp& a, const data::Stamp& b) {
  return a.utc() == b.utc() && a.nanoseconds == b.nanoseconds;
}

/// Rows in the order of time; of one time, in that of the file. Throws ShapeError for columns of
/// another length than the stamps, ArgumentError if some stamps have an offset and others not, or
/// for one outside of the years 0 to 9999.
inline Ordered in_order(const TimedRows& rows) {
  const std::size_t n = rows.stamps.size();
  for (const auto& column : rows.columns)
    if (column.size() != n)
      raise<ShapeError>("on_grid: ", n, " stamps for ", column.size(), " values");
  Ordered out{rows, std::vector<std::size_t>(n), n > 0 && rows.stamps[0].offset.has_value()};
  std::iota(out.row.begin(), out.row.end(), std::size_t{0});
  constexpr Time first = data::seconds_from_civil({.year = 0});
  constexpr Time end = data::seconds_from_civil({.year = 10'000});
  for (std::size_t i = 0; i < n; ++i)
    if (rows.stamps[i].seconds < first || rows.stamps[i].seconds >= end)
      raise<ArgumentError>("on_grid: row ", i + 1, ": ", rows.stamps[i].seconds,
                           " seconds since 1970 are outside of the years 0 to 9999");
  for (std::size_t i = 0; i < n; ++i)
    if (rows.stamps[i].offset.has_value() != out.has_offsets)
      raise<ArgumentError>("on_grid: ", out.text(0), " and ", out.text(i),
                           ": one says its offset from UTC, the other does not; all must, or none");
  if (std::is_sorted(rows.stamps.begin(), rows.stamps.end(), earlier)) return out;
  struct Key {
    Time utc;
    int nanoseconds;
    std::size_t row;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> keys(n);
  for (std::size_t i = 0; i < n; ++i)
    keys[i] = {rows.stamps[i].utc(), rows.stamps[i].nanoseconds, i};
  std::sort(keys.begin(), keys.end());
  for (std::size_t i = 0; i < n; ++i) out.row[i] = keys[i].row;
  for (std::size_t i = 0; i < n; ++i) {
    out.rows.stamps[i] = rows.stamps[out.row[i]];
    for (std::size_t c = 0; c < rows.columns.size(); ++c)
      out.rows.columns[c][i] = rows.columns[c][out.row[i]];
  }
  return out;
}

/// One value of those that are there; NaN if there is none. The mean of equal ones is that one.
inline double combined(Combine how, std::span<const double> values) {
  double result = std::numeric_limits<double>::quiet_NaN(), count = 0;
  double low = result, high = result;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    const bool first = ++count == 1;
    low = first ? v : std::min(low, v);
    high = first ? v : std::max(high, v);
    if (first || how == Combine::last)
      result = v;
    else if (how == Combine::mean || how == Combine::sum)
      result += v;
  }
  if (how == Combine::min || how == Combine::max) return how == Combine::min ? low : high;
  return how == Combine::mean ? std::clamp(result / count, low, high) : result;
}

/// "17 s", "1.5 hours", "2 days".
inline std::string duration_text(double seconds) {
  struct Unit {
    double size;
    const char* name;
  };
  Unit best{1, "second"};
  for (const Unit u : {Unit{60, "minute"}, Unit{3600, "hour"}, Unit{86'400, "day"}})
    if (seconds >= u.size) best = u;
  if (seconds < 1) best = seconds < 1e-3 ? Unit{1e-6, "microsecond"} : Unit{1e-3, "millisecond"};
  const std::string n = number_text(seconds / best.size, 4);
  return n + ' ' + best.name + (n == "1" ? "" : "s");
}

/// The most frequent number; the smallest one of several. Not of none.
template <class T>
T most_frequent(std::vector<T> values) {
  if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>{}) == values.end())
    return values.front();
  std::sort(values.begin(), values.end());
  T best = values.front();
  for (std::size_t i = 0, most = 0, end = 0; i < values.size(); i = end) {
    while (end < values.size() && values[end] == values[i]) ++end;
    if (end - i > most) most = end - i, best = values[i];
  }
  return best;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
