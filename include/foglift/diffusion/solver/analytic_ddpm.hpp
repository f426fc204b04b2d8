#pragma once

#include "foglift/diffusion/solver/parts/denoising_errors.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

/// Ancestral or implicit sampling with the variance that is best for a denoiser (Bao et al. 2022,
/// "Analytic-DPM", eq. 6): that of Ddim's step with its eta, plus what the step does not know of
/// x0, the square of its coefficient times the denoiser's error at the level left. Exact in any
/// number of steps for Gaussian data of independent elements with one variance. Else the error is a
/// mean over directions that differ, and steps must be short: for pairs with a correlation of 0.8
/// the covariance is 28 % off in 4 steps, 15 % in 10 and 4 % in 50. `most_variance` bounds the
/// errors, as data in [-1, 1] do at 1, and `last_deviation` the standard deviation of the last
/// noise that a run draws, which nothing removes: 2 (2 / 255) sqrt(pi / 2) keeps it within two
/// shades of an image in [-1, 1] on average. No noise is added in a step to clean data.
///
///   solver::AnalyticDdpm solver{solver::denoising_errors(denoise, data, grid, rng)};
struct AnalyticDdpm {
  DenoisingErrors errors;
  double eta = 1;
  double most_variance = HUGE_VAL, last_deviation = HUGE_VAL;

  static constexpr const char* name = "analytic ddpm";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  /// The last level of a run that has noise.
  struct LastNoisy {
    Level level;
  };
  /// Throws ArgumentError unless eta is in [0, 1] and both bounds are at least 0.
  template <Scalar T>
  LastNoisy start(const TimeGrid& grid) const {
    if (!(eta >= 0 && eta <= 1 && most_variance >= 0 && last_deviation >= 0))
      raise<ArgumentError>("analytic ddpm: eta = ", eta, ", most_variance = ", most_variance,
                           ", last_deviation = ", last_deviation,
                           "; needed eta in [0, 1], bounds >= 0");
    LastNoisy last;
    for (const Level& level : grid)
      if (level.sigma > 0) last.level = level;
    return last;
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, LastNoisy& last) const {
    const Tensor<T> x0 = ask(denoise, x, from);
    const double q = correlation(from, to), fresh = eta * std::sqrt((1 - q) * (1 + q));
    const double down = to.sigma * kept_share(eta, q);
    const double pull = to.alpha - from.alpha * down / from.sigma;
    const double unknown = std::min(errors.at(from), most_variance);
    const double best = to.sigma > 0 ? std::hypot(to.sigma * fresh, pull * std::sqrt(unknown)) : 0;
    const double up = to == last.level ? std::min(best, last_deviation) : best;
    return transfer(std::move(x), x0, from, to, down, up, rng);
  }
};

}  // namespace foglift::inline v0::solver
