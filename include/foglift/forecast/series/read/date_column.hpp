#pragma once

#include "foglift/core/text.hpp"
#include "foglift/data/csv_reader.hpp"
#include "foglift/data/date_form.hpp"
#include "foglift/forecast/series/read/options.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {
namespace detail {

/// What was made of the dates of a table.
struct DateColumn {
  std::string name;
  std::vector<Guess> guesses;
};

/// The cells of a column as text; none for numbers that are not whole.
inline std::vector<std::string> cells(const data::CsvColumn& column) {
  if (column.kind == data::ColumnKind::text) return column.texts;
  std::vector<std::string> out;
  for (const double x : column.numbers) {
    if (!(std::abs(x) < 1e15) || x != std::floor(x)) return {};
    out.push_back(std::to_string(static_cast<long long>(x)));
  }
  for (const std::int64_t t : column.dates) out.push_back(data::format_date(t));
  return out;
}

/// Numbers are dates only where no two rows have the same and nearly all steps are alike.
inline bool plausible(const data::CsvColumn& column, const std::vector<std::string>& texts,
                      const std::string& format) {
  if (column.kind == data::ColumnKind::text) return true;
  const auto times = data::detail::stamps_of(texts, format);
  const bool unique = std::set<std::int64_t>(times.begin(), times.end()).size() == times.size();
  const bool counts = format == "%Y" && (times.front() < -14'831'769'600 ||  // 1500
                                         times.back() > 7'258'118'400);      // 2200
  return unique && !counts && data::detail::regularity(times) > 0.8;
}

/// Puts the stamps of a form in place of a column: on the clock they are written in, in UTC where
/// that clock shows a time twice.
inline void take(data::CsvTable& table, DateColumn& found, const data::DateForm& form) {
  const auto stamps = data::read_stamps(cells(table.column(found.name)), form.format,
                                        table.source() + ": column \"" + found.name + '"');
  std::set<std::int64_t> local;
  std::set<int> offsets;
  std::vector<std::int64_t> seconds, utc;
  for (const data::Stamp& stamp : stamps) {
    local.insert(stamp.seconds);
    seconds.push_back(stamp.seconds);
    utc.push_back(stamp.utc());
    if (stamp.offset) offsets.insert(*stamp.offset);
  }
  const bool twice = offsets.size() > 1 && local.size() < stamps.size();
  table.set_dates(found.name, twice ? std::move(utc) : std::move(seconds));
  found.guesses.push_back({"dates read by '" + form.format + '\'', form.reason, "--date-format"});
  if (offsets.empty() || (offsets.size() == 1 && *offsets.begin() == 0)) return;
  std::string list;
  for (const int s : offsets)
    list += (list.empty() ? "" : ", ") + number_text(s / 3600.0, 4) + " h";
  found.guesses.push_back({"ahead of UTC by " + list + ": " +
                           (twice ? "times are in UTC, as the local clock shows some twice"
                                  : "times are those of the local clock")});
}

/// Adds the times of day of a text column to dates that repeat.
inline void join_clock(data::CsvTable& table, DateColumn& found) {
  std::vector<std::int64_t> times = table.dates(found.name);
  const bool whole_days =
      std::all_of(times.begin(), times.end(), [](std::int64_t t) { return t % 86'400 == 0; });
  if (!whole_days || std::adjacent_find(times.begin(), times.end()) == times.end()) return;
  for (const std::string& name : table.names(data::ColumnKind::text))
    for (const char* format : {"%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p"}) {
      const auto clock = data::detail::stamps_of(table.texts(name), format);
      if (clock.size() != times.size()) continue;
      for (std::size_t i = 0; i < times.size(); ++i) times[i] += clock[i];
      table.set_dates(found.name, std::move(times));
      found.guesses.push_back({"times of day from '" + name + "', as the dates repeat"});
      return;
    }
}

/// The first cells of each column, for the message of a refusal.
inline std::string first_cells(const data::CsvTable& table) {
  std::string out;
  for (const data::CsvColumn& column : table.columns()) {
    out += "\n  \"" + utf8::printable(column.name) + "\":";
    for (std::size_t i = 0; i < std::min<std::size_t>(3, table.rows()); ++i) {
      const std::string cell =
          column.kind == data::ColumnKind::number ? number_text(column.numbers[i])
          : column.kind == data::ColumnKind::date ? data::format_date(column.dates[i])
                                                  : utf8::printable(column.texts[i]);
      out += (i ? ", " : " ") + cell;
    }
  }
  return out;
}

/// Whether the first cell of a column ends in an offset from UTC, of which a table keeps nothing.
inline bool has_offset(std::string_view text, const data::CsvTable& table,
                       const std::string& name) {
  data::CsvTokens tokens(text, data::sniff_delimiter(text), table.source());
  std::vector<data::CsvField> record;
  const auto column = static_cast<std::size_t>(&table.column(name) - table.columns().data());
  for (int i = 0; i < 2 && tokens.next(record); ++i) {
    if (column >= record.size()) continue;
    const std::string_view cell = data::trimmed(record[column].text);
    if (cell.size() > 16 && cell.find_first_of("+-", 16) != std::string_view::npos) return true;
  }
  return false;
}

/// Refuses a table whose rows are years and whose columns are their months: read as one value a
/// year, it would be another series. Throws FormatError.
inline void refuse_months_across(const data::CsvTable& table, const data::DateForm& form) {
  std::size_t months = 0;
  for (const data::CsvColumn& column : table.columns())
    if (data::parse_stamp("1 " + column.name + " 2000", "%d %b %Y")) ++months;
  if (form.format == "%Y" && months >= 12)
    raise<FormatError>(
        table.source(), ": rows are years and ", months,
        " columns are named as months; needed one row for each month, with a date like 2000-01");
}

/// Finds the dates of a table that was parsed from text: the column of that name, or the first one
/// that can be read as dates, by a format or by one that is found out. Throws FormatError with the
/// first cells of each column if there is none.
inline DateColumn find_dates(data::CsvTable& table, std::string_view text, data::CsvOptions options,
                             const std::string& name, const std::string& format) {
  const auto as_text = [&](const std::string& column) {
    options.kinds = {{column, data::ColumnKind::text}};
    table = data::parse_csv(text, options, std::string(table.source()));
  };
  const auto plain = table.names(data::ColumnKind::date);
  DateColumn found{name, {}};
  if (found.name.empty() && !plain.empty()) found.name = plain.front();
  if (!format.empty() && !found.name.empty()) as_text(found.name);
  if (format.empty() && !found.name.empty() &&
      table.column(found.name).kind == data::ColumnKind::date) {
    if (has_offset(text, table, found.name)) {
      const data::CsvTable utc = table;
      as_text(found.name);
      if (const auto form = data::find_date_form(table.texts(found.name)))
        take(table, found, *form);
      else
        table = utc;
    }
    join_clock(table, found);
    return found;
  }
  for (const auto kind : {data::ColumnKind::text, data::ColumnKind::number})
    for (const std::string& column : table.names(kind)) {
      if (!found.name.empty() && column != found.name) continue;
      const auto texts = cells(table.column(column));
      const bool fits =
          !format.empty() && !texts.empty() && data::parse_stamp(data::trimmed(texts[0]), format);
      const auto form = format.empty() ? data::find_date_form(texts)
                        : fits         ? std::optional(data::DateForm{format, {}})
                                       : std::nullopt;
      if (!form || (format.empty() && !plausible(table.column(column), texts, form->format)))
        continue;
      refuse_months_across(table, *form);
      found.name = column;
      take(table, found, *form);
      join_clock(table, found);
      return found;
    }
  raise<FormatError>(table.source(), ": no column of dates",
                     format.empty() ? "" : " of the form " + format, "; its columns begin",
                     first_cells(table), "\ngive their form, like --date-format '%d.%m.%Y %H:%M'");
}

}  // namespace detail
}  // namespace forecast
}  // namespace v0
}  // namespace foglift
