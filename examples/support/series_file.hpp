#pragma once

#include "foglift/core/file.hpp"
#include "foglift/data/csv_reader.hpp"
#include "foglift/forecast/series/regular.hpp"
#include "foglift/forecast/series/season.hpp"
#include "sha256.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

/// A series from a CSV file, and what was found out about it.
struct SeriesFile {
  std::string path, sha256, date, target;
  foglift::Index rows = 0, missing = 0;
  foglift::forecast::Series series;
  std::vector<foglift::Index> seasons;  ///< that the values show, strongest first
  std::vector<std::string> others;      ///< numeric columns that are not the target
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
/// numbers that is worth_forecasting. Throws FormatError for a file that has none of the two, or
/// dates that make no series.
inline SeriesFile read_series(const std::string& path, std::string date, std::string target) {
  namespace data = foglift::data;
  namespace forecast = foglift::forecast;
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  const std::string text = foglift::read_file(path, largest);
  const data::CsvTable table = data::parse_csv(text, {}, path);
  if (date.empty()) {
    const auto dates = table.names(data::ColumnKind::date);
    if (dates.empty())
      foglift::raise<foglift::FormatError>(
          path, ": no column of dates (such as 2012-10-27, 2012-10-27 23:00 or 27.10.2012)");
    date = dates.front();
  }
  SeriesFile file{path, sha256(text), date, target, static_cast<foglift::Index>(table.rows()),
                  0,    {},           {},   {}};
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
