#pragma once

#include "foglift/diffusion/inverse/known.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <utility>

namespace foglift::inline v0::solver {

/// Any solver, after each step of which the known part of the state is replaced by the known values
/// noised to the level reached (Song et al. 2021, appendix I.2). The simplest inpainting, and
/// biased: the unknown part is only ever told of the known one through the next step, so it does
/// not sample p(unknown | known), however small the steps. Repaint lessens that.
///
///   const solver::Replacement solver(solver::Ddpm{}, solver::Known<float>{values, mask});
///   auto x = sample(solver, denoise, shape, grid, rng);
template <class S, Scalar T = float>
class Replacement {
 public:
  static constexpr const char* name = "replacement";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = S::evaluations;

  /// Throws as Known::check does.
  Replacement(S inner, Known<T> known) : inner_(std::move(inner)), known_(std::move(known)) {
    known_.check("solver::Replacement");
  }

  template <Scalar X>
    requires std::same_as<X, T>
  auto start(const TimeGrid& grid) const {
    return Run<S, T>(inner_, grid);
  }
  template <class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng, Run<S, T>& inner) const {
    return known_.put(inner.step(std::move(x), from, to, denoise, rng), to, rng);
  }

 private:
  S inner_;
  Known<T> known_;
};

}  // namespace foglift::inline v0::solver
