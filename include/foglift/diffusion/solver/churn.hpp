#pragma once

#include "foglift/diffusion/solver/dpm2.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/parts/at_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace foglift::inline v0::solver {

/// A deterministic one-step solver with churn (Karras et al. 2022, algorithm 2): before a step,
/// noise lifts the state from s = sigma / alpha to s (1 + gamma), gamma = min(churn / N, sqrt(2) -
/// 1) on a grid of N steps, where s lies between min_ratio and max_ratio. The lift is one of the
/// process: alpha shrinks where it has to. A step from pure noise is not lifted. Lifts lead from
/// one marginal of the process to another, so the weak order is that of the solver inside (with
/// noise_scale = 1; a little more makes up for denoisers that are not exact).
///
///   solver::Churn<solver::Heun> solver{.churn = 40};
template <class Inner>
struct Churn {
  static_assert(deterministic<Inner>, "Churn: the solver inside draws noise by itself");
  Inner inner = {};
  double churn = 40;
  double min_ratio = 0.05, max_ratio = 50;
  double noise_scale = 1.003;

  static constexpr const char* name = "churn";
  static constexpr int order = Inner::order, weak_order = Inner::order,
                       evaluations = Inner::evaluations;

  /// gamma of a run.
  struct Lift {
    double gamma = 0;
  };
  /// Throws ArgumentError unless churn, noise_scale >= 0 are finite and 0 <= min_ratio <=
  /// max_ratio.
  template <Scalar T>
  Lift start(const TimeGrid& grid) const {
    if (!(churn >= 0 && noise_scale >= 0 && std::isfinite(churn + noise_scale) && min_ratio >= 0 &&
          min_ratio <= max_ratio))
      raise<ArgumentError>("churn: churn = ", churn, ", noise_scale = ", noise_scale, ", ratios ",
                           min_ratio, " to ", max_ratio, "; needed finite, at least 0, in order");
    const double steps = static_cast<double>(std::max<std::size_t>(grid.size(), 2) - 1);
    return {std::min(churn / steps, std::numbers::sqrt2 - 1)};
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Lift& lift) const {
    const double s = from.alpha > 0 ? from.ratio() : std::numeric_limits<double>::infinity();
    if (!(lift.gamma > 0 && s >= min_ratio && s <= max_ratio && std::isfinite(s)))
      return inner.step(std::move(x), from, to, denoise, rng);
    const Level above = at_ratio(from, s * (1 + lift.gamma));
    const double rise = s * std::sqrt(lift.gamma * (2 + lift.gamma)) * noise_scale;
    const Tensor<T> z = rng.normal<T>(x.shape());
    x = affine(above.alpha / from.alpha, std::move(x), above.alpha * rise, z);
    return inner.step(std::move(x), above, to, denoise, rng);
  }
};

}  // namespace foglift::inline v0::solver
