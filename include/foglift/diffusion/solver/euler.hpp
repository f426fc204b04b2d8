#pragma once

#include "foglift/diffusion/solver/transfer.hpp"

namespace foglift {
inline namespace v0 {
namespace solver {

/// Euler's rule for dz/ds = (z - x0) / s, z = x / alpha, s = sigma / alpha: Ddim with eta = 0, as a
/// solver that never draws noise.
struct Euler {
  static constexpr const char* name = "euler";
  static constexpr int order = 1, weak_order = 0, evaluations = 1;

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
