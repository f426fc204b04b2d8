#pragma once

#include "input.hpp"
#include "model.hpp"

namespace tool {

/// What comes after the last value of every series.
struct Future {
  std::vector<forecast::Origin> origins;
  Tensor<double> paths;  ///< [series, paths, horizon]
};

/// Forecasts what comes next, with a bar, a few series at a time.
Future forecast_next(const Model& model, const Input& in, const Options& o);

}  // namespace tool
