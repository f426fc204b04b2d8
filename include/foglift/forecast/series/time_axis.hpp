#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/data/date.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// Seconds since 1970-01-01 00:00 on the clock of the data, as data::parse_date gives them; no time
/// zone, no leap seconds.
using Time = std::int64_t;

inline constexpr Time day_seconds = 86'400, week_seconds = 7 * day_seconds;

/// Seconds since midnight, in [0, 86400).
constexpr Time time_of_day(Time t) { return ((t % day_seconds) + day_seconds) % day_seconds; }
/// Months since the year 0.
constexpr Time month_number(Time t) {
  const data::CivilTime date = data::civil_from_seconds(t);
  return Time{12} * date.year + date.month - 1;
}

/// The step between the cells of a regular series: a number of seconds, or of calendar months.
struct Frequency {
  Time seconds = 0;  ///< 0 for steps of months
  int months = 0;    ///< 0 for steps of seconds
  int day = 31;      ///< day of the month of monthly cells; months that are shorter use their last

  friend bool operator==(const Frequency&, const Frequency&) = default;

  /// Throws ArgumentError unless a step is a positive number of seconds, or of months.
  void check(const char* where) const {
    if (seconds < 0 || months < 0 || (seconds > 0) == (months > 0))
      raise<ArgumentError>(where, ": a step of ", seconds, " seconds and ", months,
                           " months; one of them must be positive, the other 0");
  }

  /// About how many seconds a step takes.
  double length() const {
    return months ? months * 365.25 / 12 * day_seconds : static_cast<double>(seconds);
  }

  /// "hourly", "every 15 minutes", "monthly", ...
  std::string name() const {
    struct Unit {
      Time size;
      const char *one, *many;
    };
    const auto pick = [](Time n, std::initializer_list<Unit> units) -> std::string {
      for (const Unit& u : units)
        if (n == u.size) return u.one;
      for (const Unit& u : units)
        if (n % u.size == 0) return "every " + std::to_string(n / u.size) + ' ' + u.many;
      return "every " + std::to_string(n);
    };
    if (months)
      return pick(
          months,
          {{12, "yearly", "years"}, {3, "quarterly", "quarters"}, {1, "monthly", "months"}});
    return pick(seconds, {{week_seconds, "weekly", "weeks"},
                          {day_seconds, "daily", "days"},
                          {3600, "hourly", "hours"},
                          {60, "minutely", "minutes"},
                          {1, "secondly", "seconds"}});
  }
};

/// The times of a regular series.
struct TimeAxis {
  Time start = 0;
  Frequency frequency{};

  /// Time of cell i; i may lie outside the series on either side.
  Time at(Index i) const {
    if (!frequency.months) return start + i * frequency.seconds;
    const Time months = month_number(start) + i * frequency.months;
    data::CivilTime date{.year = static_cast<int>((months >= 0 ? months : months - 11) / 12)};
    date.month = static_cast<int>(months - Time{12} * date.year) + 1;
    date.day = std::min(frequency.day, data::days_in_month(date.year, date.month));
    return data::seconds_from_civil(date) + time_of_day(start);
  }

  friend bool operator==(const TimeAxis&, const TimeAxis&) = default;
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
