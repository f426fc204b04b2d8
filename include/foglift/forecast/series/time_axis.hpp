#pragma once

#include "foglift/data/date_format.hpp"
#include "foglift/forecast/series/clock.hpp"
#include "foglift/forecast/series/frequency.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace foglift::inline v0::forecast {

/// How much of a moment is written.
struct StampForm {
  bool clock = false, seconds = false;
  int digits = 0;  ///< behind the second
};

/// "2024-01-31", "2024-01-31 17:30", "2024-01-31 17:30:00.25"; with a T and an offset from UTC
/// where the moment has one: "2024-03-31T03:00:00+02:00".
inline std::string stamp_text(data::Stamp t, const StampForm& form) {
  int unit = 1;
  for (int n = form.digits; n < 9; ++n) unit *= 10;
  t.nanoseconds = (t.nanoseconds + unit / 2) / unit * unit;
  if (t.nanoseconds == 1'000'000'000) t.nanoseconds = 0, ++t.seconds;
  const auto padded = [](int value, std::size_t width) {
    const std::string text = std::to_string(value);
    return std::string(text.size() < width ? width - text.size() : 0, '0') + text;
  };
  const data::CivilTime c = data::civil_from_seconds(t.seconds);
  std::string out = data::format_date(t.seconds - time_of_day(t.seconds));
  if (!t.offset && !form.clock) return out;
  out += (t.offset ? 'T' : ' ') + padded(c.hour, 2) + ':' + padded(c.minute, 2);
  if (t.offset || form.seconds) out += ':' + padded(c.second, 2);
  if (form.digits > 0)
    out += '.' + padded(t.nanoseconds, 9).substr(0, static_cast<std::size_t>(form.digits));
  if (!t.offset) return out;
  const int minutes = std::abs(*t.offset) / 60;
  return out + (*t.offset < 0 ? '-' : '+') + padded(minutes / 60, 2) + ':' +
         padded(minutes % 60, 2);
}

/// The same with as much as the moment has.
inline std::string stamp_text(const data::Stamp& t) {
  StampForm form{.clock = time_of_day(t.seconds) != 0 || t.nanoseconds != 0,
                 .seconds = t.seconds % 60 != 0 || t.nanoseconds != 0};
  for (int unit = 1'000'000'000; t.nanoseconds % unit != 0; unit /= 10) ++form.digits;
  return stamp_text(t, form);
}

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

  /// Whether closed hours lie between cell i and the one before it.
  bool closed_before(Index i) const {
    return !frequency.open.empty() && at(i) - at(i - 1) > frequency.seconds;
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
    const int fraction = digits();
    std::string out = stamp_text(
        stamp(i), {.clock = !whole(day_seconds), .seconds = !whole(60), .digits = fraction});
    const auto utc = [](const UtcOffset& o) { return o.seconds == 0; };
    if (!clock.offsets.empty() && std::all_of(clock.offsets.begin(), clock.offsets.end(), utc))
      out.replace(out.size() - 6, 6, "Z");
    return out;
  }

  friend bool operator==(const TimeAxis&, const TimeAxis&) = default;

 private:
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
    for (; n < 9 && !exact() && !fine(); unit *= 10) ++n;
    if (exact())
      for (; nanoseconds * unit % 1'000'000'000 != 0; unit *= 10) ++n;
    return n;
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

  int day_in(const data::CivilTime& month, int day) const {
    return day_of_month(month.year, month.month, day, frequency.weekend);
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

}  // namespace foglift::inline v0::forecast
