#pragma once

#include "foglift/core/error.hpp"
#include "foglift/data/date.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace foglift {
inline namespace v0 {
namespace data {

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
  bool number(std::size_t fewest, std::size_t most, std::int64_t low, std::int64_t high, T& value) {
    std::int64_t v = 0;
    std::size_t n = 0;
    for (; n < most && at_ + n < text_.size() && is_digit(text_[at_ + n]); ++n)
      v = v * 10 + (text_[at_ + n] - '0');
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
        return number(fewest, 2, 0, 23, time_.hour);
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
        if (!number(12, 13, 0, INT64_MAX, epoch_)) return false;
        out_.nanoseconds = static_cast<int>(epoch_ % 1000) * 1'000'000;
        epoch_ /= 1000;
        return true;
      case '%':
        return accept('%');
      default:
        raise<ArgumentError>("date format \"", format_, "\": unknown %", std::string_view(&kind, 1),
                             "; there are %Y %y %m %d %b %q %G %V %u %H %I %p %M %S %z %s %Q");
    }
  }

  bool month_name() {
    constexpr std::array<std::string_view, 12> names{
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!accept(names[i]) && !(i == 8 && accept(std::string_view("sept"))) &&
          !accept(names[i].substr(0, 3)))
        continue;
      time_.month = static_cast<int>(i) + 1;
      accept('.');
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
/// %b English name of a month or its first three letters, %q quarter (its first day), %G-W%V-%u
/// year, week and day of ISO 8601 (Monday without %u), %H hour, %I hour of 12 with %p AM or PM, %M
/// minute, %S second with a fraction, %z offset from UTC (Z, +HH, +HHMM, +HH:MM), %s seconds and %Q
/// milliseconds since 1970, %% the sign; a blank stands for any number of blanks; all else for
/// itself in either case. Where fields touch (%Y%m%d), each has all its digits. What the format
/// does not name is that of 1970-01-01 00:00. Throws ArgumentError for an unknown field.
inline std::optional<Stamp> parse_stamp(std::string_view text, std::string_view format) {
  return StampReader(text, format).read();
}

}  // namespace data
}  // namespace v0
}  // namespace foglift
