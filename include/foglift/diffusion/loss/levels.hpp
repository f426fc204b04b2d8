#pragma once

#include "foglift/diffusion/density/density.hpp"
#include "foglift/diffusion/schedule/schedule.hpp"
#include "foglift/diffusion/times.hpp"

#include <vector>

namespace foglift::inline v0 {

/// How the times of a training step are drawn, as LossOptions says it of the same names.
struct LevelOptions {
  Times times = Times::stratified;
  double t_min = 0, t_max = 1;
  density::Any density = {};
  bool reweight = false;
};

/// Levels of a training step, one a sample, and what `reweight` multiplies their losses by (empty:
/// 1).
struct DrawnLevels {
  std::vector<Level> levels;
  std::vector<double> factors;
};

/// The schedule's levels at the times of a batch, as options (LevelOptions, or LossOptions) say.
/// Throws ArgumentError for times out of order, NumericError for a density that is 0 where it drew.
template <NoiseSchedule S, class Options>
DrawnLevels draw_levels(const S& schedule, Index batch, const Rng& rng, const Draws& draws,
                        const Options& options) {
  if (!(options.t_min >= 0 && options.t_min <= options.t_max && options.t_max <= 1))
    raise<ArgumentError>("TrainingBatch: times from ", options.t_min, " to ", options.t_max,
                         ", needed 0 <= t_min <= t_max <= 1");
  DrawnLevels out;
  const double width = options.t_max - options.t_min;
  const auto drawn = draw_times(options.times, rng.stream(0), batch, draws);
  if (!options.density) {
    for (const double u : drawn) out.levels.push_back(schedule.at(options.t_min + width * u));
    return out;
  }
  const density::Truncated density(options.density, options.t_min, options.t_max);
  for (const double u : drawn) {
    const double t = density.quantile(u);
    out.levels.push_back(schedule.at(t));
    if (!options.reweight) continue;
    const double pdf = density.pdf(t);
    if (!(pdf > 0))
      raise<NumericError>("TrainingBatch: density ", pdf, " at a time drawn from it, ", t);
    out.factors.push_back(1 / (pdf * width));
  }
  return out;
}

}  // namespace foglift::inline v0
