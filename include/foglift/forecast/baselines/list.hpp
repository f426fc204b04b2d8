#pragma once

#include "foglift/forecast/baselines.hpp"

#ifndef FOGLIFT_COMPILED
#include "foglift/forecast/baselines/arima.hpp"
#include "foglift/forecast/baselines/autoregression.hpp"
#include "foglift/forecast/baselines/climatology.hpp"
#include "foglift/forecast/baselines/drift.hpp"
#include "foglift/forecast/baselines/ets.hpp"
#include "foglift/forecast/baselines/mstl.hpp"
#include "foglift/forecast/baselines/recent_walk.hpp"
#include "foglift/forecast/baselines/theta.hpp"
#endif

#include <array>

namespace foglift::inline v0::forecast {

/// A baseline by name: draw(history, options, rng) -> paths [paths, horizon].
struct Baseline {
  const char* name;
  Tensor<double> (*draw)(std::span<const double> history, const BaselineOptions& o, const Rng& rng);
};

// What stands in `baselines`.
// clang-format off
#define FOGLIFT_FORECAST_BASELINES                             \
  {{{"seasonal naive + bootstrap", seasonal_naive_bootstrap},  \
    {"random walk + bootstrap", random_walk_bootstrap},        \
    {"recent random walk + bootstrap", recent_walk_bootstrap}, \
    {"random walk with drift", random_walk_drift},             \
    {"climatology", climatology},                              \
    {"theta", theta_paths},                                    \
    {"exponential smoothing", ets_paths},                      \
    {"ARIMA", arima_paths},                                    \
    {"MSTL + ARIMA", mstl_paths},                              \
    {"autoregression", autoregression_paths}}}
// clang-format on

/// All baselines, the seasonal naive first: what a method should be compared with. Programs that
/// link foglift::compiled find them there, and compile none.
#ifdef FOGLIFT_COMPILED
extern const std::array<Baseline, 10> baselines;
#else
inline constexpr std::array<Baseline, 10> baselines = FOGLIFT_FORECAST_BASELINES;
#endif

}  // namespace foglift::inline v0::forecast
