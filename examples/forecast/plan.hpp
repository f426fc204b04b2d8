#pragma once

#include "foglift/forecast/bounds.hpp"
#include "foglift/forecast/series/calendar.hpp"
#include "input.hpp"

namespace tool {

/// How series are split and modelled. Three parts in order: training, validation (chooses the
/// weights), backtest (judges them).
struct Plan {
  std::string method;
  Index horizon = 0, windows = 0, context = 0, steps = 0, samples = 100;
  std::vector<Index> seasons = {};  ///< the main one first; at most two
  forecast::Bounds bounds = {};
  bool mask_outliers = true;
  std::uint64_t seed = 1;
  forecast::Columns columns = {};
  forecast::Calendar calendar = {};

  Index season() const { return seasons.empty() ? 1 : seasons.front(); }
  /// Cells of the backtest; as many before them are for the validation.
  Index held_out() const { return windows * horizon; }
};

/// Chooses what the options leave open, and says so among the guesses. Throws ArgumentError for
/// what can not be forecast.
void choose(Input& in, Options& o);

/// The plan of options that leave nothing open.
Plan make_plan(const Options& o, const forecast::Columns& columns,
               const forecast::Calendar& calendar);

}  // namespace tool
