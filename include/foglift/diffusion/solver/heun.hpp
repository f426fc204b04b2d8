#pragma once

#include "foglift/diffusion/solver/transfer.hpp"

namespace foglift {
inline namespace v0 {
namespace solver {

/// Heun's rule for dz/ds = (z - x0) / s, z = x / alpha, s = sigma / alpha (Karras et al. 2022,
/// algorithm 1). A step to clean data, where the slope at the end is 0 / 0, and one from pure
/// noise, which is infinitely long in s, take Euler's rule alone.
struct Heun {
  static constexpr const char* name = "heun";
  static constexpr int order = 2, weak_order = 0, evaluations = 2;

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    x = transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    if (to.sigma == 0 || from.alpha == 0) return x;
    // With d = (z - x0) / s: z' = z + (s' - s)(d + d') / 2 differs from Euler's z1 by (s' - s)(d' -
    // d) / 2, and d' - d = (x0 - x0') / s' since z1 = x0 + s' d.
    const Tensor<T> x0_end = foglift::detail::denoised(denoise, x, to);
    const double weight = 0.5 * to.alpha * (from.sigma * to.alpha / (from.alpha * to.sigma) - 1);
    return affine(1, std::move(x), weight, x0_end, -weight, x0);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
