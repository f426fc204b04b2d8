#pragma once

#include "foglift/data/date_format.hpp"
#include "foglift/forecast/series/guess.hpp"
#include "foglift/forecast/series/regular.hpp"
#include "foglift/forecast/series/time_axis.hpp"

#include <optional>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// Rows as they stand in a file: in any order, times may repeat.
struct Rows {
  std::vector<data::Stamp> stamps = {};
  std::vector<std::string> names = {};  ///< of the columns, for messages
  /// Of as many values as there are stamps; NaN is a missing one.
  std::vector<std::vector<double>> columns = {};
};

/// What one value is made of several by.
enum class Combine { refuse, mean, sum, first, last, min, max };

/// How rows become a regular series. What is empty is found out; behind each the option of the
/// forecast program, which errors and guesses name.
struct GridOptions {
  /// --freq: "1h", "15min", "100ms", "30Hz", "day", "week", "business day", "month", "last business
  /// day", "quarter", "year", a name that Frequency::name() gives, ...
  std::string frequency = {};
  Combine resample = Combine::refuse;    ///< --resample: of the rows from a cell to the next
  Combine duplicates = Combine::refuse;  ///< --duplicates: of rows of the same time
  /// Of other series of the same file: taken where `frequency` is empty and the rows fit it.
  std::optional<Frequency> like = {};
};

/// Rows on a regular grid of times.
struct Grid {
  TimeAxis time = {};
  std::vector<std::vector<double>> columns = {};  ///< of one length; NaN where a value is missing
  std::vector<Guess> guesses = {};

  /// Number of cells.
  Index size() const { return columns.empty() ? 0 : std::ssize(columns.front()); }
};

/// The regular series that rows make, from the first stamp to the last. Throws ArgumentError,
/// naming the stamps and the option that would mend it, if there is none.
inline Grid on_grid(const Rows& rows, const GridOptions& options = {}) {
  static_cast<void>(options);
  Grid grid;
  std::vector<Time> times;
  for (const data::Stamp& s : rows.stamps) times.push_back(s.seconds);
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    Series s = regular_series(times, rows.columns[c], rows.names[c]);
    grid.time = s.time;
    grid.columns.push_back(std::move(s.values));
  }
  return grid;
}

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
