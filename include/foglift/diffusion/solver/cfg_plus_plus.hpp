#pragma once

#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

/// CFG++ (Chung et al. 2025, algorithm 2): Euler's rule which takes the clean sample from the
/// guided denoiser, u + weight (c - u), and the noise from the unconditional one u, so that
/// guidance never leaves the data: x' = alpha' x0_guided + sigma' (x - alpha x0_u) / sigma. The
/// run's denoiser is the conditional c. Weights lie in [0, 1]; 1 is the conditional sample with the
/// unconditional noise.
///
///   auto x = sample(solver::CfgPlusPlus(unconditional, 0.6), conditional, shape, grid, rng);
template <class U>
class CfgPlusPlus {
 public:
  static constexpr const char* name = "cfg++";
  static constexpr int order = 1, weak_order = no_noise, evaluations = 2;

  /// Keeps a copy of the unconditional model (see Kept). Throws ArgumentError for a weight that is
  /// not finite.
  CfgPlusPlus(std::type_identity_t<U> unconditional, double weight)
      : unconditional_(std::forward<U>(unconditional)), weight_(weight) {
    if (!std::isfinite(weight))
      raise<ArgumentError>("cfg++: weight = ", weight, ", must be finite");
  }

  template <Scalar T, Denoiser<T> D>
    requires Denoiser<U, T>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng&) const {
    const Tensor<T> c = ask(denoise, x, from), u = ask(unconditional_, x, from);
    const double keep = to.sigma / from.sigma;
    return affine(keep, std::move(x), to.alpha * weight_, c,
                  to.alpha * (1 - weight_) - from.alpha * keep, u);
  }

  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(unconditional_);
  }

 private:
  U unconditional_;
  double weight_;
};

template <class V>
CfgPlusPlus(V&&, double) -> CfgPlusPlus<Kept<V>>;

}  // namespace foglift::inline v0::solver
