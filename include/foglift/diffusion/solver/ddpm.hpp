#pragma once

#include "foglift/diffusion/solver/parts/transfer.hpp"

namespace foglift::inline v0::solver {

/// Ancestral sampling (Ho et al. 2020, algorithm 2) between any two levels: the mean of q(x_to |
/// x_from, x0) plus noise. With q = correlation(from, to), its variance is
///   small: sigma_to^2   (1 - q^2), the posterior's own, exact for data at one point;
///   large: sigma_from^2 (1 - q^2), the beta of the step, exact for standard normal data.
/// No noise is added in a step to clean data.
struct Ddpm {
  enum class Variance { small, large };
  Variance variance = Variance::small;

  static constexpr const char* name = "ddpm";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  /// At one Level, or at Levels of samples or groups.
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
    const auto rule = [this](const Level& a, const Level& b) {
      const double q = correlation(a, b), spread = std::sqrt((1 - q) * (1 + q));
      const double sigma = variance == Variance::small ? b.sigma : a.sigma;
      return Deviations{q * b.sigma, b.sigma > 0 ? sigma * spread : 0.0};
    };
    return transfer(std::move(x), x0, from, to, rule, rng);
  }
};

}  // namespace foglift::inline v0::solver
