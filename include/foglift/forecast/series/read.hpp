#pragma once

#include "foglift/core/file.hpp"
#include "foglift/forecast/series/grid.hpp"
#include "foglift/forecast/series/read/date_column.hpp"
#include "foglift/forecast/series/read/number_columns.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {

namespace detail {
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
}  // namespace detail

/// The panel that CSV-like text holds; errors and guesses name the options of ReadOptions. Throws
/// FormatError, beginning with `source`, for text that has no dates or nothing to forecast.
inline Reading parse_panel(std::string_view text, const ReadOptions& options = {},
                           std::string_view source = "text") {
  Reading r{.source = std::string(source)};
  const data::CsvOptions csv{.delimiter = options.delimiter,
                             .decimal = options.decimal == ',' ? ',' : '.',
                             .keep_spellings = true};
  data::CsvTable table = data::parse_csv(text, csv, source);
  detail::DateColumn found = detail::find_dates(
      table, text, csv, options.date.empty() ? "" : options.date.front(), options.date_format);
  r.date = found.name;
  r.guesses = std::move(found.guesses);
  for (Guess& guess : detail::spelled_numbers(table, text, options.decimal))
    r.guesses.push_back(std::move(guess));
  r.rows = static_cast<Index>(table.rows());
  r.target = options.target;
  for (const std::string& name : table.names(data::ColumnKind::number)) {
    if (r.target.empty() && detail::worth_forecasting(table.numbers(name))) r.target = {name};
    if (r.target.empty() || name != r.target.front()) r.unused.push_back(name);
  }
  if (r.target.empty()) raise<FormatError>(source, ": no column of numbers that vary, to forecast");
  Rows rows{.names = r.target, .columns = {table.numbers(r.target.front())}};
  for (const Time t : table.dates(r.date)) rows.stamps.push_back({t, 0, {}});
  try {
    Grid grid = on_grid(rows);
    r.series.push_back(
        {.name = r.target.front(), .time = grid.time, .values = std::move(grid.columns.front())});
    std::move(grid.guesses.begin(), grid.guesses.end(), std::back_inserter(r.guesses));
  } catch (const ArgumentError& error) {
    raise<FormatError>(source, ": column \"", r.date, "\": ", error.what());
  }
  for (const double v : r.series.front().values) r.missing += std::isnan(v);
  return r;
}

/// parse_panel of a file.
inline Reading read_panel(const std::string& path, const ReadOptions& options = {}) {
  return parse_panel(read_file(path, std::uint64_t{1} << 40), options, path);
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
