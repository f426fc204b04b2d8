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

namespace foglift::inline v0::data {

/// How a column writes its dates.
struct DateForm {
  std::string format;  ///< of parse_stamp
  std::string reason;  ///< why this one, where the cells fit another too; else empty
};

/// Reads trimmed cells by a format of parse_stamp, as files have them: a time of day that is left
/// out is midnight (R), a whole number may have a point and zeros behind it (pandas), and of a span
/// "from - to" the begin is taken.
class StampCells {
 public:
  explicit StampCells(std::string format) : format_(std::move(format)) {
    for (const char* between : {" ", "T"}) {
      const std::string day = std::string("%Y-%m-%d") + between;
      if (format_ == day + "%H:%M") iso_ = 16;
      if (format_ == day + "%H:%M:%S") iso_ = 19;
    }
    if (format_ == "%Y-%m-%d") iso_ = 10;
    const std::size_t clock = std::min(format_.find("%H"), format_.find("%I"));
    if (clock != std::string::npos && clock > 0 && format_[clock - 1] != 'd')
      day_ = format_.substr(0, clock - 1);
    while (!day_.empty() && (day_.back() == ',' || day_.back() == ' ')) day_.pop_back();
  }

  const std::string& format() const { return format_; }
  /// Whether a cell has a day alone, where the format has a time of day, too.
  bool lacks_clock(std::string_view cell) const {
    return !day_.empty() && parse_stamp(cell, day_).has_value();
  }

  std::optional<Stamp> operator()(std::string_view cell) const {
    if (iso_ > 0 && cell.size() == iso_)
      if (const auto stamp = iso(cell)) return stamp;
    if (const auto stamp = parse_stamp(cell, format_)) return stamp;
    if (!day_.empty())
      if (const auto stamp = parse_stamp(cell, day_)) return stamp;
    if (const std::size_t point = cell.find('.');
        point != cell.npos && point > 0 && cell.find_first_not_of('0', point + 1) == cell.npos)
      if (const auto stamp = parse_stamp(cell.substr(0, point), format_)) return stamp;
    if (const std::size_t dash = cell.find(" - "); dash != cell.npos && dash > 0)
      return parse_stamp(cell.substr(0, dash), format_);
    return std::nullopt;
  }

 private:
  /// YYYY-MM-DD, HH:MM and :SS behind it, with all their digits: a tenth of the time of
  /// parse_stamp.
  std::optional<Stamp> iso(std::string_view cell) const {
    bool digits = true;
    const auto two = [&](std::size_t at) {
      const int high = cell[at] - '0', low = cell[at + 1] - '0';
      digits = digits && high >= 0 && high <= 9 && low >= 0 && low <= 9;
      return 10 * high + low;
    };
    CivilTime t{100 * two(0) + two(2), two(5), two(8)};
    digits = digits && cell[4] == '-' && cell[7] == '-';
    if (iso_ > 10) {
      t.hour = two(11);
      t.minute = two(14);
      digits = digits && cell[10] == format_[8] && cell[13] == ':';
    }
    if (iso_ > 16) {
      t.second = two(17);
      digits = digits && cell[16] == ':';
    }
    if (!digits || t.month < 1 || t.month > 12 || t.day < 1 ||
        t.day > days_in_month(t.year, t.month) || t.hour > 23 || t.minute > 59 || t.second > 59)
      return std::nullopt;  // or of a rarer spelling
    return Stamp{seconds_from_civil(t), 0, {}};
  }

  std::string format_, day_;
  std::size_t iso_ = 0;  ///< characters of a date of ISO 8601; 0: another form
};

namespace detail {
/// The formats that are tried, in order; the first of several that fit wins a tie.
inline std::vector<StampCells> known_date_forms() {
  std::vector<StampCells> all;
  for (const char* clock : {"", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I %p",
                            "%H:%M:%S%z", "%H:%M%z", "%H:%M:%S %Z", "%H:%M %Z"})
    for (const char* day :
         {"%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d",  "%Y%m%d",   "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y",
          "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",  "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d-%b-%y",
          "%d %b %Y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%Y %b %d", "%d. %b %Y"})
      for (const char* between : {" ", "T", ", "}) {
        if (*clock == '\0' && *between != ' ') continue;
        all.emplace_back(*clock ? std::string(day) + between + clock : std::string(day));
      }
  for (const char* whole :
       {"%Y-%m-%d %H", "%Y-%m-%dT%H", "%Y%m%d%H%M%S",   "%Y%m%d%H%M", "%Y%m%d%H", "%Y%m%dT%H%M%S%z",
        "%Y-%m",       "%Y/%m",       "%Y.%m",          "%Y%m",       "%m/%Y",    "%m.%Y",
        "%m-%Y",       "%YM%m",       "%b %Y",          "%b-%Y",      "%b, %Y",   "%b-%y",
        "%b %y",       "%Y %b",       "%Y-%b",          "%b%Y",       "%G-W%V",   "%G W%V",
        "%G-W%V-%u",   "%GW%V%u",     "W%V %G",         "W%V-%G",     "KW%V %G",  "KW %V/%G",
        "KW%V/%G",     "KW %V %G",    "%Y Q%q",         "%Y-Q%q",     "%Y/Q%q",   "Q%q %Y",
        "Q%q-%Y",      "Q%q/%Y",      "Q%q/%y",         "Q%q %y",     "%qQ%Y",    "%qQ%y",
        "T%q %Y",      "%Y-T%q",      "%q. Quartal %Y", "%Y",         "%s",       "%Q",
        "%E"})
    all.emplace_back(whole);
  return all;
}
inline const std::vector<StampCells>& date_formats() {
  static const std::vector<StampCells> all = known_date_forms();
  return all;
}

/// Present cells of a column, all or every `stride`th, read by a format; empty if one does not fit,
/// or none does to the letter.
template <class Cells>
std::vector<std::int64_t> stamps_of(const Cells& cells, const StampCells& read,
                                    std::size_t first = 0, std::size_t last = SIZE_MAX,
                                    std::size_t stride = 1) {
  std::vector<std::int64_t> out;
  bool exactly = false;
  for (std::size_t i = first; i < std::min<std::size_t>(last, cells.size()); i += stride) {
    const std::string_view cell = trimmed(cells[i]);
    if (is_missing(cell)) continue;
    const auto stamp = read(cell);
    if (!stamp) return {};
    exactly = exactly || !read.lacks_clock(cell);
    out.push_back(stamp->utc());
  }
  return exactly ? out : std::vector<std::int64_t>();
}

/// Share of the steps from row to row that are the most frequent one: of months where all stand on
/// one day of the month at one time, else of seconds. 0 for fewer than two rows.
inline double regularity(std::span<const std::int64_t> times) {
  if (times.size() < 2) return 0;
  const int day = civil_from_seconds(times[0]).day;
  const bool months = std::all_of(times.begin(), times.end(), [&](std::int64_t t) {
    return (t - times[0]) % 86'400 == 0 && civil_from_seconds(t).day == day;
  });
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

/// The forms that may be that of a column (a container of texts), the most regular one first: where
/// day and month can be exchanged, the reading whose rows follow each other more regularly comes
/// first, the month first where both do; the reason says it. Looks at the first rows, and at some
/// of all.
template <class Cells>
std::vector<DateForm> date_forms(const Cells& cells) {
  constexpr std::size_t sample = 1024;
  std::size_t first = 0;
  while (first < cells.size() && is_missing(trimmed(cells[first]))) ++first;
  if (first == cells.size()) return {};
  const std::size_t stride = std::max<std::size_t>(1, cells.size() / sample);
  std::vector<std::pair<double, std::string>> fits;
  for (const StampCells& form : detail::date_formats()) {
    if (!form(trimmed(cells[first]))) continue;
    const auto head = detail::stamps_of(cells, form, first, first + sample);
    if (!head.empty() &&
        (stride == 1 || !detail::stamps_of(cells, form, 0, cells.size(), stride).empty()))
      fits.emplace_back(detail::regularity(head), form.format());
  }
  std::stable_sort(fits.begin(), fits.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<DateForm> out;
  for (const auto& [share, format] : fits) out.push_back({format, {}});
  for (std::size_t i = 0; i < out.size() && out.size() > 1; ++i)
    out[i].reason =
        (fits[1].first < fits[0].first ? "its rows follow each other more regularly than by "
                                       : "its rows are as regular by ") +
        fits[i == 0 ? 1 : 0].second;
  return out;
}

/// The first of date_forms that fits all cells that are not missing; nothing if none does.
template <class Cells>
std::optional<DateForm> find_date_form(const Cells& cells) {
  for (DateForm& form : date_forms(cells))
    if (!detail::stamps_of(cells, StampCells(form.format)).empty()) return std::move(form);
  return std::nullopt;
}

/// Seconds since 1970-01-01 00:00 of a column's cells on the clock they are written in. Throws
/// FormatError with the first cells if one does not fit the format; `where` begins the message.
inline std::vector<Stamp> read_stamps(std::span<const std::string> cells, std::string_view format,
                                      std::string_view where) {
  const StampCells read{std::string(format)};
  std::vector<Stamp> out;
  out.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto stamp = read(trimmed(cells[i]));
    if (!stamp)
      raise<FormatError>(where, ": row ", i + 1, ": \"", utf8::printable(trimmed(cells[i])),
                         "\" is no date of the form ", format);
    out.push_back(*stamp);
  }
  return out;
}

}  // namespace foglift::inline v0::data
