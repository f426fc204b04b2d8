#pragma once

#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/score/backtest.hpp"

/// Series, of which `past` is all but what is judged.
struct Task {
  std::vector<foglift::forecast::Series> series, past;
  foglift::forecast::FrameOptions frame;
  foglift::forecast::ForecasterOptions training;
  std::vector<foglift::forecast::Origin> origins;
  foglift::Index paths = 100;
};

struct Result {
  foglift::Index weights = 0;
  double training = 0, drawing = 0;  ///< seconds
  foglift::forecast::Score score = {};
};

/// Each is compiled in a file of its own.
Result linear(const Task&);
Result horizon_diffusion(const Task&);
Result csdi(const Task&);
Result time_grad(const Task&);
Result tsdiff(const Task&);
Result time_diff(const Task&);
Result sssd(const Task&);
Result tsflow(const Task&);
Result nsdiff(const Task&);
Result tmdm(const Task&);
Result diffusion_ts(const Task&);
Result mg_tsd(const Task&);
