#pragma once

#include "date_column.hpp"
#include "foglift/core/file.hpp"
#include "foglift/forecast/series/regular.hpp"
#include "foglift/forecast/series/season.hpp"
#include "number_columns.hpp"
#include "sha256.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

/// A series from a CSV file, and what was found out about it.
struct SeriesFile {
  std::string path, sha256, date, target;
  std::string date_format = {};         ///< that was asked for
  char decimal = '\0';                  ///< that was asked for
  std::vector<std::string> notes = {};  ///< guesses, why, and the option that overrules each
  foglift::Index rows = 0, missing = 0;
  foglift::forecast::Series series = {};
  std::vector<foglift::Index> seasons = {};  ///< that the values show, strongest first
  std::vector<std::string> others = {};      ///< numeric columns that are not the target
};

/// False for numbers that are all the same or missing, and for those that count the rows.
inline bool worth_forecasting(const std::vector<double>& x) {
  bool counts = true;
  double low = INFINITY, high = -INFINITY;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i > 0) counts = counts && x[i] == x[i - 1] + 1;
    if (!std::isnan(x[i])) low = std::min(low, x[i]), high = std::max(high, x[i]);
  }
  return high > low && !counts;
}

/// Reads a CSV file. Empty names are found out: the first column of dates, and the first column of
/// numbers that is worth_forecasting; so is the form of the dates. Throws FormatError for a file
/// that has none of the two, or dates that make no series.
inline SeriesFile read_series(const std::string& path, std::string date, std::string target,
                              const std::string& date_format, char decimal = '\0') {
  namespace data = foglift::data;
  namespace forecast = foglift::forecast;
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  const std::string text = foglift::read_file(path, largest);
  const data::CsvOptions options{.decimal = decimal == ',' ? ',' : '.', .keep_spellings = true};
  data::CsvTable table = data::parse_csv(text, options, path);
  DateColumn found = dates::find(table, text, options, date, date_format);
  for (std::string& note : spelled_numbers(table, text, decimal))
    found.notes.push_back(std::move(note));
  date = found.name;
  SeriesFile file{.path = path,
                  .sha256 = sha256(text),
                  .date = found.name,
                  .target = target,
                  .date_format = date_format,
                  .decimal = decimal,
                  .notes = found.notes};
  file.rows = static_cast<foglift::Index>(table.rows());
  for (const std::string& name : table.names(data::ColumnKind::number)) {
    if (file.target.empty() && worth_forecasting(table.numbers(name))) file.target = name;
    if (name != file.target) file.others.push_back(name);
  }
  if (file.target.empty())
    foglift::raise<foglift::FormatError>(path, ": no column of numbers that vary, to forecast");
  const data::CsvTable sorted = table.sorted_by(date);
  try {
    file.series =
        forecast::regular_series(sorted.dates(date), sorted.numbers(file.target), file.target);
  } catch (const foglift::ArgumentError& error) {
    foglift::raise<foglift::FormatError>(path, ": column \"", date, "\": ", error.what());
  }
  for (const double v : file.series.values) file.missing += std::isnan(v);
  // The backtest takes at most the last fifth, which nothing may be learned from.
  const auto& values = file.series.values;
  file.seasons = forecast::detect_seasons(
      std::span(values).first(values.size() - values.size() / 5), file.series.time.frequency);
  return file;
}
