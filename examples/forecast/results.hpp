#pragma once

#include "model.hpp"
#include "scores.hpp"

namespace tool {

/// What the model and the baselines said of the past.
struct Backtest {
  std::vector<forecast::Origin> origins;
  Judged model;
  std::vector<Score> scores;  ///< the model, the seasonal naive, others
};

/// What comes after the last value of every series.
struct Future {
  std::vector<forecast::Origin> origins;
  Tensor<double> paths;  ///< [series, paths, horizon]
};

/// Forecasts what comes next.
Future forecast_next(const Model& model, const Input& in, const Options& o);

/// Forecasts the last windows of every series by the model and the baselines, and judges them.
Backtest backtest(const Model& model, const Input& in, const Plan& plan, const Options& o);

/// The windows of a backtest without forecasts: what came, and the scale of MASE.
Judged windows_of(const Input& in, const std::vector<forecast::Origin>& origins, const Plan& plan);

}  // namespace tool
