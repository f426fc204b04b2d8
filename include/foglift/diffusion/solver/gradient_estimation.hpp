#pragma once

#include "foglift/diffusion/solver/parts/history.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

/// Euler's rule along gamma eps + (1 - gamma) eps_before, eps the noise that the denoiser finds now
/// and found a step before (Permenter & Yuan 2024, algorithm 2, gamma = 2). First order; gamma =
/// 3/2 is Adams & Bashforth's rule of second order where steps are equal in s = sigma / alpha. The
/// step to clean data returns x0.
struct GradientEstimation {
  double gamma = 2;

  static constexpr const char* name = "gradient estimation";
  static constexpr int order = 1, weak_order = no_noise, evaluations = 1;

  template <Scalar T>
  History<T, 1> start(const TimeGrid&) const {
    if (!std::isfinite(gamma)) raise<ArgumentError>("gradient estimation: gamma = ", gamma);
    return {};
  }
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, History<T, 1>& before) const {
    Tensor<T> x0 = ask(denoise, x, from);
    if (to.sigma == 0) return scale(to.alpha, std::move(x0));
    const double pull = to.alpha - from.alpha * to.sigma / from.sigma;
    if (from.alpha == 0) return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    // z' = z + (s' - s) (gamma eps + (1 - gamma) eps_before) and s' - s = -pull / alpha' s.
    Tensor<T> eps = affine(-from.alpha / from.sigma, std::move(x0), 1 / from.sigma, x);
    const double h = -pull * from.sigma / from.alpha;
    if (before.size() == 0) {
      x = affine(to.alpha / from.alpha, std::move(x), h, eps);
    } else {
      x = affine(to.alpha / from.alpha, std::move(x), h * gamma, eps, h * (1 - gamma),
                 before[0].output);
    }
    before.push(from, std::move(eps));
    return x;
  }
};

}  // namespace foglift::inline v0::solver
