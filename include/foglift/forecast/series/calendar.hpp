#pragma once

#include "foglift/forecast/series/time_axis.hpp"

#include <cmath>
#include <span>

namespace foglift::inline v0::forecast {

/// What of the calendar a network is told, as waves: sin and cos of 2 pi k phase for harmonics k =
/// 1...n of the day, the week and the year. Three harmonics of the week tell all seven days apart.
struct Calendar {
  int day = 0, week = 0, year = 0;  ///< harmonics of each cycle

  friend bool operator==(const Calendar&, const Calendar&) = default;

  /// The waves a series of this frequency deserves: cycles that its steps resolve, and the year
  /// only if the series covers `cells` of at least three. In fewer years a day of the year names a
  /// day that was, and a network learns what happened then by heart.
  static Calendar of(const Frequency& f, Index cells) {
    const double step = f.finest();
    const double years = f.length() * static_cast<double>(cells) / (365.25 * day_seconds);
    Calendar c;
    if (step <= day_seconds / 4) c.day = 2;
    if (step <= day_seconds) c.week = 3;
    if (step <= 100 * day_seconds && years >= 3) c.year = 2;
    return c;
  }

  Index channels() const { return 2 * (day + week + year); }

  /// Writes channels() numbers in [-1, 1]: day, then week (from Monday), then year.
  void write(Time t, std::span<float> out) const {
    if (static_cast<Index>(out.size()) != channels())
      raise<ShapeError>("Calendar: room for ", out.size(), " numbers, ", channels(), " are needed");
    const auto clock = static_cast<double>(time_of_day(t)) / day_seconds;
    const int year_now = data::civil_from_seconds(t).year;
    const Time new_year = data::seconds_from_civil({.year = year_now});
    const double days = static_cast<double>(t - new_year) / day_seconds;
    std::size_t at = 0;
    const auto waves = [&](int harmonics, double phase) {
      for (int k = 1; k <= harmonics; ++k) {
        const double angle = 2 * 3.14159265358979323846 * k * phase;
        out[at++] = static_cast<float>(std::sin(angle));
        out[at++] = static_cast<float>(std::cos(angle));
      }
    };
    waves(day, clock);
    waves(week, (data::weekday(t) + clock) / 7);
    waves(year, days / (data::leap_year(year_now) ? 366 : 365));
  }
};

}  // namespace foglift::inline v0::forecast
