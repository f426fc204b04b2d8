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
  double share;  ///< of a combination before any window was seen, relative to the others
};

// What stands in `baselines`. Those that choose among many models count one; those of one form,
// which fits some series and is far off on others, three tenths (on 63 public series the geometric
// mean CRPS is 1.7 % less so, most of it in series with a trend); and those that repeat the past,
// which a method is there to beat, a tenth.
// clang-format off
#define FOGLIFT_FORECAST_BASELINES                                  \
  {{{"seasonal naive + bootstrap", seasonal_naive_bootstrap, 0.1},  \
    {"random walk + bootstrap", random_walk_bootstrap, 0.1},        \
    {"recent random walk + bootstrap", recent_walk_bootstrap, 0.1}, \
    {"random walk with drift", random_walk_drift, 0.1},             \
    {"climatology", climatology, 0.1},                              \
    {"theta", theta_paths, 0.3},                                    \
    {"exponential smoothing", ets_paths, 1},                        \
    {"ARIMA", arima_paths, 1},                                      \
    {"MSTL + ARIMA", mstl_paths, 1},                                \
    {"autoregression", autoregression_paths, 0.3}}}
// clang-format on

/// All baselines, the seasonal naive first: what a method should be compared with. Programs that
/// link foglift::compiled find them there, and compile none.
#ifdef FOGLIFT_COMPILED
extern const std::array<Baseline, 10> baselines;
#else
inline constexpr std::array<Baseline, 10> baselines = FOGLIFT_FORECAST_BASELINES;
#endif

}  // namespace foglift::inline v0::forecast
