#pragma once

#include "foglift/diffusion/solver/transfer.hpp"

namespace foglift {
inline namespace v0 {
namespace solver {

/// Implicit sampling (Song et al. 2021, eq. 12): eta = 0 is deterministic, Euler's rule for the
/// probability-flow ODE in sigma / alpha; eta = 1 is ancestral sampling with the small variance.
struct Ddim {
  double eta = 0;

  static constexpr const char* name = "ddim";
  static constexpr int order = 1, weak_order = 1, evaluations = 1;

  /// Throws ArgumentError unless eta is in [0, 1].
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(eta >= 0 && eta <= 1)) raise<ArgumentError>("ddim: eta = ", eta, ", must be in [0, 1]");
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    const double q = correlation(from, to), fresh = eta * std::sqrt((1 - q) * (1 + q));
    const double down = to.sigma * kept_share(eta, q);
    return transfer(std::move(x), x0, from, to, down, to.sigma * fresh, rng);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
