#pragma once

#include "foglift/diffusion/solver/parts/transfer.hpp"

namespace foglift::inline v0::solver {

/// Euler's rule for dz/ds = (z - x0) / s, z = x / alpha, s = sigma / alpha: Ddim with eta = 0, as a
/// solver that never draws noise.
struct Euler {
  static constexpr const char* name = "euler";
  static constexpr int order = 1, weak_order = no_noise, evaluations = 1;

  /// At one Level, or at Levels of samples or groups.
  template <Scalar T, AnyLevels L, DenoiserAt<T, L> D>
  Tensor<T> step(Tensor<T> x, const L& from, const L& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = ask(denoise, x, from);
    return transfer(std::move(x), x0, from, to, all_down, rng);
  }
};

}  // namespace foglift::inline v0::solver
