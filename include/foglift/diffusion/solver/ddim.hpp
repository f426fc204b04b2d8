#pragma once

#include "foglift/diffusion/solver/parts/transfer.hpp"

namespace foglift::inline v0::solver {

/// Implicit sampling (Song et al. 2021, eq. 12): eta = 0 is deterministic, Euler's rule for the
/// probability-flow ODE in sigma / alpha; eta = 1 is ancestral sampling with the small variance.
struct Ddim {
  double eta = 0;

  static constexpr const char* name = "ddim";
  static constexpr int order = 1, weak_order = 1, evaluations = 1;

  /// At one Level, or at Levels of samples or groups. Throws ArgumentError unless eta is in [0, 1].
  template <Scalar T, AnyLevels L, DenoiserAt<T, L> D>
  Tensor<T> step(Tensor<T> x, const L& from, const L& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = ask(denoise, x, from);
    return back(std::move(x), x0, from, to, rng);
  }

  /// The step for an estimate x0 of the data.
  template <Scalar T, AnyLevels L>
  Tensor<T> back(Tensor<T> x, const Tensor<T>& x0, const L& from, const L& to,
                 const StepRng& rng) const {
    if (!(eta >= 0 && eta <= 1)) raise<ArgumentError>("ddim: eta = ", eta, ", must be in [0, 1]");
    const auto rule = [eta = eta](const Level& a, const Level& b) {
      const double q = correlation(a, b), fresh = eta * std::sqrt((1 - q) * (1 + q));
      return Deviations{b.sigma * kept_share(eta, q), b.sigma * fresh};
    };
    return transfer(std::move(x), x0, from, to, rule, rng);
  }
};

}  // namespace foglift::inline v0::solver
