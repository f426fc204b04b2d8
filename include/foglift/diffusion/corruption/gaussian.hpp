#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/corruption/batch.hpp"
#include "foglift/diffusion/solver/ddim.hpp"

#include <utility>

namespace foglift::inline v0::corruption {

/// Normal noise, x = alpha x0 + sigma eps, and back by the step of a rule for an estimate of x0:
/// restore() is then sample() with that rule, bit for bit. Predictors are denoisers; levels may be
/// of samples or groups (Levels) in all three.
template <Scalar T = float, class Rule = solver::Ddim>
struct Gaussian {
  using State = Tensor<T>;
  using Estimate = Tensor<T>;
  static constexpr const char* name = "gaussian";

  Rule rule = {};

  State prior(const Shape& shape, const Level& level, const StepRng& rng) const {
    State x = rng.normal<T>(shape);
    for (T& v : x) v *= static_cast<T>(level.sigma);
    return x;
  }
  State corrupt(State clean, const Levels& levels, const StepRng& rng) const {
    const State eps = rng.normal<T>(clean.shape());
    return affine(std::move(clean), eps, levels, "corruption::Gaussian",
                  [](const Level& l) { return Mix{l.alpha, l.sigma}; });
  }
  template <AnyLevels L>
  State back(State x, const Estimate& x0, const L& from, const L& to, const StepRng& rng) const {
    return rule.back(std::move(x), x0, from, to, rng);
  }

  /// The mean squared error of an estimate of the data, shape [].
  template <Value X>
  X loss(const X& x0, const CorruptedBatch<Gaussian>& batch) const {
    return batch.mean_square(x0);
  }
};

}  // namespace foglift::inline v0::corruption
