#pragma once

#include "foglift/data/date_form.hpp"
#include "foglift/forecast/series/read/sheet.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// What a column says of the time of its row.
enum class DateRole { stamp, year, month, quarter, day, clock, hour, minute, period };

/// One column of a date: a whole stamp or a time of day by a format, or a number.
struct DatePart {
  std::size_t column = 0;
  DateRole role = DateRole::stamp;
  data::StampCells form{""};  ///< of a stamp, a clock, or the name of a month
  int first = 0;              ///< number of the first hour or period of a day
  Time unit = 3600;           ///< seconds of an hour or period
};

/// The number of a cell, if it is whole.
inline std::optional<int> whole_number(std::string_view cell) {
  const data::NumberCell number = data::parse_number(cell);
  if (!number.ok || number.value != std::floor(number.value) || !(std::abs(number.value) < 1e9))
    return std::nullopt;
  return static_cast<int>(number.value);
}

/// The columns that make the date of a row together.
class DateSource {
 public:
  DateSource() = default;
  explicit DateSource(std::vector<DatePart> parts) : parts_(std::move(parts)) {
    for (const DatePart& p : parts_)
      civil_ = civil_ || (p.role != DateRole::stamp && p.role != DateRole::clock &&
                          p.role != DateRole::hour && p.role != DateRole::minute &&
                          p.role != DateRole::period);
  }

  const std::vector<DatePart>& parts() const { return parts_; }
  bool uses(std::size_t column) const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&](const DatePart& p) { return p.column == column; });
  }
  /// Whether dates are written with points between day and month.
  bool point_dates() const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [](const DatePart& p) { return p.form.format().starts_with("%d.%m."); });
  }
  /// "date + time".
  std::string name(const Sheet& sheet) const {
    std::string out;
    for (const DatePart& p : parts_) out += (out.empty() ? "" : " + ") + sheet.names()[p.column];
    return out;
  }

  /// The time of a row, or nothing.
  std::optional<data::Stamp> read(const Sheet& sheet, std::size_t row) const {
    if (parts_.size() == 1 && parts_[0].role == DateRole::stamp)
      return parts_[0].form(sheet.cell(row, parts_[0].column));
    data::Stamp out;
    data::CivilTime date;
    Time more = 0;
    for (const DatePart& p : parts_) {
      const std::string_view cell = sheet.cell(row, p.column);
      if (p.role == DateRole::stamp || p.role == DateRole::clock) {
        const auto stamp = p.form(cell);
        if (!stamp) return std::nullopt;
        if (p.role == DateRole::stamp)
          out = *stamp, date = civil_ ? data::civil_from_seconds(stamp->seconds) : date;
        else
          more += stamp->seconds, out.nanoseconds += stamp->nanoseconds;
        if (p.role == DateRole::clock && stamp->offset) out.offset = stamp->offset;
        continue;
      }
      if (!add_number(p, cell, date, more)) return std::nullopt;
    }
    if (civil_) {
      if (date.day > data::days_in_month(date.year, date.month)) return std::nullopt;
      out.seconds = data::seconds_from_civil(date);
    }
    out.seconds += more;
    return out;
  }

  /// Appends the times of the rows behind those that are there; returns the first rows (at most
  /// `most`) that have none, where it stops.
  std::vector<std::size_t> read_all(const Sheet& sheet, std::vector<data::Stamp>& times,
                                    std::size_t most) const {
    std::vector<std::size_t> bad;
    const std::size_t rows = sheet.rows();
    times.reserve(rows);
    for (std::size_t row = times.size(); row < rows; ++row) {
      const auto stamp = read(sheet, row);
      if (!stamp) bad.push_back(row);
      if (bad.size() >= most) break;
      times.push_back(stamp.value_or(data::Stamp{}));
    }
    return bad;
  }

 private:
  static bool add_number(const DatePart& p, std::string_view cell, data::CivilTime& date,
                         Time& more) {
    if (p.role == DateRole::month && !p.form.format().empty()) {
      const auto month = p.form(cell);
      if (month) date.month = data::civil_from_seconds(month->seconds).month;
      return month.has_value();
    }
    const auto number = whole_number(p.role == DateRole::quarter && !cell.empty() &&
                                             (cell[0] == 'Q' || cell[0] == 'q')
                                         ? cell.substr(1)
                                         : cell);
    if (!number) return false;
    const int n = *number;
    switch (p.role) {
      case DateRole::year:
        date.year = n;
        return n >= 1 && n <= 9999;
      case DateRole::month:
        date.month = n;
        return n >= 1 && n <= 12;
      case DateRole::quarter:
        date.month = 3 * n - 2;
        return n >= 1 && n <= 4;
      case DateRole::day:
        date.day = n;
        return n >= 1 && n <= 31;
      default:
        more += (n - p.first) * p.unit;
        return n >= p.first;
    }
  }

  std::vector<DatePart> parts_;
  bool civil_ = false;  ///< has parts of a calendar date
};

}  // namespace detail
}  // namespace foglift::inline v0::forecast
