#pragma once

#include "foglift/diffusion/solver/denoising_errors.hpp"
#include "foglift/diffusion/solver/transfer.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// Ancestral or implicit sampling with the variance that is best for a denoiser (Bao et al. 2022,
/// "Analytic-DPM", eq. 6): that of Ddim's step with its eta, plus what the step does not know of
/// x0, the square of its coefficient times the denoiser's error at the level left. Exact for
/// Gaussian data in any number of steps. `most_variance` bounds the errors, as data in [-1, 1] do
/// at 1. No noise is added in a step to clean data.
///
///   AnalyticDdpm solver{denoising_errors(denoise, data, grid, rng)};
struct AnalyticDdpm {
  DenoisingErrors errors;
  double eta = 1;
  double most_variance = HUGE_VAL;

  static constexpr const char* name = "analytic ddpm";
  static constexpr int order = 0, weak_order = 1, evaluations = 1;

  /// Throws ArgumentError unless eta is in [0, 1] and most_variance at least 0.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(eta >= 0 && eta <= 1 && most_variance >= 0))
      raise<ArgumentError>("analytic ddpm: eta = ", eta, ", most_variance = ", most_variance,
                           "; needed eta in [0, 1], most_variance >= 0");
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    const double q = correlation(from, to), fresh = eta * std::sqrt((1 - q) * (1 + q));
    const double down = to.sigma * kept_share(eta, q);
    const double pull = to.alpha - from.alpha * down / from.sigma;
    const double unknown = std::min(errors.at(from), most_variance);
    const double up = to.sigma > 0 ? std::hypot(to.sigma * fresh, pull * std::sqrt(unknown)) : 0;
    return transfer(std::move(x), x0, from, to, down, up, rng);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
