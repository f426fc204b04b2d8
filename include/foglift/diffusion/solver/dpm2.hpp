#pragma once

#include "foglift/diffusion/solver/parts/between.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::solver {

/// The midpoint rule for dz/ds = (z - x0) / s, z = x / alpha, s = sigma / alpha, with the middle
/// taken in the logarithm of s, sqrt(s s') (DPM-Solver-2 as in k-diffusion's `sample_dpm_2`), or in
/// its cube root (as in the consistency models' code). A step to clean data, and one from pure
/// noise, take Euler's rule alone.
struct Dpm2 {
  enum class Middle { logarithm, cube_root };
  Middle middle = Middle::logarithm;
  /// As in Heun: the slope at the middle counts by 1 / max(s_m, least_ratio s); 0: as published.
  double least_ratio = 0.5;

  static constexpr const char* name = "dpm2";
  static constexpr int order = 2, weak_order = no_noise, evaluations = 2;

  /// Throws ArgumentError unless least_ratio is in [0, 1/2].
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(least_ratio >= 0 && least_ratio <= 0.5))
      raise<ArgumentError>("dpm2: least_ratio = ", least_ratio, ", must be in [0, 1/2]");
    const Tensor<T> x0 = ask(denoise, x, from);
    if (to.sigma == 0 || from.alpha == 0)
      return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const double s = from.ratio(), t = to.ratio();
    const double root = 0.5 * (std::cbrt(s) + std::cbrt(t));
    const Level mid = between(
        from, to, -std::log(middle == Middle::logarithm ? std::sqrt(s * t) : root * root * root));
    const Tensor<T> x_mid = transfer(x, x0, from, mid, mid.sigma, 0, rng);
    const Tensor<T> x0_mid = ask(denoise, x_mid, mid);
    // z' = z + (t - s) (z_m - x0_m) / s_m, z_m = x0 + (s_m / s) (z - x0).
    const double slope_at = std::max(mid.ratio(), least_ratio * s);
    const double weight = to.alpha * (t - s) / slope_at;
    return affine(to.sigma / from.sigma, std::move(x), weight * (1 - slope_at / s), x0, -weight,
                  x0_mid);
  }
};

}  // namespace foglift::inline v0::solver
