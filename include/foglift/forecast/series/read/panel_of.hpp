#pragma once

#include "foglift/forecast/series/read/across.hpp"
#include "foglift/forecast/series/read/build.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast::detail {

struct Dated {
  DateSource source = {};
  std::vector<data::Stamp> times = {};  ///< of each row
};

/// The dates of a sheet whose rows have one each.
inline Dated dates_of_rows(Sheet& sheet, DateFinder& finder) {
  sheet.add_future();
  if (!finder.source.read_all(sheet, finder.times, 1).empty()) finder.refuse_rows(finder.source);
  return {std::move(finder.source), std::move(finder.times)};
}

/// Whether the times of rows leave to columns what these are named as.
inline bool leaves_to(const std::vector<data::Stamp>& times, Across::Kind kind) {
  return std::all_of(times.begin(), times.end(), [&](const data::Stamp& t) {
    const data::CivilTime date = data::civil_from_seconds(t.seconds);
    const bool midnight = time_of_day(t.seconds) == 0;
    if (kind == Across::Kind::hours) return midnight;
    return midnight && date.day == 1 && (kind == Across::Kind::days || date.month == 1);
  });
}

/// Finds the dates of the rows. Where columns are named as times, makes rows of them.
inline Dated find_dates(Sheet& sheet) {
  std::optional<Across> across = find_across(sheet);
  DateFinder finder(sheet, across ? across->columns : std::vector<std::size_t>());
  Dated out;
  if (!across) {
    finder.find();
    return dates_of_rows(sheet, finder);
  }
  if (across->kind == Across::Kind::times) {
    const auto month = across->format == "%Y" ? finder.month_column() : std::nullopt;
    if (month) {
      across->kind = Across::Kind::years;
      finder.source = DateSource({*month});
    } else if (finder.find_if_any()) {
      return dates_of_rows(sheet, finder);  // names that look like years
    }
  } else {
    finder.find();
    if (!leaves_to(finder.times, across->kind)) {
      DateFinder all(sheet);
      all.find();
      return dates_of_rows(sheet, all);
    }
  }
  out = dates_of_rows(sheet, finder);
  const std::size_t records = sheet.rows(), parts = across->columns.size();
  out.times.resize(records);
  std::vector<data::Stamp> times;
  std::vector<std::size_t> rows;
  for (std::size_t record = 0; record < records; ++record)
    for (std::size_t p = 0; p < parts; ++p)
      if (const auto time = across->at(out.times[record].seconds, p)) {
        data::Stamp stamp = out.times[record];
        stamp.seconds = *time;
        times.push_back(stamp);
        rows.push_back(record * parts + p);
      }
  sheet.say(std::to_string(parts) + " columns made rows: '" +
                sheet.names()[across->columns.front()] + "' to '" +
                sheet.names()[across->columns.back()] + '\'',
            std::string("they are named as ") + across->name(), "--ignore");
  sheet.unfold(across->columns);
  if (rows.size() < records * parts) sheet.keep(std::move(rows));
  out.times = std::move(times);
  return out;
}
/// See forecast::parse_panel.
inline Reading panel_of(std::string_view text, const ReadOptions& options,
                        std::string_view source) {
  Sheet sheet(text, source, options);
  Dated dates = find_dates(sheet);
  Reading r{.source = std::string(source), .date = dates.source.name(sheet)};
  r.rows = static_cast<Index>(sheet.rows());
  Numbers numbers(sheet);
  numbers.agree(dates.source.point_dates());
  Items items = ItemFinder(sheet, numbers, dates.source, dates.times).find();
  RoleFinder finder(sheet, numbers, dates.source, items, dates.times);
  Roles roles = finder.find();
  SeriesBuilder(sheet, numbers, std::move(roles), items, dates.times).build(finder, r);
  r.guesses = std::move(sheet.guesses());
  return r;
}

}  // namespace foglift::inline v0::forecast::detail
