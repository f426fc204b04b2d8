#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// A run of `steps` steps whose times are what the states themselves show (San Roman et al. 2021,
/// "Noise estimation for generative diffusion models"): before each step estimate(x) -> Tensor<T>
/// [B], ln(sigma / alpha) of each sample, replaces the level at which the grid would have it, and
/// the rest of its way is laid out anew, in equal steps of time. So errors of a few long steps, or
/// a start at another level than was thought, do not go on. x [B, ...] is a state of the schedule
/// at any level; the solver steps at Levels (Ddim, Ddpm, Euler, Heun). Estimates beyond the ends of
/// the schedule, and above the level of the step before, are taken there. Throws ArgumentError for
/// no steps, ShapeError for another number of estimates than samples, NumericError for one that is
/// no number.
template <Scalar T, class S, class D, class Estimate, NoiseSchedule Schedule>
Tensor<T> sample_reanchored(const S& solver, const D& denoise, const Estimate& estimate,
                            Tensor<T> x, const Schedule& schedule, Index steps, const Rng& rng) {
  if (steps < 1) raise<ArgumentError>("sample_reanchored: ", steps, " steps, needed at least 1");
  if (x.rank() == 0) raise<ShapeError>("sample_reanchored: a state [], needed [B, ...]");
  std::vector<double> most(static_cast<std::size_t>(x.dim(0)), 1.0);  // times of the step before
  for (Index i = 0; i < steps; ++i) {
    const Tensor<T> found = estimate(std::as_const(x));
    if (found.size() != x.dim(0))
      raise<ShapeError>("sample_reanchored: ", found.size(), " estimates for ", x.dim(0),
                        " samples");
    std::vector<Level> from, to;
    for (Index b = 0; b < x.dim(0); ++b) {
      const auto lambda = -static_cast<double>(found[b]);
      if (std::isnan(lambda))
        raise<NumericError>("sample_reanchored: the estimate of sample ", b, " is no number");
      double& t = most[static_cast<std::size_t>(b)];
      t = std::clamp(schedule.time(lambda), 1e-6, std::max(t, 1e-6));
      from.push_back(schedule.at(t));
      const double rest = 1 - 1 / static_cast<double>(steps - i);
      to.push_back(i + 1 < steps ? schedule.at(rest * t) : Level{0, 1, 0});
    }
    x = solver.step(std::move(x), Levels(from), Levels(to), denoise, StepRng(rng, 0, i));
  }
  return x;
}

/// The loss of an estimator for sample_reanchored(): the mean squared error of ln(sigma / alpha),
/// kept within +-10, of what it says [B] of a TrainingBatch's x.
template <Scalar T, Value X>
X noise_estimate_loss(const TrainingBatch<T>& batch, const X& said) {
  Tensor<T> target(Shape{batch.x.dim(0)});
  for (Index b = 0; b < target.size(); ++b)
    target[b] = static_cast<T>(std::clamp(-batch.level(b).lambda(), -10.0, 10.0));
  return mse(said, target);
}

}  // namespace foglift::inline v0
