#pragma once

#include "foglift/core/utf8.hpp"
#include "foglift/data/csv_cell.hpp"
#include "foglift/data/date_format.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace data {

/// How a column writes its dates.
struct DateForm {
  std::string format;  ///< of parse_stamp
  std::string reason;  ///< why this one, where the cells fit another too; else empty
};

namespace detail {
/// The formats that are tried, in order; the first of several that fit wins a tie.
inline std::vector<std::string> date_formats() {
  std::vector<std::string> all;
  for (const char* clock :
       {"", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I %p", "%H:%M:%S%z", "%H:%M%z"})
    for (const char* day :
         {"%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d",  "%Y%m%d",   "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y",
          "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",  "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d-%b-%y",
          "%d %b %Y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%Y %b %d"})
      for (const char* between : {" ", "T", ", "}) {
        if (*clock == '\0' && *between != ' ') continue;
        all.push_back(*clock ? std::string(day) + between + clock : std::string(day));
      }
  for (const char* whole :
       {"%Y-%m",  "%Y/%m",  "%Y%m",   "%m/%Y",  "%m.%Y",  "%b %Y",  "%b-%Y",     "%b, %Y",
        "%b-%y",  "%b %y",  "%Y %b",  "%Y-%b",  "%G-W%V", "%G W%V", "%G-W%V-%u", "%GW%V%u",
        "%Y Q%q", "%Y-Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%Y",     "%s",        "%Q"})
    all.emplace_back(whole);
  return all;
}

/// Present cells of a column read by a format; empty if one does not fit.
inline std::vector<std::int64_t> stamps_of(std::span<const std::string> cells,
                                           std::string_view format) {
  std::vector<std::int64_t> out;
  for (const std::string& cell : cells) {
    if (is_missing(trimmed(cell))) continue;
    const auto stamp = parse_stamp(trimmed(cell), format);
    if (!stamp) return {};
    out.push_back(stamp->utc());
  }
  return out;
}

/// Share of the steps from row to row that are the most frequent one: of months where all stand on
/// one day of the month, else of seconds.
inline double regularity(std::span<const std::int64_t> times) {
  if (times.size() < 2) return 0;
  const int day = civil_from_seconds(times[0]).day;
  const bool months = std::all_of(times.begin(), times.end(),
                                  [&](std::int64_t t) { return civil_from_seconds(t).day == day; });
  const auto place = [&](std::int64_t t) {
    const CivilTime date = civil_from_seconds(t);
    return months ? std::int64_t{12} * date.year + date.month : t;
  };
  std::map<std::int64_t, std::size_t> counts;
  std::size_t most = 0;
  for (std::size_t i = 1; i < times.size(); ++i)
    if (const std::int64_t step = place(times[i]) - place(times[i - 1]); step != 0)
      most = std::max(most, ++counts[step]);
  return static_cast<double>(most) / static_cast<double>(times.size() - 1);
}
}  // namespace detail

/// The form of a column of cells, or nothing if no known form fits all that are not missing. Where
/// day and month can be exchanged, the reading whose rows follow each other more regularly is
/// taken, the month first where both do; the reason says it.
inline std::optional<DateForm> find_date_form(std::span<const std::string> cells) {
  static const std::vector<std::string> formats = detail::date_formats();
  const auto first = std::find_if(cells.begin(), cells.end(),
                                  [](const std::string& c) { return !is_missing(trimmed(c)); });
  if (first == cells.end()) return std::nullopt;
  std::string best, second;
  double best_share = -1, second_share = 0;
  for (const std::string& format : formats) {
    if (!parse_stamp(trimmed(*first), format)) continue;
    const std::vector<std::int64_t> times = detail::stamps_of(cells, format);
    if (times.empty()) continue;
    const double share = detail::regularity(times);
    if (share > best_share) {
      second = std::exchange(best, format);
      second_share = std::exchange(best_share, share);
    } else if (second.empty()) {
      second = format;
      second_share = share;
    }
  }
  if (best.empty()) return std::nullopt;
  DateForm form{best, {}};
  if (!second.empty())
    form.reason = second_share < best_share
                      ? "its rows follow each other more regularly than by " + second
                      : "its rows are as regular by " + second;
  return form;
}

/// Seconds since 1970-01-01 00:00 of a column's cells on the clock they are written in. Throws
/// FormatError with the first cells if one does not fit the format; `where` begins the message.
inline std::vector<Stamp> read_stamps(std::span<const std::string> cells, std::string_view format,
                                      std::string_view where) {
  std::vector<Stamp> out;
  out.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto stamp = parse_stamp(trimmed(cells[i]), format);
    if (!stamp)
      raise<FormatError>(where, ": row ", i + 1, ": \"", utf8::printable(trimmed(cells[i])),
                         "\" is no date of the form ", format);
    out.push_back(*stamp);
  }
  return out;
}

}  // namespace data
}  // namespace v0
}  // namespace foglift
