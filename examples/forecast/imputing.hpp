#pragma once

#include "input.hpp"

namespace tool {

/// What was drawn in gaps, of each series: [paths, cells], NaN where nothing was.
using Drawn = std::vector<Tensor<double>>;

struct ImputeRequest {
  const std::vector<forecast::Series>& whole;   ///< to fill
  const std::vector<forecast::Series>& hidden;  ///< to learn from, and to be judged on
  Index season = 1;
  const Options& o;
};

struct Imputed {
  int signal = 0;  ///< that ended the training; then nothing was drawn
  Drawn whole = {}, hidden = {};
};

/// Trains an Imputer on series with cells hidden, and draws the gaps of both.
Imputed impute_by_model(const ImputeRequest& r);

}  // namespace tool
