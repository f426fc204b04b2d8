#pragma once

#include "foglift/diffusion/solver/between.hpp"
#include "foglift/diffusion/solver/transfer.hpp"

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

  static constexpr const char* name = "heun";
  static constexpr int order = 2, weak_order = 0, evaluations = 2;

  /// Throws ArgumentError unless stage is in (0, 1].
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(stage > 0 && stage <= 1))
      raise<ArgumentError>("heun: stage = ", stage, ", must be in (0, 1]");
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    if (to.sigma == 0 || from.alpha == 0)
      return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const double s = from.ratio(), h = to.ratio() - s, inner = s + stage * h;
    // With d = (z - x0) / s, z_m = z + stage h d and d_m = (z_m - x0_m) / s_m: d_m - d = (x0 -
    // x0_m) / s_m, so z' = z + h d + h (d_m - d) / (2 stage) is Euler's z plus this weight.
    const double weight = 0.5 * to.alpha * h / (stage * inner);
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
