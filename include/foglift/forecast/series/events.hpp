#pragma once

#include "foglift/data/date_form.hpp"
#include "foglift/forecast/series/panel.hpp"
#include "foglift/forecast/series/read/date_parts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// Days on which something happens that is known ahead: holidays, promotions, matches. What a list
/// says nothing of, the time before its first day and behind its last one, is not known; a list
/// that reaches December covers the rest of the year.
class Events {
 public:
  struct Day {
    Time start = 0;  ///< midnight of the local clock
    std::string name;
  };

  /// A column for each name that comes at least three times, and one for all others: days that are
  /// too few to learn from apart. Throws ArgumentError, beginning with `source`, without days.
  Events(std::vector<Day> days, std::string source) : days_(std::move(days)), source_(source) {
    if (days_.empty()) raise<ArgumentError>(source_, ": no days");
    std::map<std::string, Index> counts;
    for (Day& day : days_) {
      day.start = floor_div(day.start, day_seconds) * day_seconds;
      first_ = std::min(first_, day.start);
      last_ = std::max(last_, day.start);
      if (!day.name.empty()) ++counts[day.name];
    }
    std::stable_sort(days_.begin(), days_.end(),
                     [](const Day& a, const Day& b) { return a.start < b.start; });
    last_ += day_seconds;
    const data::CivilTime end = data::civil_from_seconds(last_ - 1);
    if (end.month == 12) last_ = data::seconds_from_civil({.year = end.year + 1});
    bool rare = false;
    for (const auto& [name, count] : counts)
      if (count >= least)
        columns_.push_back(name);
      else
        rare = true;
    if (rare) columns_.push_back(other);
  }

  /// Names of the columns; the one of rare events is the last, "other events".
  const std::vector<std::string>& columns() const { return columns_; }
  /// Takes the columns of a list that was used before, for a model that knows those.
  void take_columns(std::vector<std::string> columns) { columns_ = std::move(columns); }

  /// Appends the columns to the covariates of a series that are known ahead: 1 in a cell on a day
  /// of the event (in cells of more than a day: with such a day in them), 0 in others, NaN in cells
  /// before the list. Covers the series and `ahead` cells more. Throws ArgumentError, saying what
  /// is needed, if the list ends before them.
  void add_to(Series& s, Index ahead) const {
    const Index cells = std::max(s.size() + ahead, s.known.empty() ? 0 : s.known.dim(0));
    const Index before = s.known.empty() ? 0 : s.known.dim(1), own = std::ssize(columns_);
    if (const Time need = days_of(s.time, s.size() + ahead - 1).second - day_seconds; need >= last_)
      raise<ArgumentError>(source_, ": days are listed up to ",
                           data::format_date(last_ - day_seconds), ", and ",
                           s.name.empty() ? "the series" : "'" + s.name + "'",
                           " with what is forecast goes on to ", data::format_date(need),
                           "; append what happens until then, or, if nothing does, a row "
                           "with that date and no name");
    Tensor<double> known({cells, before + own}, std::numeric_limits<double>::quiet_NaN());
    for (Index t = 0; t < cells; ++t) {
      for (Index k = 0; k < before && t < s.known.dim(0); ++k) known(t, k) = s.known(t, k);
      const auto [from, to] = days_of(s.time, t);
      if (from < first_ || from >= last_) continue;
      for (Index k = 0; k < own; ++k) known(t, before + k) = 0;
      const auto earlier = [](const Day& day, Time start) { return day.start < start; };
      for (auto day = std::lower_bound(days_.begin(), days_.end(), from, earlier);
           day != days_.end() && day->start < to; ++day)
        if (const Index k = column_of(day->name); k < own && !day->name.empty())
          known(t, before + k) = 1;
    }
    s.known = std::move(known);
  }

 private:
  static constexpr Index least = 3;
  static constexpr const char* other = "other events";

  static Time day_of(Time t) { return floor_div(t, day_seconds) * day_seconds; }
  /// The days [first, second) of a cell: its own, or those until the next one begins; months named
  /// by a day of their second half end on it.
  static std::pair<Time, Time> days_of(const TimeAxis& axis, Index cell) {
    const Frequency& f = axis.frequency;
    const Time day = day_of(axis.at(cell));
    if (f.months && f.days.size() == 1 && f.days[0] > 15)
      return {day_of(axis.at(cell - 1)) + day_seconds, day + day_seconds};
    return {day, f.finest() > static_cast<double>(day_seconds) ? day_of(axis.at(cell + 1))
                                                               : day + day_seconds};
  }
  /// The column of a name, that of all others, or their number if there is neither.
  Index column_of(const std::string& name) const {
    auto at = std::find(columns_.begin(), columns_.end(), name);
    if (at == columns_.end()) at = std::find(columns_.begin(), columns_.end(), other);
    return at - columns_.begin();
  }

  std::vector<Day> days_;
  std::string source_;
  std::vector<std::string> columns_;
  Time first_ = std::numeric_limits<Time>::max(), last_ = std::numeric_limits<Time>::min();
};

/// Events of CSV-like text with a column of dates, one of names, and perhaps one of regions, found
/// by their names (date, name or holiday or event, region or country or state), or by what they
/// hold. With regions, days of `region` are taken, and those of rows without one. Throws
/// FormatError, beginning with `source`, for text without such columns, a date that is none, or a
/// region that is not there or not given where there are several; the message names those there
/// are.
inline Events parse_events(std::string_view text, std::string_view region = {},
                           std::string_view source = "events") {
  const ReadOptions options;
  const detail::Sheet sheet(text, source, options);
  const auto& names = sheet.names();
  const auto named = [&](std::string_view words) {
    std::size_t c = 0;
    while (c < names.size() && !detail::is_named(names[c], words)) ++c;
    return c;
  };
  std::size_t date = named("date dates datum day tag ds fecha");
  std::optional<data::DateForm> form;
  if (date < names.size())
    form = data::find_date_form(sheet.column(date));
  else
    for (date = 0; date < names.size() && !form; date += !form)
      form = data::find_date_form(sheet.column(date));
  if (!form)
    raise<FormatError>(source,
                       ": no column of dates: needed are columns date and name, and region "
                       "where there are several; the first cells are",
                       sheet.first_cells());
  const std::size_t place = named("region country state land bundesland subdivision county code");
  std::size_t name = named("name holiday holidays event events feiertag title label");
  for (std::size_t c = 0; name == names.size() && c < names.size(); ++c)
    if (c != date && c != place) name = c;
  if (name == names.size())
    raise<FormatError>(source, ": no column of names beside the dates in \"", names[date], '"');
  std::vector<std::string> regions;
  for (std::size_t row = 0; row < sheet.rows() && place < names.size(); ++row)
    if (const auto cell = data::trimmed(sheet.cell(row, place)); !data::is_missing(cell))
      if (std::find(regions.begin(), regions.end(), cell) == regions.end())
        regions.emplace_back(cell);
  const auto list = [&] {
    std::string all;
    for (const std::string& r : regions)
      all += (all.empty() ? "'" : ", '") + utf8::printable(r) + '\'';
    return all;
  };
  if (region.empty() && regions.size() > 1)
    raise<FormatError>(source, ": days of several regions, ", list(), "; --region names one");
  if (!region.empty() && std::find(regions.begin(), regions.end(), region) == regions.end())
    raise<FormatError>(source, ": --region '", region, "': ",
                       regions.empty() ? "there is no column of regions" : "there are " + list());
  const data::StampCells read(form->format);
  std::vector<Events::Day> days;
  for (std::size_t row = 0; row < sheet.rows(); ++row) {
    const auto own =
        place < names.size() ? data::trimmed(sheet.cell(row, place)) : std::string_view();
    if (!region.empty() && !data::is_missing(own) && own != region) continue;
    const auto stamp = read(data::trimmed(sheet.cell(row, date)));
    if (!stamp)
      raise<FormatError>(sheet.place(row), ": \"", utf8::printable(sheet.cell(row, date)),
                         "\" is no date, as others are by ", form->format);
    const auto word = data::trimmed(sheet.cell(row, name));
    days.push_back({stamp->seconds, data::is_missing(word) ? "" : std::string(word)});
  }
  return Events(std::move(days), std::string(source));
}

}  // namespace foglift::inline v0::forecast
