#pragma once

#include "foglift/version.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foglift::inline v0::data {

/// A moment in the proleptic Gregorian calendar, UTC.
struct CivilTime {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from March
/// in eras of 400 (146097 days), so that the leap day comes last (Hinnant 2013,
/// "chrono-Compatible Low-Level Date Algorithms").
constexpr std::int64_t days_from_civil(int year, int month, int day) {
  const std::int64_t y = std::int64_t{year} - (month <= 2);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

constexpr bool leap_year(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/// Days of a month, 1 to 12.
constexpr int days_in_month(int year, int month) {
  if (month == 2) return leap_year(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Seconds from 1970-01-01 00:00:00 UTC.
constexpr std::int64_t seconds_from_civil(const CivilTime& t) {
  return days_from_civil(t.year, t.month, t.day) * 86'400 + t.hour * 3'600 + t.minute * 60 +
         t.second;
}

/// The inverse of seconds_from_civil.
constexpr CivilTime civil_from_seconds(std::int64_t seconds) {
  std::int64_t days = seconds / 86'400;
  std::int64_t rest = seconds % 86'400;
  if (rest < 0) {
    rest += 86'400;
    --days;
  }
  const std::int64_t z = days + 719'468;
  const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const std::int64_t doe = z - era * 146'097;                                         // of era
  const std::int64_t yoe = (doe - doe / 1'460 + doe / 36'524 - doe / 146'096) / 365;  // of era
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);                   // of year
  const std::int64_t mp = (5 * doy + 2) / 153;                                        // 0 = March
  CivilTime t;
  t.day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  t.month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  t.year = static_cast<int>(yoe + era * 400 + (t.month <= 2));
  t.hour = static_cast<int>(rest / 3'600);
  t.minute = static_cast<int>(rest / 60 % 60);
  t.second = static_cast<int>(rest % 60);
  return t;
}

/// Day of the week of a moment: 0 = Monday to 6 = Sunday. 1970-01-01 was a Thursday.
constexpr int weekday(std::int64_t seconds) {
  const std::int64_t days = (seconds - ((seconds % 86'400 + 86'400) % 86'400)) / 86'400;
  return static_cast<int>(((days + 3) % 7 + 7) % 7);
}

/// Reads the pieces of a date from the left.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  bool accept(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// A number of exactly `count` digits between low and high; false, without moving, otherwise.
  bool digits(std::size_t count, int low, int high, int& value) {
    if (text_.size() - at_ < count) return false;
    int v = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = text_[at_ + i];
      if (c < '0' || c > '9') return false;
      v = v * 10 + (c - '0');
    }
    if (v < low || v > high) return false;
    at_ += count;
    value = v;
    return true;
  }
  /// One digit at least; their value is dropped.
  bool skip_digits() {
    const std::size_t first = at_;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > first;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Seconds since 1970-01-01 00:00:00 UTC of a date, or nothing if the text is none:
/// YYYY-MM-DD, YYYY/MM/DD, DD.MM.YYYY or YYYY-MM (its first day), then perhaps HH:MM[:SS[.f]]
/// behind a T or a blank, then perhaps Z, +HH, +HHMM or +HH:MM (ISO 8601). Without an offset the
/// time is taken as UTC; fractions of a second are dropped; a leap second is no date.
inline std::optional<std::int64_t> parse_date(std::string_view text) {
  DateScanner scan(text);
  CivilTime t;
  if (scan.digits(4, 0, 9999, t.year)) {
    const char separator = scan.accept('-') ? '-' : '/';
    if (separator == '/' && !scan.accept('/')) return std::nullopt;
    if (!scan.digits(2, 1, 12, t.month)) return std::nullopt;
    if (separator == '-' && scan.done()) return seconds_from_civil(t);
    if (!scan.accept(separator) || !scan.digits(2, 1, 31, t.day)) return std::nullopt;
  } else if (!scan.digits(2, 1, 31, t.day) || !scan.accept('.') ||
             !scan.digits(2, 1, 12, t.month) || !scan.accept('.') ||
             !scan.digits(4, 0, 9999, t.year)) {
    return std::nullopt;
  }
  if (t.day > days_in_month(t.year, t.month)) return std::nullopt;
  if (scan.done()) return seconds_from_civil(t);

  if (!scan.accept('T') && !scan.accept(' ')) return std::nullopt;
  if (!scan.digits(2, 0, 23, t.hour) || !scan.accept(':') || !scan.digits(2, 0, 59, t.minute))
    return std::nullopt;
  if (scan.accept(':')) {
    if (!scan.digits(2, 0, 59, t.second)) return std::nullopt;
    if (scan.accept('.') && !scan.skip_digits()) return std::nullopt;
  }
  std::int64_t seconds = seconds_from_civil(t);
  if (scan.done()) return seconds;

  if (scan.accept('Z')) return scan.done() ? std::optional(seconds) : std::nullopt;
  const bool west = scan.accept('-');
  if (!west && !scan.accept('+')) return std::nullopt;
  int hours = 0, minutes = 0;
  if (!scan.digits(2, 0, 23, hours)) return std::nullopt;
  if (!scan.done()) {
    scan.accept(':');
    if (!scan.digits(2, 0, 59, minutes) || !scan.done()) return std::nullopt;
  }
  seconds -= (west ? -1 : 1) * (hours * 3'600 + minutes * 60);
  return seconds;
}

/// "YYYY-MM-DD", with " HH:MM:SS" behind it if `with_time` is set or it is not midnight. For years
/// 0 to 9999, which parse_date reads back.
inline std::string format_date(std::int64_t seconds, bool with_time = false) {
  const CivilTime t = civil_from_seconds(seconds);
  const auto padded = [](int value, std::size_t width) {
    const std::string digits = std::to_string(value);
    return std::string(digits.size() < width ? width - digits.size() : 0, '0') + digits;
  };
  std::string out = padded(t.year, 4) + '-' + padded(t.month, 2) + '-' + padded(t.day, 2);
  if (with_time || t.hour != 0 || t.minute != 0 || t.second != 0)
    out += ' ' + padded(t.hour, 2) + ':' + padded(t.minute, 2) + ':' + padded(t.second, 2);
  return out;
}

}  // namespace foglift::inline v0::data
