#pragma once

#include "foglift/diffusion/solver/between.hpp"
#include "foglift/diffusion/solver/transfer.hpp"

#include <algorithm>
#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// The two-stage rules of second order for dz/ds = (z - x0) / s, z = x / alpha, s = sigma / alpha:
/// a second slope is taken after the part `stage` of Euler's step (Karras et al. 2022, algorithm 3,
/// their alpha). 1 is Heun's rule (their algorithm 1), 1/2 the midpoint in s, 2/3 Ralston's. A step
/// to clean data, and one from pure noise, which is infinitely long in s, take Euler's rule alone.
struct Heun {
  double stage = 1;
  /// The second slope, at s_m, counts by 1 / max(s_m, least_ratio s), 0: by 1 / s_m, as published.
  /// With s' < s / 2 Heun's rule goes by more than the whole step towards the second x0, and by s /
  /// (2 s') of it where s' is small: with 5 Karras steps it is 0.91 off the law of N(1, 0.25), with
  /// the bound 0.33, DDIM in as many evaluations 0.28. Orders are those of steps shorter than that.
  double least_ratio = 0.5;

  static constexpr const char* name = "heun";
  static constexpr int order = 2, weak_order = 0, evaluations = 2;

  /// Throws ArgumentError unless stage is in (0, 1] and least_ratio in [0, 1/2].
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(stage > 0 && stage <= 1 && least_ratio >= 0 && least_ratio <= 0.5))
      raise<ArgumentError>("heun: stage = ", stage, ", least_ratio = ", least_ratio,
                           ", must be in (0, 1] and [0, 1/2]");
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    if (to.sigma == 0 || from.alpha == 0)
      return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const double s = from.ratio(), h = to.ratio() - s, inner = s + stage * h;
    // With d = (z - x0) / s, z_m = z + stage h d and d_m = (z_m - x0_m) / s_m: d_m - d = (x0 -
    // x0_m) / s_m, so z' = z + h d + h (d_m - d) / (2 stage) is Euler's z plus this weight.
    const double weight = 0.5 * to.alpha * h / (stage * std::max(inner, least_ratio * s));
    if (stage == 1) {
      x = transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
      const Tensor<T> x0_end = foglift::detail::denoised(denoise, x, to);
      return affine(1, std::move(x), weight, x0, -weight, x0_end);
    }
    const Level middle = between(from, to, -std::log(inner));
    const Tensor<T> x_middle = transfer(x, x0, from, middle, middle.sigma, 0, rng);
    const Tensor<T> x0_middle = foglift::detail::denoised(denoise, x_middle, middle);
    const double keep = to.sigma / from.sigma, pull = to.alpha - from.alpha * keep;
    return affine(keep, std::move(x), pull + weight, x0, -weight, x0_middle);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
