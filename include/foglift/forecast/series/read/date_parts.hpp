#pragma once

#include "foglift/forecast/series/read/date_source.hpp"
#include "foglift/forecast/series/read/numbers.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace foglift::inline v0::forecast {
namespace detail {

/// Whether one of the words (blanks between them) of a name, in any case, is one of `words`.
inline bool is_named(std::string_view name, std::string_view words) {
  const auto letter = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  };
  for (std::size_t at = 0; at < name.size();) {
    std::size_t end = at;
    while (end < name.size() && letter(name[end])) ++end;
    for (std::size_t w = 0; w < words.size();) {
      const std::size_t stop = std::min(words.find(' ', w), words.size());
      if (end > at && data::same_letters(name.substr(at, end - at), words.substr(w, stop - w)))
        return true;
      w = stop + 1;
    }
    at = end + 1;
  }
  return false;
}

/// A column without its last rows, which may be none.
inline Sheet::Column without_tail(const Sheet& sheet, std::size_t column, std::size_t tail) {
  Sheet::Column cells = sheet.column(column);
  cells.count -= std::min(tail, cells.count / 4);
  return cells;
}

/// What a column says of dates in a role, if all of its cells (but the last few) can have it.
inline std::optional<DatePart> part_of_date(const Sheet& sheet, std::size_t column, DateRole role) {
  const auto cells = sample_of(without_tail(sheet, column, 3), 2000);
  if (cells.empty()) return std::nullopt;
  DatePart out{.column = column, .role = role};
  if (role == DateRole::clock) {
    for (const char* format : {"%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I %p",
                               "%H:%M:%S%z", "%H%M%S", "%H%M"}) {
      out.form = data::StampCells(format);
      if (std::all_of(cells.begin(), cells.end(),
                      [&](std::string_view c) { return out.form(c).has_value(); }))
        return out;
    }
    return std::nullopt;
  }
  int low = 1 << 30, high = -1;
  for (const std::string_view cell : cells) {
    const auto n = whole_number(
        role == DateRole::quarter && (cell[0] == 'Q' || cell[0] == 'q') ? cell.substr(1) : cell);
    if (!n) {
      out.form = data::StampCells("%b");
      const bool names = role == DateRole::month &&
                         std::all_of(cells.begin(), cells.end(),
                                     [&](std::string_view c) { return out.form(c).has_value(); });
      return names ? std::optional(out) : std::nullopt;
    }
    low = std::min(low, *n);
    high = std::max(high, *n);
  }
  const auto within = [&](int from, int to) {
    return low >= from && high <= to ? std::optional(out) : std::nullopt;
  };
  switch (role) {
    case DateRole::year:
      return within(1500, 2200);
    case DateRole::month:
      return within(1, 12);
    case DateRole::quarter:
      return within(1, 4);
    case DateRole::day:
      return within(1, 31);
    case DateRole::minute:
      out.unit = 60;
      return within(0, 59);
    case DateRole::hour:
      out.first = high == 24 ? 1 : 0;
      return within(0, 24);
    default:
      break;
  }
  out.first = low == 0 ? 0 : 1;
  const int n = high + 1 - out.first;
  out.unit = n > 50 ? 900 : n > 25 ? 1800 : 3600;
  return within(0, 100);
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
