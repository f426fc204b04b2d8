#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/forecast/dynamics/networks.hpp"
#include "foglift/forecast/dynamics/stretches.hpp"

#include <utility>

namespace foglift::inline v0::forecast {

/// Each step of a horizon at once from the snapshot before it, by a network that is told the time:
/// the baseline "Dropout" of DYffusion (Ruehling Cachay et al. 2023), whose ensembles are those of
/// Monte-Carlo dropout (Gal & Ghahramani 2016).
template <class Net>
class DirectForecaster : public DynamicsModel<Net, DynamicsOptions<Net>> {
 public:
  /// Throws ArgumentError for a horizon below 1, and what the network throws.
  DirectForecaster(const DynamicsOptions<Net>& o, Rng& rng)
      : DirectForecaster::DynamicsModel(o, 1, 1, rng) {
    o.check("DirectForecaster", 1);
  }

  /// The mean square of the forecast of a step, even in those of the horizon for each example.
  Var<float> loss(Tape<float>& tape, const Stretches& data, const train::Examples& examples,
                  const Rng& rng) const {
    const auto batch = static_cast<Index>(examples.index.size());
    const std::vector<Index> steps = drawn_steps(
        draw_times(Times::stratified, rng.stream(0), batch, examples.draws), 1, options_.horizon);
    const Tensor<float> time = times_of(levels_of(steps, options_.horizon), batch);
    return mse(net_(tape.constant(data.at(examples.index, 0)), time, {},
                    dropping(noise_of(rng, examples))),
               data.at(examples.index, steps));
  }

  /// Forecasts [B, horizon, ..., channels] from snapshots [B, ..., channels], with one mask of
  /// dropout for each sample first_sample + b.
  Tensor<float> draw(const Tensor<float>& first, const Rng& rng,
                     std::uint64_t first_sample = 0) const {
    const PackedWeights packed(net_);
    ForecastCourse out(first.shape(), options_.horizon);
    const StepRng masks(rng, first_sample, 0);
    for (Index i = 1; i <= options_.horizon; ++i) {
      const Level level = grid::dynamic_level(static_cast<double>(i), options_.horizon);
      out.put(i, net_(first, times_of(level, first.dim(0)), {}, dropping(masks)));
    }
    return std::move(out).values();
  }

 private:
  using DirectForecaster::DynamicsModel::net_, DirectForecaster::DynamicsModel::options_;
};

}  // namespace foglift::inline v0::forecast
