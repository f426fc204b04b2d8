#pragma once

#include "input.hpp"

#include <string>
#include <vector>

namespace tool {

/// A forecast file, row by row beside what came.
struct Rows {
  std::vector<double> levels;                ///< ascending; none: columns are paths
  std::vector<std::vector<double>> columns;  ///< one for each level or path
  std::vector<double> actual;                ///< NaN where it is not known
  std::vector<std::string> series;           ///< of each row
  std::vector<double> scale;                 ///< seasonal error of the past of each row's series
  /// First rows of the windows, which are consecutive: of a series from one origin.
  std::vector<std::size_t> windows;
};

/// The rows of a file of forecasts, with what came. Throws FormatError for a file without dates, or
/// columns of quantiles or paths, ArgumentError for a series that the actual file does not have.
Rows read_rows(const std::string& path, const Input& actual, const std::string& time, Index season);

}  // namespace tool
