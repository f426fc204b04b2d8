#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::distill {

/// A run of ancestral sampling as what a policy did: its states, and of each step x' = keep x +
/// pull x0 + up z what a gradient of its density needs.
template <Scalar T>
struct PolicyRun {
  struct Step {
    Level level;
    double keep = 0, pull = 0, up = 0;
  };
  std::vector<Tensor<T>> states;  ///< [B, ...], one more than there are steps
  std::vector<Step> steps;

  /// From x [B, ...] at grid.front(); noise is keyed by (rng, sample, step of the grid).
  template <class D>
  PolicyRun(const D& denoise, Tensor<T> x, const TimeGrid& grid, const Rng& rng,
            std::uint64_t first_sample = 0) {
    grid::check(grid);
    states.push_back(std::move(x));
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
      const Level &from = grid[i], &to = grid[i + 1];
      const double q = solver::correlation(from, to), keep = to.sigma * q / from.sigma;
      steps.push_back(
          {from, keep, to.alpha - from.alpha * keep, to.sigma * std::sqrt((1 - q) * (1 + q))});
      const Tensor<T>& now = states.back();
      Tensor<T> next = affine(steps.back().keep, now, steps.back().pull, ask(denoise, now, from));
      if (steps.back().up > 0) {
        const auto z = StepRng(rng, first_sample, static_cast<Index>(i)).normal<T>(now.shape());
        next = affine(1, std::move(next), steps.back().up, z);
      }
      states.push_back(std::move(next));
    }
  }
  const Tensor<T>& end() const { return states.back(); }
};

/// A number whose gradient is that of the mean cost of what a short sampler makes (SFT-PG, Fan &
/// Lee 2023, theorem 4.1): costs [B] of the run's ends, which need no gradient of their own, such
/// as those of a critic of an integral probability metric, minus a baseline;
///   mean over b of -cost_b sum over steps |x' - keep x - pull x0|^2 / (2 up^2).
/// The run is that of the student as it is. A step without noise, the one to clean data, has no
/// density and gets no gradient. Throws ShapeError unless there is a cost for each sample.
///
///   const distill::PolicyRun<float> run(denoise.of(net), noise, grid, rng);
///   const std::vector<double> costs(static_cast<std::size_t>(noise.dim(0)), 1.0);
///   const Var<float> loss = distill::policy_loss(tape, denoise.of(net), run, costs);
template <Scalar T, class D>
Var<T> policy_loss(Tape<T>& tape, const D& student, const PolicyRun<T>& run,
                   std::span<const double> costs) {
  const Index batch = run.end().dim(0);
  if (static_cast<Index>(costs.size()) != batch)
    raise<ShapeError>("policy_loss: ", costs.size(), " costs for a batch of ", batch);
  Var<T> total = tape.constant(Tensor<T>(Shape{}));
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const auto& step = run.steps[i];
    if (step.up == 0) continue;
    const Var<T> x = tape.constant(run.states[i]), next = tape.constant(run.states[i + 1]);
    const Var<T> mean = affine(step.keep, x, step.pull, student(x, Levels(step.level)));
    const double by = -1 / (2 * step.up * step.up * static_cast<double>(batch));
    const Var<T> weighed = scale(square(sub(next, mean)), batch,
                                 [&](Index b) { return by * costs[static_cast<std::size_t>(b)]; });
    total = add(total, sum(weighed));
  }
  return total;
}

}  // namespace foglift::inline v0::distill
