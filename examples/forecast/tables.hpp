#pragma once

#include "foglift/data/csv_writer.hpp"
#include "results.hpp"

namespace tool {

namespace data = foglift::data;

/// Rows of windows [W, S, H] of series: series (where there are several), origin and actual (of a
/// backtest), time, and a column for each quantile, or for each path without levels.
data::CsvTable table(const std::vector<forecast::Series>& series,
                     const std::vector<forecast::Origin>& origins, const Tensor<double>& paths,
                     const std::vector<double>& levels, const Tensor<double>* actual);

/// null where a number is undefined.
Json number(double v);

Json json(const std::vector<forecast::Score>& scores);

/// What a backtest says, in report.json.
Json json(const Backtest& b, const Input& in);

Json json(const std::vector<forecast::Guess>& guesses);

}  // namespace tool
