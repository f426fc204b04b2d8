#pragma once

#include "foglift/forecast/baselines/arima.hpp"
#include "foglift/forecast/baselines/autoregression.hpp"
#include "foglift/forecast/baselines/climatology.hpp"
#include "foglift/forecast/baselines/drift.hpp"
#include "foglift/forecast/baselines/ets.hpp"
#include "foglift/forecast/baselines/mstl.hpp"
#include "foglift/forecast/baselines/recent_walk.hpp"
#include "foglift/forecast/baselines/theta.hpp"

#include <array>

namespace foglift {
inline namespace v0 {
namespace forecast {

/// A baseline by name: draw(history, options, rng) -> paths [paths, horizon].
struct Baseline {
  const char* name;
  Tensor<double> (*draw)(std::span<const double> history, const BaselineOptions& o, const Rng& rng);
};

/// All baselines, the seasonal naive first: what a method should be compared with.
inline constexpr std::array baselines = {
    Baseline{"seasonal naive + bootstrap", seasonal_naive_bootstrap},
    Baseline{"random walk + bootstrap", random_walk_bootstrap},
    Baseline{"recent random walk + bootstrap", recent_walk_bootstrap},
    Baseline{"random walk with drift", random_walk_drift},
    Baseline{"climatology", climatology},
    Baseline{"theta", theta_paths},
    Baseline{"exponential smoothing", ets_paths},
    Baseline{"ARIMA", arima_paths},
    Baseline{"MSTL + ARIMA", mstl_paths},
    Baseline{"autoregression", autoregression_paths},
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
