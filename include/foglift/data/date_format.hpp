#pragma once

#include "foglift/core/error.hpp"
#include "foglift/data/date.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace foglift::inline v0::data {

/// A moment as it is written: on the clock of its text.
struct Stamp {
  std::int64_t seconds = 0;   ///< since 1970-01-01 00:00 on that clock
  int nanoseconds = 0;        ///< fraction of the second
  std::optional<int> offset;  ///< seconds that the clock is ahead of UTC, if the text says it

  std::int64_t utc() const { return seconds - offset.value_or(0); }
};

/// Reads text by a format: see parse_stamp.
class StampReader {
 public:
  StampReader(std::string_view text, std::string_view format) : text_(text), format_(format) {}

  std::optional<Stamp> read() {
    for (std::size_t i = 0; i < format_.size(); ++i) {
      const char c = format_[i];
      if (c == ' ') {
        skip_blanks();
      } else if (c != '%') {
        if (!accept(c)) return std::nullopt;
      } else {
        if (++i == format_.size()) raise<ArgumentError>("date format \"", format_, "\" ends in %");
        const bool joined =
            (i >= 3 && format_[i - 3] == '%') || (i + 1 < format_.size() && format_[i + 1] == '%');
        if (!field(format_[i], joined ? 2 : 1)) return std::nullopt;
      }
    }
    if (at_ != text_.size()) return std::nullopt;
    return stamp();
  }

 private:
  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    if (at_ == text_.size() || lower(text_[at_]) != lower(c)) return false;
    ++at_;
    return true;
  }
  bool accept(std::string_view word) {
    if (text_.size() - at_ < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i)
      if (lower(text_[at_ + i]) != word[i]) return false;
    at_ += word.size();
    return true;
  }
  template <class T>
  bool number(std::size_t fewest, std::size_t most, std::uint64_t low, std::uint64_t high,
              T& value) {
    std::uint64_t v = 0;  // holds any 19 digits
    std::size_t n = 0;
    for (; n < most && at_ + n < text_.size() && is_digit(text_[at_ + n]); ++n)
      v = v * 10 + static_cast<std::uint64_t>(text_[at_ + n] - '0');
    if (n < fewest || v < low || v > high) return false;
    at_ += n;
    value = static_cast<T>(v);
    return true;
  }

  bool field(char kind, std::size_t fewest) {
    switch (kind) {
      case 'Y':
        return number(4, 4, 0, 9999, time_.year);
      case 'y':
        if (!number(2, 2, 0, 99, time_.year)) return false;
        time_.year += time_.year < 69 ? 2000 : 1900;  // as POSIX has it
        return true;
      case 'm':
        return number(fewest, 2, 1, 12, time_.month);
      case 'd':
        return number(fewest, 2, 1, 31, time_.day);
      case 'b':
        return month_name();
      case 'q':
        if (!number(1, 1, 1, 4, time_.month)) return false;
        time_.month = 3 * time_.month - 2;
        return true;
      case 'G':
        return number(4, 4, 1, 9999, week_year_);
      case 'V':
        return number(2, 2, 1, 53, week_);
      case 'u':
        return number(1, 1, 1, 7, week_day_);
      case 'H':
        return number(fewest, 2, 0, 24, time_.hour);
      case 'I':
        twelve_ = true;
        return number(fewest, 2, 1, 12, time_.hour);
      case 'p':
        if (!accept('a') && !(afternoon_ = accept('p'))) return false;
        accept('.');
        if (!accept('m')) return false;
        accept('.');
        return true;
      case 'M':
        return number(2, 2, 0, 59, time_.minute);
      case 'S':
        return number(2, 2, 0, 59, time_.second) && fraction();
      case 'z':
        return utc_offset();
      case 's':
        return number(9, 10, 0, INT64_MAX, epoch_) && fraction();
      case 'Q':
        return small_epoch();
      case 'E':
        return serial_day();
      case 'Z':
        return zone();
      case '%':
        return accept('%');
      default:
        raise<ArgumentError>(
            "date format \"", format_, "\": unknown %", std::string_view(&kind, 1),
            "; there are %Y %y %m %d %b %q %G %V %u %H %I %p %M %S %z %Z %s %Q %E");
    }
  }

  /// The longest name of a month that stands here, whole or as it is cut short.
  bool month_name() {
    constexpr std::array<std::string_view, 12> names{
        "jan january januar janvier janv enero ene",
        "feb february februar f\u00E9vrier f\u00E9vr f\u00E9v fevrier febrero",
        "mar march m\u00E4rz m\u00E4r mrz mars marzo",
        "apr april avril avr abril abr",
        "may mai mayo",
        "jun june juni juin junio",
        "jul july juli juillet juil julio",
        "aug august ao\u00FBt aout agosto ago",
        "sep sept september septembre septiembre",
        "oct october oktober okt octobre octubre",
        "nov november novembre noviembre",
        "dec december dezember dez d\u00E9cembre d\u00E9c decembre diciembre dic"};
    const std::size_t first = at_;
    std::size_t longest = first;
    for (std::size_t month = 0; month < names.size(); ++month)
      for (std::string_view rest = names[month]; !rest.empty();) {
        const std::string_view name = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        at_ = first;
        if (accept(name) && at_ > longest) {
          longest = at_;
          time_.month = static_cast<int>(month) + 1;
        }
      }
    at_ = longest;
    if (longest > first) accept('.');
    return longest > first;
  }

  /// Digits since 1970, whose number says the unit: milliseconds, microseconds or nanoseconds.
  bool small_epoch() {
    const std::size_t first = at_;
    if (!number(12, 19, 0, INT64_MAX, epoch_)) return false;
    const std::size_t digits = at_ - first;
    if (digits == 14 || digits == 17) return false;
    const std::int64_t unit = digits < 14 ? 1'000 : digits < 17 ? 1'000'000 : 1'000'000'000;
    out_.nanoseconds = static_cast<int>(epoch_ % unit * (1'000'000'000 / unit));
    epoch_ /= unit;
    return true;
  }

  /// A day of a spreadsheet, 45291.5 for noon of 2023-12-31; to the second.
  bool serial_day() {
    constexpr std::int64_t day = 86'400, new_year_1970 = 25'569;
    if (!number(5, 5, new_year_1970, 99'999, epoch_) || !fraction()) return false;
    const std::int64_t of_day = (out_.nanoseconds * day + 500'000'000) / 1'000'000'000;
    epoch_ = (epoch_ - new_year_1970) * day + of_day;
    out_.nanoseconds = 0;
    return true;
  }

  /// The name of a clock, and how many hours it is ahead of UTC.
  bool zone() {
    struct Zone {
      std::string_view name;
      int hours;
    };
    constexpr std::array<Zone, 16> zones{{{"utc", 0},
                                          {"gmt", 0},
                                          {"bst", 1},
                                          {"cest", 2},
                                          {"cet", 1},
                                          {"mesz", 2},
                                          {"mez", 1},
                                          {"edt", -4},
                                          {"est", -5},
                                          {"cdt", -5},
                                          {"cst", -6},
                                          {"mdt", -6},
                                          {"mst", -7},
                                          {"pdt", -7},
                                          {"pst", -8},
                                          {"jst", 9}}};
    for (const Zone& z : zones)
      if (accept(z.name)) {
        out_.offset = z.hours * 3'600;
        return true;
      }
    return false;
  }

  bool fraction() {
    if (at_ + 1 >= text_.size() || (text_[at_] != '.' && text_[at_] != ',') ||
        !is_digit(text_[at_ + 1]))
      return true;
    ++at_;
    for (int unit = 100'000'000; at_ < text_.size() && is_digit(text_[at_]); ++at_, unit /= 10)
      out_.nanoseconds += unit * (text_[at_] - '0');
    return true;
  }

  bool utc_offset() {
    skip_blanks();
    if (accept('z')) {
      out_.offset = 0;
      return true;
    }
    const bool west = accept('-');
    int hours = 0, minutes = 0;
    if ((!west && !accept('+')) || !number(2, 2, 0, 23, hours)) return false;
    if (accept(':') ? !number(2, 2, 0, 59, minutes)
                    : at_ < text_.size() && is_digit(text_[at_]) && !number(2, 2, 0, 59, minutes))
      return false;
    out_.offset = (west ? -1 : 1) * (hours * 3'600 + minutes * 60);
    return true;
  }

  std::optional<Stamp> stamp() {
    if (epoch_ >= 0) {
      out_.seconds = epoch_;
      return out_;
    }
    if (twelve_) time_.hour = time_.hour % 12 + (afternoon_ ? 12 : 0);
    if (time_.hour == 24 && (time_.minute > 0 || time_.second > 0)) return std::nullopt;
    if (time_.day > days_in_month(time_.year, time_.month)) return std::nullopt;
    out_.seconds = seconds_from_civil(time_);
    if (week_ > 0) {
      // Week 1 is the one with January 4; the week of January 4 of the next year is the next one's.
      const std::int64_t week = 7 * 86'400;
      const auto first = [](int year) {
        const std::int64_t fourth = days_from_civil(year, 1, 4) * 86'400;
        return fourth - weekday(fourth) * std::int64_t{86'400};
      };
      const std::int64_t monday = first(week_year_) + (week_ - 1) * week;
      if (monday >= first(week_year_ + 1)) return std::nullopt;
      out_.seconds = monday + (week_day_ - 1) * std::int64_t{86'400};
    }
    return out_;
  }

  std::string_view text_, format_;
  std::size_t at_ = 0;
  CivilTime time_{};
  Stamp out_{};
  bool twelve_ = false, afternoon_ = false;
  int week_year_ = 1970, week_ = 0, week_day_ = 1;
  std::int64_t epoch_ = -1;
};

/// The moment that text stands for by a format in the manner of strptime, or nothing if it does not
/// fit. %Y year, %y two digits of it (69 to 99 are 19xx), %m month and %d day (one or two digits),
/// %b name of a month in English, German, French or Spanish, whole or as it is cut short there, %q
/// quarter (its first day), %G-W%V-%u year, week and day of ISO 8601 (Monday without %u), %H hour
/// (24:00 is the end of the day), %I hour of 12 with %p AM or PM, %M minute, %S second with a
/// fraction, %z offset from UTC (Z, +HH, +HHMM, +HH:MM), %Z name of a clock (UTC, CET, CEST, EST,
/// ...), %s seconds and %Q milli-, micro- or nanoseconds (by the number of digits) since 1970, %E
/// days since 1899-12-30 as spreadsheets count them, with a fraction (1970 to 2173), %% the sign; a
/// blank stands for any number of blanks; all else for itself in either case. Where fields touch
/// (%Y%m%d), each has all its digits. What the format does not name is that of 1970-01-01 00:00.
/// Throws ArgumentError for an unknown field.
inline std::optional<Stamp> parse_stamp(std::string_view text, std::string_view format) {
  return StampReader(text, format).read();
}

}  // namespace foglift::inline v0::data
