#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <string>
#include <vector>

/// What a fan chart shows: a forecast of what comes after a series, and above it how forecasts made
/// in the same way did before.
struct FanChart {
  std::string title, unit;
  std::string forecast_line, backtest_line;  ///< what the upper and the lower panel are
  const foglift::forecast::Series* series = nullptr;
  std::vector<foglift::forecast::Origin> origins = {};  ///< of the backtest, oldest first
  foglift::Tensor<double> backtest = {};                ///< [origins, paths, horizon]
  foglift::Tensor<double> future = {};  ///< [1, paths, horizon] from the series' end
};

namespace fan_chart {

/// Of each chart three blocks for gnuplot's `index`: observed values, bands of the backtest, bands
/// of the future.
std::string data(const std::vector<FanChart>& charts);

/// One chart with its backtest below, or the forecasts of several beside each other.
std::string script(const std::vector<FanChart>& charts);

}  // namespace fan_chart
