#pragma once

#include "results.hpp"

namespace tool {

/// Sums over groups of series and over all, forecast by adding the paths of their members.
struct Sums {
  std::vector<forecast::Series> series;
  std::vector<Index> members;  ///< of each sum: how many
  Future future;               ///< empty paths where nothing was forecast
  /// The last windows of each sum that all members have; scores of the whole alone.
  Backtest past;
  std::vector<std::string> notes;  ///< what could not be added up, and why

  bool empty() const { return series.empty(); }
};

/// Sums of what was forecast and judged; any of both may be absent.
Sums sums_of(const Input& in, const Backtest* past, const Future* future, Index season);

/// Scores of sums on the console.
void print(const Sums& sums);

/// The same, in report.json.
Json json(const Sums& sums);

}  // namespace tool
