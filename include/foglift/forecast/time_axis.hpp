#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// Seconds since 1970-01-01 00:00 on the clock of the data; no time zone, no leap seconds.
using Time = std::int64_t;

inline constexpr Time day_seconds = 86'400, week_seconds = 7 * day_seconds;

/// Day of a time as a calendar date.
inline std::chrono::year_month_day date_of(Time t) {
  const Time days = t >= 0 ? t / day_seconds : (t - day_seconds + 1) / day_seconds;
  return std::chrono::sys_days(std::chrono::days(days));
}
/// Seconds since midnight, in [0, 86400).
inline Time time_of_day(Time t) { return ((t % day_seconds) + day_seconds) % day_seconds; }
/// Midnight of a date. Throws ArgumentError for a date that does not exist.
inline Time time_at(int year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok())
    raise<ArgumentError>("time_at: there is no ", year, '-', month, '-', day, " in the calendar");
  return std::chrono::sys_days(date).time_since_epoch().count() * day_seconds;
}
/// Months since year 0.
inline Time month_number(Time t) {
  const auto date = date_of(t);
  return Time{12} * int(date.year()) + unsigned(date.month()) - 1;
}
inline unsigned days_in_month(Time month) {
  const Time year = (month >= 0 ? month : month - 11) / 12;
  const std::chrono::year_month_day_last last{std::chrono::year(static_cast<int>(year)),
                                              std::chrono::month_day_last(std::chrono::month(
                                                  static_cast<unsigned>(month - 12 * year + 1)))};
  return unsigned(last.day());
}

/// "2012-10-27", or "2012-10-27 23:00" or "2012-10-27 23:00:05" where there is a time of day.
inline std::string to_string(Time t) {
  const auto date = date_of(t);
  const auto clock = static_cast<int>(time_of_day(t));
  std::array<char, 64> text{};
  int n = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", int(date.year()),
                        unsigned(date.month()), unsigned(date.day()));
  const auto rest = [&](auto... args) {
    n += std::snprintf(text.data() + n, text.size() - static_cast<std::size_t>(n), args...);
  };
  if (clock) rest(" %02d:%02d", clock / 3600, clock / 60 % 60);
  if (clock % 60) rest(":%02d", clock % 60);
  return text.data();
}

/// The step between the cells of a regular series: a number of seconds, or of calendar months.
struct Frequency {
  Time seconds = 0;   ///< 0 for steps of months
  int months = 0;     ///< 0 for steps of seconds
  unsigned day = 31;  ///< day of the month of monthly cells; months that are shorter use their last

  friend bool operator==(const Frequency&, const Frequency&) = default;

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
    const Time month = month_number(start) + i * frequency.months;
    const Time year = (month >= 0 ? month : month - 11) / 12;
    return time_at(static_cast<int>(year), static_cast<unsigned>(month - 12 * year + 1),
                   std::min(frequency.day, days_in_month(month))) +
           time_of_day(start);
  }

  friend bool operator==(const TimeAxis&, const TimeAxis&) = default;
};

/// Values on a regular grid of times; NaN is a missing one.
struct Series {
  std::string name;
  TimeAxis time;
  std::vector<double> values;

  Index size() const { return static_cast<Index>(values.size()); }
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
