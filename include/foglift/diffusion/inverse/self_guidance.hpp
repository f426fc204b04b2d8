#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"
#include "foglift/diffusion/inverse/known.hpp"

#include <utility>

namespace foglift::inline v0::solver {

/// Observation self-guidance (Kollovieh et al. 2023, section 3.2): the gradient in the state x of
/// log p(y | x) for observations y of an unconditional model, with the denoiser's own x0(x) as what
/// they are expected to be. Without quantiles, log p = -sum mask (y - x0)^2; with a quantile q of
/// each sample, -sum mask max(q e, (q - 1) e), e = y - x0 (the asymmetric Laplace law, eq. 9). For
/// solver::MeanShift, whose weight is the paper's s:
///
///   auto x = sample(solver::MeanShift(solver::SelfGuidance(denoise, known),
///                                     {.weight = 2, .at = solver::MeanShiftOptions::At::state}),
///                   denoise, shape, grid, rng);
///
/// The law of y given x0 is taken for that of y given x, at every level, where the variance of x0
/// given x should be added to it: states of much noise are led too strongly. To first order in s
/// the mean is the posterior's.
template <class D, Scalar T = float>
class SelfGuidance {
 public:
  /// `known` as Known says. Quantiles [B] in (0, 1), or none. Throws what Known::check does, and
  /// ArgumentError for a quantile outside.
  explicit SelfGuidance(D denoise, Known<T> known, Tensor<T> quantiles = {})
      : denoise_(std::move(denoise)), known_(std::move(known)), quantiles_(std::move(quantiles)) {
    known_.check("solver::SelfGuidance");
    for (const T q : quantiles_)
      if (!(q > 0 && q < 1))
        raise<ArgumentError>("solver::SelfGuidance: quantile ", q, ", must be in (0, 1)");
    // Products with a mask of 0 read what is under it.
    for (Index i = 0; i < known_.mask.size(); ++i)
      if (known_.mask[i] == 0) known_.values[i] = 0;
  }

  template <AnyLevels L>
  Tensor<T> operator()(const Tensor<T>& x, const L& levels) const {
    return guide::GradientOf([&](const auto& state) { return log_p(denoise_(state, levels)); })(x);
  }

  /// log p(y | x) of each sample, up to a constant, summed over the batch, where the denoiser says
  /// x0 [B, ...].
  template <Value X>
  X log_p(const X& x0) const {
    if (quantiles_.empty()) return neg(sum(known_.square_error(x0)));
    const Index B = x0.dim(0);
    if (quantiles_.size() != B)
      raise<ShapeError>("solver::SelfGuidance: ", quantiles_.size(), " quantiles for a batch of ",
                        B);
    Shape one = value_of(x0).shape();  // [B, 1, ..., 1]
    for (int axis = 1; axis < one.rank(); ++axis) one = one.with(axis, 1);
    const Tensor<T> q = quantiles_.reshaped(one);
    const X e = constant(known_.values, x0) - x0;
    return neg(sum(constant(known_.mask, x0) * (constant(q, x0) * e + relu(neg(e)))));
  }

 private:
  D denoise_;
  Known<T> known_;
  Tensor<T> quantiles_;
};

}  // namespace foglift::inline v0::solver
