#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/core/text.hpp"
#include "foglift/data/date.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// Seconds since 1970-01-01 00:00 on the clock of the data, as data::parse_date gives them; no leap
/// seconds.
using Time = std::int64_t;

inline constexpr Time day_seconds = 86'400, week_seconds = 7 * day_seconds;

constexpr Time floor_div(Time a, Time b) { return a / b - (a % b < 0); }
/// Seconds since midnight, in [0, 86400).
constexpr Time time_of_day(Time t) { return t - day_seconds * floor_div(t, day_seconds); }
/// Seconds since Monday 00:00, in [0, 604800).
constexpr Time time_of_week(Time t) { return data::weekday(t) * day_seconds + time_of_day(t); }
/// Months since the year 0.
constexpr Time month_number(Time t) {
  const data::CivilTime date = data::civil_from_seconds(t);
  return Time{12} * date.year + date.month - 1;
}

/// Steps of a week, from `first` to before `end`, counted from Monday 00:00.
struct OpenSteps {
  Time first = 0, end = 0;

  friend bool operator==(const OpenSteps&, const OpenSteps&) = default;
};

/// The stretches of steps that are open, of one flag for each step of a week.
inline std::vector<OpenSteps> open_runs(const std::vector<bool>& open) {
  std::vector<OpenSteps> runs;
  for (std::size_t s = 0; s < open.size(); ++s) {
    const auto step = static_cast<Time>(s);
    if (!open[s]) continue;
    if (!runs.empty() && runs.back().end == step)
      ++runs.back().end;
    else
      runs.push_back({step, step + 1});
  }
  return runs;
}

/// What becomes of a day of the month that is a Saturday or Sunday.
enum class Weekend { stays, before, after };

/// The day of a month that a day of a rule, 1 to 31, falls on.
constexpr int day_of_month(int year, int month, int day, Weekend weekend) {
  day = std::min(day, data::days_in_month(year, month));
  if (weekend == Weekend::stays) return day;
  const int weekday = data::weekday(data::days_from_civil(year, month, day) * day_seconds);
  if (weekday < 5) return day;
  return weekend == Weekend::before ? day - (weekday - 4) : day + (7 - weekday);
}

/// The step between the cells of a regular series: a duration (all of them, or those of open hours
/// alone), or one or more days of every so many calendar months.
struct Frequency {
  Time seconds = 0;  ///< 0 for steps of months
  Time per = 1;      ///< cells in those seconds: {.seconds = 1, .per = 10} is 100 ms
  /// If not empty, the only steps of each week that are cells: those from Monday to Saturday are
  /// {.seconds = 86'400, .open = {{0, 6}}}. Increasing and disjoint.
  std::vector<OpenSteps> open = {};
  int months = 0;  ///< 0 for steps of seconds
  /// Days of the month of monthly cells, increasing; months that are shorter use their last.
  std::vector<int> days = {31};
  Weekend weekend = Weekend::stays;  ///< {.months = 1, .weekend = before}: last business days

  static constexpr Time most_seconds = 10'000'000'000;  ///< of a step: 300 years
  static constexpr Time most_parts = 1'000'000'000;     ///< of `per`, and then of `seconds`

  friend bool operator==(const Frequency&, const Frequency&) = default;

  /// Throws ArgumentError unless a step is a positive number of seconds, or of months.
  void check(const char* where) const {
    if (seconds < 0 || months < 0 || (seconds > 0) == (months > 0) || per < 1)
      raise<ArgumentError>(where, ": a step of ", seconds, " seconds and ", months,
                           " months; one of them must be positive, the other 0");
    if (seconds > most_seconds || per > most_parts || (per > 1 && seconds > most_parts))
      raise<ArgumentError>(where, ": a step of ", seconds, '/', per, " seconds; needed at most ",
                           most_seconds, ", of a fraction at most ", most_parts,
                           " above and below");
    if (months &&
        (days.empty() || days.front() < 1 || days.back() > 31 ||
         std::adjacent_find(days.begin(), days.end(), std::greater_equal<>{}) != days.end()))
      raise<ArgumentError>(where, ": days of the month must increase, from 1 to 31");
    Time last = -1;
    for (const OpenSteps& run : open) {
      if (per != 1 || day_seconds % seconds != 0 || run.first <= last || run.end <= run.first ||
          run.end > week_seconds / seconds)
        raise<ArgumentError>(where, ": open steps ", run.first, " to ", run.end, " of ", seconds,
                             " seconds; they must increase in a week of whole steps");
      last = run.end - 1;
    }
  }

  /// Cells of a week, where some are open.
  Time open_cells() const {
    Time n = 0;
    for (const OpenSteps& run : open) n += run.end - run.first;
    return n;
  }

  /// Cells of each open day, or 0 if days differ in them.
  Time open_cells_of_a_day() const {
    Time cells = 0;
    for (Time day = 0; day < week_seconds; day += day_seconds) {
      Time n = 0;
      for (const OpenSteps& run : open)
        n += std::max<Time>(0, std::min(run.end, (day + day_seconds) / seconds) -
                                   std::max(run.first, day / seconds));
      if (n > 0 && cells > 0 && n != cells) return 0;
      cells = std::max(cells, n);
    }
    return cells;
  }

  /// Seconds of the shortest step.
  double finest() const { return months ? length() : double(seconds) / double(per); }
  /// About how many seconds a step takes on average.
  double length() const {
    if (months) return months * 365.25 / 12 * double(day_seconds) / double(days.size());
    return open.empty() ? finest() : double(week_seconds) / double(open_cells());
  }

  /// In words: "hourly", "every 15 minutes", "half-hourly, Mon-Fri 08:00-18:00", "business-daily",
  /// "monthly on the 30th or last day".
  std::string name() const;

  /// So many cells in words: "48 hours", "2 weeks", "6 open days", "5 business days", "1.5
  /// seconds".
  std::string span(std::int64_t cells) const;
};

namespace detail {
struct UnitName {
  Time size;
  const char *one, *many;
};

/// "daily", "every 3 days".
inline std::string every(Time n, std::initializer_list<UnitName> units) {
  for (const UnitName& u : units)
    if (n == u.size) return u.one;
  for (const UnitName& u : units)
    if (n % u.size == 0) return "every " + std::to_string(n / u.size) + ' ' + u.many;
  return "every " + std::to_string(n);
}

/// Of steps of fractions of a second: "every 100 milliseconds", "every 1/30 second".
inline std::string fraction_name(Time seconds, Time per) {
  if (1'000'000'000 % per != 0)
    return "every " + std::to_string(seconds) + '/' + std::to_string(per) +
           (seconds == 1 ? " second" : " seconds");
  if (seconds > per)
    return "every " + number_text(static_cast<double>(seconds) / static_cast<double>(per)) +
           " seconds";
  return every(seconds * (1'000'000'000 / per), {{1'000'000, "every millisecond", "milliseconds"},
                                                 {1'000, "every microsecond", "microseconds"},
                                                 {1, "every nanosecond", "nanoseconds"}});
}

/// " on the 1st and 15th", " on the 30th or last day", " on the last business day".
inline std::string days_name(const std::vector<int>& days, Weekend weekend) {
  if (days == std::vector{1} && weekend == Weekend::stays) return "";
  const bool first = weekend == Weekend::after && days == std::vector{1};
  const bool last = weekend == Weekend::before && days == std::vector{31};
  if (first || last) return first ? " on the first business day" : " on the last business day";
  std::string out = " on the ";
  for (std::size_t i = 0; i < days.size(); ++i) {
    const int d = days[i], digit = d / 10 == 1 ? 0 : d % 10;
    out += i == 0 ? "" : i + 1 == days.size() ? " and " : ", ";
    if (d == 31)
      out += "last day";
    else
      out += std::to_string(d) + (digit == 1 ? "st" : digit == 2 ? "nd" : digit == 3 ? "rd" : "th");
    if (d == 29 || d == 30) out += " or last day";
  }
  if (weekend == Weekend::stays) return out;
  return out + " or the business day " + (weekend == Weekend::before ? "before" : "after");
}

/// "Mon-Fri 08:00-18:00, Sat 08:00-13:00", "Mon-Sat", "09:00-16:00".
inline std::string open_name(Time seconds, const std::vector<OpenSteps>& open) {
  const auto clock = [](Time s) {
    const auto two = [](Time n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    return two(s / 3600) + ':' + two(s / 60 % 60);
  };
  std::array<std::string, 7> hours;  // of each day; empty if it is closed
  for (Time day = 0; day < 7; ++day)
    for (const OpenSteps& run : open) {
      const Time from = std::max(run.first * seconds - day * day_seconds, Time{0});
      const Time to = std::min(run.end * seconds - day * day_seconds, day_seconds);
      std::string& text = hours[static_cast<std::size_t>(day)];
      if (from < to) text += (text.empty() ? " " : " and ") + clock(from) + '-' + clock(to);
    }
  constexpr std::array<const char*, 7> names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  std::string out;
  for (std::size_t day = 0, end = 0; day < 7; day = end) {
    for (end = day + 1; end < 7 && hours[end] == hours[day];) ++end;
    if (hours[day].empty()) continue;
    if (day == 0 && end == 7) return hours[0].substr(1);
    out += (out.empty() ? "" : ", ") + std::string(names[day]);
    if (end > day + 1) out += (end > day + 2 ? '-' : '+') + std::string(names[end - 1]);
    if (hours[day] != " 00:00-24:00") out += hours[day];
  }
  return out;
}
}  // namespace detail

inline std::string Frequency::name() const {
  if (months)
    return detail::every(
               months,
               {{12, "yearly", "years"}, {3, "quarterly", "quarters"}, {1, "monthly", "months"}}) +
           detail::days_name(days, weekend);
  if (per > 1) return detail::fraction_name(seconds, per);
  const std::string step = seconds == 1800
                               ? "half-hourly"
                               : detail::every(seconds, {{week_seconds, "weekly", "weeks"},
                                                         {day_seconds, "daily", "days"},
                                                         {3600, "hourly", "hours"},
                                                         {60, "minutely", "minutes"},
                                                         {1, "secondly", "seconds"}});
  if (open.empty()) return step;
  if (seconds == day_seconds && open == std::vector<OpenSteps>{{0, 5}}) return "business-daily";
  return step + ", " + detail::open_name(seconds, open);
}

inline std::string Frequency::span(std::int64_t cells) const {
  const auto counted = [](const std::string& n, const std::string& unit) {
    return n + ' ' + unit + (n == "1" ? "" : "s");
  };
  const auto all = static_cast<Time>(days.size());
  if (months && cells % all != 0) return counted(number_text(cells), "date");
  if (months)
    return cells / all * months % 12 == 0 && months % 12 == 0
               ? counted(number_text(cells / all * months / 12), "year")
               : counted(number_text(cells / all * months), "month");
  if (per > 1 && cells * seconds % per != 0)
    return counted(number_text(static_cast<double>(cells * seconds) / static_cast<double>(per), 4),
                   "second");
  const bool weekdays =
      !open.empty() && open.back().end * seconds <= 5 * day_seconds;  // runs increase in a week
  const std::string kind = open.empty() ? "" : weekdays ? "business " : "open ";
  const Time day = seconds < day_seconds && !open.empty() ? open_cells_of_a_day() : 0;
  if (day > 0 && cells % day == 0) return counted(number_text(cells / day), kind + "day");
  const Time total = cells * seconds / per;
  std::string unit = "second";
  Time size = 1;
  for (const auto& [length, word] :
       {std::pair{Time{60}, "minute"}, std::pair{Time{3600}, "hour"}, std::pair{day_seconds, "day"},
        std::pair{week_seconds, "week"}}) {
    const bool several = length <= 3600 ? total >= 2 * length : open.empty() && total >= 3 * length;
    if ((seconds % length == 0 && per == 1) ||
        (length < week_seconds && several && total % length == 0))
      unit = word, size = length;
  }
  // Not "630 minutes", but "10.5 hours".
  if (size == 60 && total >= 2 * 3600 && total % 1800 == 0) unit = "hour", size = 3600;
  return counted(number_text(static_cast<double>(total) / static_cast<double>(size)), kind + unit);
}

}  // namespace foglift::inline v0::forecast
