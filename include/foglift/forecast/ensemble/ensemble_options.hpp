#pragma once

#include "foglift/forecast/bounds.hpp"
#include "foglift/forecast/ensemble/judge.hpp"
#include "foglift/forecast/forecaster.hpp"

namespace foglift::inline v0::forecast {

/// How an Ensemble trains, judges and draws.
struct EnsembleOptions {
  Index windows = 0;  ///< of the backtest, and as many of the validation; 0: see Windows::of
  Index paths = 100;  ///< by which windows are judged
  /// How the method is trained. `validation` is that of the windows; `non_negative` is bounds'.
  ForecasterOptions training = {.patience = 6};
  double refit = 0.3;  ///< steps on all data at last, per step of the training; 0: none
  Bounds bounds = {};
  bool mask_outliers = true;
  bool choose_center = true;  ///< by best_center() on the training cells, else as M's frame has it
  JudgeOptions judge = {};
  bool effects = false;        ///< of covariates known ahead, by drawing without each
  std::string name = "model";  ///< of the method, in the report
};

}  // namespace foglift::inline v0::forecast
