#pragma once

#include "foglift/forecast/series/read/dates.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

/// Columns that are named as times: months or quarters of the year of their row, years of its
/// month, days of its month, hours of its day, or times of their own.
struct Across {
  enum class Kind { months, quarters, years, days, hours, times };
  Kind kind = Kind::times;
  std::vector<std::size_t> columns = {};
  std::vector<Time> values = {};  ///< months from 0, days from 0, seconds of the day, or times
  std::string format = {};        ///< of names that are times

  /// The time of a column in a row of that time; nothing for day 31 of shorter months.
  std::optional<Time> at(Time row, std::size_t part) const {
    data::CivilTime date = data::civil_from_seconds(row);
    switch (kind) {
      case Kind::times:
        return values[part];
      case Kind::years:
        date.year = data::civil_from_seconds(values[part]).year;
        return data::seconds_from_civil(date);
      case Kind::hours:
        return row + values[part];
      case Kind::days:
        date.day = static_cast<int>(values[part]) + 1;
        if (date.day > data::days_in_month(date.year, date.month)) return std::nullopt;
        return data::seconds_from_civil(date);
      default:
        date.month = static_cast<int>(values[part]) + 1;
        return data::seconds_from_civil(date);
    }
  }

  const char* name() const {
    constexpr std::array<const char*, 6> names{"months", "quarters", "years",
                                               "days",   "hours",    "times"};
    return names[static_cast<std::size_t>(kind)];
  }
};

/// The number behind letters: "H7", "HE 07", "day_3", "3".
inline std::optional<int> counted_name(std::string_view name, std::string_view letters) {
  const std::size_t digit = std::min(name.find_first_of("0123456789"), name.size());
  std::string_view front = name.substr(0, digit);
  while (!front.empty() && (front.back() == ' ' || front.back() == '_' || front.back() == '-'))
    front.remove_suffix(1);
  if (!front.empty() && !(front.size() < 9 && is_named(front, letters))) return std::nullopt;
  return whole_number(name.substr(digit));
}

/// The columns of a sheet that are named as times; nothing if there are too few of them.
inline std::optional<Across> find_across(const Sheet& sheet) {
  const auto collect = [&](Across::Kind kind, std::size_t fewest,
                           const auto& value) -> std::optional<Across> {
    Across out{.kind = kind};
    for (std::size_t c = 0; c < sheet.names().size(); ++c)
      if (const auto v = value(sheet.names()[c]); v && !sheet.ignored(c)) {
        out.columns.push_back(c);
        out.values.push_back(*v);
      }
    const bool up = std::is_sorted(out.values.begin(), out.values.end(), std::less_equal<>());
    if (out.columns.size() < fewest || !up) return std::nullopt;
    return out;
  };
  using Value = std::optional<Time>;
  const auto month = [](const std::string& name) -> Value {
    const auto stamp = data::parse_stamp(name, "%b");
    return stamp ? Value(month_number(stamp->seconds) % 12) : std::nullopt;
  };
  const auto quarter = [](const std::string& name) -> Value {
    for (const char* format : {"Q%q", "T%q", "%q. Quartal", "Quarter %q", "Qtr%q", "Qtr %q"})
      if (const auto stamp = data::parse_stamp(name, format))
        return month_number(stamp->seconds) % 12;
    return std::nullopt;
  };
  const auto clock = [](const std::string& name) -> Value {
    for (const char* format : {"%H:%M", "%H:%M:%S", "%I %p", "%I:%M %p"})
      if (const auto stamp = data::parse_stamp(name, format)) return stamp->seconds;
    return std::nullopt;
  };
  if (auto found = collect(Across::Kind::months, 10, month)) return found;
  if (auto found = collect(Across::Kind::quarters, 4, quarter)) return found;
  if (auto found = collect(Across::Kind::hours, 12, clock)) return found;
  const auto counted = [&](Across::Kind kind, std::size_t fewest, int most,
                           std::string_view letters, Time unit) {
    int first = 1 << 20;
    const auto value = [&](const std::string& name) -> Value {
      const auto n = counted_name(name, letters);
      if (!n || *n < 0 || *n > most) return std::nullopt;
      first = std::min(first, *n);
      return *n * unit;
    };
    auto found = collect(kind, fewest, value);
    if (found &&
        found->values.back() - found->values.front() != unit * (std::ssize(found->values) - 1))
      found.reset();
    if (found && (first > 1 || std::ssize(found->columns) > most)) found.reset();
    if (found && (kind != Across::Kind::hours || first == 1))
      for (Time& v : found->values) v -= unit;
    return found;
  };
  if (auto found = counted(Across::Kind::days, 28, 31, "d day tag jour dia", 1)) return found;
  if (auto found = counted(Across::Kind::hours, 24, 24, "h he hour hr stunde hora heure hh", 3600))
    return found;
  if (auto found = counted(Across::Kind::months, 12, 12, "m month mon monat mois mes", 1))
    return found;
  // Names that are times by one form, in order: years, months, days.
  for (const data::StampCells& form : data::detail::date_formats()) {
    const std::string& format = form.format();
    if (format == "%s" || format == "%Q") continue;
    const auto whole = [&](const std::string& name) -> Value {
      const auto stamp = data::parse_stamp(name, format);
      if (!stamp || stamp->seconds < -14'831'769'600 || stamp->seconds > 7'258'118'400)
        return std::nullopt;
      return stamp->seconds;
    };
    if (auto found = collect(Across::Kind::times, 5, whole)) {
      found->format = format;
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
