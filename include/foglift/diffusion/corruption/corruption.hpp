#pragma once

#include "foglift/diffusion/level.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <concepts>

namespace foglift::inline v0 {

/// A forward process of any kind, from data to states that tell nothing of them, and the step back;
/// restore() runs it. Names what it is of:
///   State      of data and of what they become, [B, ...]: Tensor<float>, Tensor<Index> ...
///   Estimate   what is predicted of the data from a state: x0, or logits of each place
/// How far a state has gone is a Level; what alpha and sigma mean is for the corruption to say. All
/// randomness comes from `rng`, so that a sample does not depend on its batch.
///   name                         for messages
///   prior(shape, level, rng)     states at the level, the noisiest of a run, without data
///   corrupt(clean, levels, rng)  data at a level for the batch, or one for each sample
///   back(x, estimate, from, to, rng)   states at the cleaner level `to`
/// One that is to be trained has loss(estimate, batch), most often batch.mean_square(x0), too
/// (corruption/batch.hpp).
template <class C>
concept Corruption =
    requires(const C& c, const typename C::State& x, const typename C::Estimate& estimate,
             const Shape& shape, const Level& level, const Levels& levels, const StepRng& rng) {
      { C::name } -> std::convertible_to<const char*>;
      { c.prior(shape, level, rng) } -> std::same_as<typename C::State>;
      { c.corrupt(x, levels, rng) } -> std::same_as<typename C::State>;
      { c.back(x, estimate, level, level, rng) } -> std::same_as<typename C::State>;
    };

namespace detail {
/// Says, when compiled, what a corruption that is none should have been.
template <class C>
constexpr void require_corruption() {
  static_assert(Corruption<C>,
                "a corruption has State, Estimate, name, prior(Shape, Level, StepRng) -> State, "
                "corrupt(State, Levels, StepRng) -> State and back(State, Estimate, Level from, "
                "Level to, StepRng) -> State, all const");
}
}  // namespace detail

/// What is predicted from a state of a corruption at a level: (state, Level) -> Estimate. A
/// Denoiser is a predictor of corruption::Gaussian.
template <class P, class C>
concept Predictor =
    Corruption<C> && requires(const P& predict, const typename C::State& x, const Level& level) {
      { predict(x, level) } -> std::convertible_to<typename C::Estimate>;
    };

}  // namespace foglift::inline v0
