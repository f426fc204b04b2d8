#pragma once

#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/rows.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

/// Diffusion posterior sampling, DPS (Chung et al. 2023, algorithm 1): any solver, after each step
/// of which the state goes down the gradient, at the state before the step, of a loss of x0:
///   x' - scale J^T gradient(x0),  J = d x0 / d x.
/// With the loss |y - A x0| (the norm, not its square) the step is the paper's zeta / |y - A x0|
/// times the gradient of the square, up to a factor of 2; with the square over a variance use
/// guide::LossGradient, which has the scale of a posterior. Neither samples the posterior exactly.
/// The step's own evaluation of the denoiser is the one that is differentiated; nothing is divided
/// by alpha or sigma.
///
///   const guide::GradientOf distance([&](const auto& x0) { return sqrt(known.square_error(x0));
///   }); const solver::PosteriorSampling dps(solver::Ddpm{}, distance, 0.5); auto x = sample(dps,
///   denoise, shape, grid, rng);
///
/// A loss of one's own that multiplies by a mask reads what the mask hides: 0 times NaN is NaN.
/// Known::square_error and weighted_mse() do not.
template <class S, class Gradient>
class PosteriorSampling {
 public:
  static constexpr const char* name = "posterior sampling";
  static constexpr int order = always_noisy, weak_order = S::weak_order,
                       evaluations = S::evaluations;

  /// gradient(x0) has the shape of x0. Throws ArgumentError for a scale that is not finite.
  PosteriorSampling(S inner, Gradient gradient, double scale)
      : inner_(std::move(inner)), gradient_(std::move(gradient)), scale_(scale) {
    if (!std::isfinite(scale))
      raise<ArgumentError>("solver::PosteriorSampling: scale = ", scale, ", must be finite");
  }

  template <Scalar T>
  auto start(const TimeGrid& grid) const {
    return Run<S, T>(inner_, grid);
  }
  template <Scalar T, class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Run<S, T>& inner) const {
    Pulled<T> pulled = pullback(denoise, x, from, gradient_);
    const Told<D, T> told{denoise, from, pulled.x0};
    x = inner.step(std::move(x), from, to, told, rng);
    return affine(1, std::move(x), -scale_, pulled.gradient);
  }

 private:
  /// The denoiser, whose answer to the step's first call is known.
  template <class D, Scalar T>
  struct Told {
    const D& denoise;
    const Level& from;
    Tensor<T>& x0;
    mutable bool used = false;

    template <class L>
      requires std::invocable<const D&, const Tensor<T>&, const L&>
    Tensor<T> operator()(const Tensor<T>& at, const L& level) const {
      if (!std::exchange(used, true) && Levels(level).shared() && Levels(level)[0] == from)
        return std::move(x0);
      return denoise(at, level);
    }
    /// Rules ask about some samples after they asked about all.
    decltype(auto) rows(const Rows& rows) const { return rows_of(denoise, rows); }
  };

  S inner_;
  Gradient gradient_;
  double scale_;
};

}  // namespace foglift::inline v0::solver
