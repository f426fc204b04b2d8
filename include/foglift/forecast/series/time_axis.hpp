#pragma once

#include "foglift/data/date_format.hpp"
#include "foglift/forecast/series/clock.hpp"
#include "foglift/forecast/series/frequency.hpp"

#include <algorithm>
#include <string>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// The times of a regular series: what becomes of its cells, and of cells before and behind them,
/// in files, pictures and calendars.
struct TimeAxis {
  Time start = 0;  ///< of cell 0: on the local clock, in UTC if clock.steps_in_utc
  Frequency frequency{};
  int nanoseconds = 0;  ///< of cell 0, behind its second
  Clock clock{};

  /// Time of cell i on the local clock, less its fraction of a second; i may lie outside the series
  /// on either side.
  Time at(Index i) const { return stamp(i).seconds; }

  /// Time of cell i on the local clock, with the fraction and the offset from UTC, if it is known.
  data::Stamp stamp(Index i) const {
    data::Stamp t{0, nanoseconds, {}};
    if (frequency.months)
      t.seconds = month_cell(i);
    else if (!frequency.open.empty())
      t.seconds = open_cell(i);
    else
      t = step_cell(i);
    if (clock.offsets.empty()) return t;
    const int offset = clock.offset_at(clock.steps_in_utc ? t.seconds : clock.utc(t.seconds));
    if (clock.steps_in_utc) t.seconds += offset;
    t.offset = offset;
    return t;
  }

  /// The last cell that is at or before a time. Throws ArgumentError for an axis without a
  /// frequency.
  Index cell(const data::Stamp& t) const {
    frequency.check("TimeAxis");
    const Time seconds = clock.steps_in_utc ? t.utc() : t.seconds;
    Index i = frequency.months         ? month_guess(seconds)
              : frequency.open.empty() ? step_guess(seconds, t.nanoseconds)
                                       : open_guess(seconds);
    const auto before = [&](Index k) {
      const data::Stamp at = stamp(k);
      const Time s = clock.steps_in_utc ? at.utc() : at.seconds;
      return s < seconds || (s == seconds && at.nanoseconds <= t.nanoseconds);
    };
    while (!before(i)) --i;
    while (before(i + 1)) ++i;
    return i;
  }

  /// Time of cell i as it is written in files: "2024-01-31", "2024-01-31 17:30", "2024-01-31
  /// 17:30:00.25", "2024-03-31T03:00:00+02:00"; with no more digits than tell the cells of this
  /// axis apart, and the offset of the local clock if it is known.
  std::string text(Index i) const {
    const data::Stamp t = rounded(stamp(i), digits());
    const data::CivilTime c = data::civil_from_seconds(t.seconds);
    std::string out = data::format_date(t.seconds - time_of_day(t.seconds));
    const bool offset = t.offset.has_value();
    if (!offset && whole(day_seconds)) return out;
    out += (offset ? 'T' : ' ') + padded(c.hour, 2) + ':' + padded(c.minute, 2);
    if (offset || !whole(60)) out += ':' + padded(c.second, 2);
    if (digits() > 0) out += '.' + padded(t.nanoseconds, 9).substr(0, std::size_t(digits()));
    return offset ? out + offset_text(*t.offset) : out;
  }

  friend bool operator==(const TimeAxis&, const TimeAxis&) = default;

 private:
  static std::string padded(int value, std::size_t width) {
    const std::string text = std::to_string(value);
    return std::string(text.size() < width ? width - text.size() : 0, '0') + text;
  }
  /// "Z" where the clock is UTC throughout.
  std::string offset_text(int seconds) const {
    if (std::all_of(clock.offsets.begin(), clock.offsets.end(),
                    [](const UtcOffset& o) { return o.seconds == 0; }))
      return "Z";
    const int minutes = std::abs(seconds) / 60;
    return (seconds < 0 ? '-' : '+') + padded(minutes / 60, 2) + ':' + padded(minutes % 60, 2);
  }
  /// Whether all cells stand on multiples of so many seconds.
  bool whole(Time unit) const {
    return nanoseconds == 0 && frequency.per == 1 && start % unit == 0 &&
           (frequency.months || frequency.seconds % unit == 0);
  }
  /// Digits behind the second: as many as say each cell exactly, or to a tenth of a step.
  int digits() const {
    int n = 0;
    Time unit = 1;  // 10^n
    const auto exact = [&] { return frequency.seconds * unit % frequency.per == 0; };
    const auto fine = [&] { return n >= 3 && unit * frequency.seconds >= 10 * frequency.per; };
    if (!frequency.months)
      while (n < 9 && !exact() && !fine()) ++n, unit *= 10;
    for (Time rest = nanoseconds; n < 9 && rest * unit % 1'000'000'000 != 0;) ++n, unit *= 10;
    return n;
  }
  static data::Stamp rounded(data::Stamp t, int digits) {
    int unit = 1;
    for (int n = digits; n < 9; ++n) unit *= 10;
    t.nanoseconds = (t.nanoseconds + unit / 2) / unit * unit;
    if (t.nanoseconds == 1'000'000'000) t.nanoseconds = 0, ++t.seconds;
    return t;
  }

  data::Stamp step_cell(Index i) const {
    const Frequency& f = frequency;
    if (f.per == 1) return {start + i * f.seconds, nanoseconds, {}};
    const Time turns = floor_div(i, f.per), rest = (i - turns * f.per) * f.seconds;
    Time ns = nanoseconds + (2'000'000'000 * (rest % f.per) / f.per + 1) / 2;
    const Time carry = ns >= 1'000'000'000;
    ns -= carry * 1'000'000'000;
    return {start + turns * f.seconds + rest / f.per + carry, static_cast<int>(ns), {}};
  }
  Index step_guess(Time t, int ns) const {
    const Frequency& f = frequency;
    const Time turns = floor_div(t - start, f.seconds), rest = t - start - turns * f.seconds;
    const double part = static_cast<double>(rest) + 1e-9 * (ns - nanoseconds);
    return turns * f.per +
           static_cast<Index>(part * static_cast<double>(f.per) / static_cast<double>(f.seconds));
  }

  /// Day of a month, in it, that a day of the rule falls on.
  int day_in(const data::CivilTime& month, int day) const {
    day = std::min(day, data::days_in_month(month.year, month.month));
    const int weekday = data::weekday(data::seconds_from_civil({month.year, month.month, day}));
    if (weekday < 5 || frequency.weekend == Weekend::stays) return day;
    return frequency.weekend == Weekend::before ? day - (weekday - 4) : day + (7 - weekday);
  }
  static data::CivilTime month_of(Time number) {
    const Time year = floor_div(number, 12);
    return {.year = static_cast<int>(year), .month = static_cast<int>(number - 12 * year) + 1};
  }
  /// Which of the days of its month cell 0 is.
  Index first_day() const {
    const data::CivilTime date = data::civil_from_seconds(start);
    Index first = 0;
    while (first + 1 < std::ssize(frequency.days) &&
           day_in(date, frequency.days[static_cast<std::size_t>(first)]) < date.day)
      ++first;
    return first;
  }
  Time month_cell(Index i) const {
    const Index all = std::ssize(frequency.days), count = first_day() + i;
    const Index period = floor_div(count, all);
    data::CivilTime date = month_of(month_number(start) + period * frequency.months);
    date.day = day_in(date, frequency.days[static_cast<std::size_t>(count - period * all)]);
    return data::seconds_from_civil(date) + time_of_day(start);
  }
  Index month_guess(Time t) const {
    return std::ssize(frequency.days) *
           floor_div(month_number(t) - month_number(start), frequency.months);
  }

  /// Open steps of a week before a step of it.
  Index open_before(Time step) const {
    Index n = 0;
    for (const OpenSteps& run : frequency.open)
      n += std::clamp<Time>(step, run.first, run.end) - run.first;
    return n;
  }
  Time open_cell(Index i) const {
    const Time in_week = time_of_week(start), s = frequency.seconds, all = frequency.open_cells();
    const Index count = open_before(in_week / s) + i, week = floor_div(count, all);
    Index rest = count - week * all;
    std::size_t run = 0;
    for (; rest >= frequency.open[run].end - frequency.open[run].first; ++run)
      rest -= frequency.open[run].end - frequency.open[run].first;
    return start - in_week + week * week_seconds + (frequency.open[run].first + rest) * s +
           in_week % s;
  }
  Index open_guess(Time t) const {
    const Time monday = start - time_of_week(start), s = frequency.seconds;
    const Time week = floor_div(t - monday, week_seconds);
    return week * frequency.open_cells() + open_before((t - monday - week * week_seconds) / s) -
           open_before(time_of_week(start) / s);
  }
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
