#pragma once

#include "foglift/data/date_format.hpp"
#include "foglift/forecast/series/guess.hpp"
#include "foglift/forecast/series/time_axis.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::forecast {

/// Rows as they stand in a file: in any order, times may repeat.
struct TimedRows {
  std::vector<data::Stamp> stamps = {};
  std::vector<std::string> names = {};  ///< of the columns, for messages
  /// Of as many values as there are stamps; NaN is a missing one.
  std::vector<std::vector<double>> columns = {};
};

/// What one value is made of several by. Missing ones do not count.
enum class Combine { refuse, mean, sum, first, last, min, max };

inline constexpr std::array<std::string_view, 7> combine_names{"error", "mean", "sum", "first",
                                                               "last",  "min",  "max"};

/// The way to combine of that name. Throws ArgumentError, beginning with the option, if there is
/// none.
inline Combine combine_named(std::string_view name, std::string_view option) {
  for (std::size_t i = 0; i < combine_names.size(); ++i)
    if (name == combine_names[i]) return static_cast<Combine>(i);
  raise<ArgumentError>(option, " '", name, "'; there are error, mean, sum, first, last, min, max");
}

/// How rows become a regular series. What is empty is found out; behind each the option of the
/// forecast program, which errors and guesses name.
struct GridOptions {
  /// --freq: see parse_frequency. Named without open hours, all hours are cells.
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

}  // namespace foglift::inline v0::forecast
