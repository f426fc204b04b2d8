#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/forecast/dynamics/networks.hpp"
#include "foglift/forecast/dynamics/stretches.hpp"
#include "foglift/train/shards.hpp"

namespace foglift::inline v0::forecast {

/// The states between two snapshots of dynamics by a network with dropout, stage 1 of DYffusion
/// (Ruehling Cachay et al. 2023). The network sees both snapshots along the channels, and as its
/// time the share of the way that is left.
template <class Net>
class Interpolator : public DynamicsModel<Net, DynamicsOptions<Net>> {
 public:
  /// Throws ArgumentError for a horizon below 2, and what the network throws.
  Interpolator(const DynamicsOptions<Net>& o, Rng& rng)
      : Interpolator::DynamicsModel(o, 2, 1, rng) {
    o.check("Interpolator", 2);  // to have a state between
  }

  const Net& net() const { return net_; }

  /// The states at levels between (grid::dynamics) of snapshots [B, ..., channels]. Dropout is that
  /// of rng, always.
  template <Value X>
  X operator()(const X& last, const Tensor<float>& first, const Levels& levels,
               const StepRng& rng) const {
    return Beside<Net>{net_, first, dropping(rng)}(last, times_of(levels, first.dim(0)));
  }

  /// The mean square of what it says of a state at a whole step between, even in these for each
  /// example. Throws ArgumentError for stretches that are shorter than the horizon.
  Var<float> loss(Tape<float>& tape, const Stretches& data, const train::Examples& examples,
                  const Rng& rng) const {
    const auto batch = static_cast<Index>(examples.index.size());
    const std::vector<Index> steps =
        drawn_steps(draw_times(Times::stratified, rng.stream(0), batch, examples.draws), 1,
                    options_.horizon - 1);
    const auto levels = levels_of(steps, options_.horizon);
    const Tensor<float> first = data.at(examples.index, 0);
    return mse((*this)(tape.constant(data.at(examples.index, options_.horizon)), first, levels,
                       noise_of(rng, examples)),
               data.at(examples.index, steps));
  }

 private:
  using Interpolator::DynamicsModel::net_, Interpolator::DynamicsModel::options_;
};

}  // namespace foglift::inline v0::forecast
