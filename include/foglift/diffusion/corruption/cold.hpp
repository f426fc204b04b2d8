#pragma once

#include "foglift/diffusion/corruption/batch.hpp"

#include <concepts>
#include <utility>

namespace foglift::inline v0::corruption {

/// The prior of a Cold that has none.
struct NoPrior {};

/// Data degraded by any function, without noise, and restored (Bansal et al. 2022, "Cold
/// diffusion"): degrade(Tensor<T> clean, Levels) gives the data at a severity, a level for the
/// batch or for each sample, and returns them as they are at clean data. One that is random takes
/// a StepRng behind these, and is drawn apart for the two degradations of a step. prior(shape,
/// Level, StepRng) makes states to begin with where restore() does; restore_from() needs none.
///
///   const auto fade = corruption::cold([](const Tensor<float>& clean, const Levels& levels) {
///     return scale(clean, clean.dim(0), [&](Index b) { return 1 - levels[b].t; });
///   });
template <class T, class Degrade, class Prior = NoPrior>
class Cold {
 public:
  using State = Tensor<T>;
  using Estimate = Tensor<T>;
  static constexpr const char* name = "cold";

  /// How the next state is made of the estimate x0, D being the degradation:
  ///   naive  D(x0, to), their algorithm 1
  ///   cold   x - D(x0, from) + D(x0, to), their algorithm 2, in which an error of the estimate
  ///          counts by what the degradation changes in it: not at all where D(x, s) = x + s e
  enum class Update { naive, cold };
  Update update = Update::cold;
  Update last = Update::cold;  ///< of the step to clean data, where update is cold

  explicit Cold(Degrade degrade, Prior prior = {})
      : degrade_(std::move(degrade)), prior_(std::move(prior)) {}

  /// Throws ArgumentError where there is no prior.
  State prior(const Shape& shape, const Level& level, const StepRng& rng) const {
    if constexpr (std::same_as<Prior, NoPrior>)
      raise<ArgumentError>("cold: no prior to begin states ", shape, " at ", level,
                           " with; give one, or a degraded state to restore_from");
    else
      return prior_(shape, level, rng);
  }
  State corrupt(const State& clean, const Levels& levels, const StepRng& rng) const {
    if constexpr (std::invocable<const Degrade&, const State&, const Levels&, const StepRng&>)
      return degrade_(clean, levels, rng);
    else
      return degrade_(clean, levels);
  }
  /// Throws ShapeError for an estimate of another shape.
  State back(State x, const Estimate& x0, const Level& from, const Level& to,
             const StepRng& rng) const {
    State next = corrupt(x0, to, rng.repeat(0));
    detail::check_same_shape(x, next, "cold");
    if (update == Update::naive || (to.sigma == 0 && last == Update::naive)) return next;
    return affine(1, affine(1, std::move(x), -1, corrupt(x0, from, rng.repeat(1))), 1, next);
  }

  /// The mean squared error of an estimate of the data, shape [].
  template <Value X>
  X loss(const X& x0, const CorruptedBatch<Cold>& batch) const {
    return batch.mean_square(x0);
  }

 private:
  Degrade degrade_;
  Prior prior_;
};

/// A degradation of Tensor<T>.
template <Scalar T = float, class Degrade>
Cold<T, Degrade> cold(Degrade degrade) {
  return Cold<T, Degrade>(std::move(degrade));
}
template <Scalar T = float, class Degrade, class Prior>
Cold<T, Degrade, Prior> cold(Degrade degrade, Prior prior) {
  return Cold<T, Degrade, Prior>(std::move(degrade), std::move(prior));
}

}  // namespace foglift::inline v0::corruption
