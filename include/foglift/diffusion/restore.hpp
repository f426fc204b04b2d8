#pragma once

#include "foglift/diffusion/corruption/corruption.hpp"
#include "foglift/diffusion/walk.hpp"

#include <optional>
#include <utility>

namespace foglift::inline v0 {

/// Takes x, states of a corruption at the level grid.front(), along the grid: in each step
/// predict(x, level) says the data, and the corruption leads back to the next level. It is
/// sample_from() for any forward process, with the same options and promises: a sample's bits
/// depend on its own state, its index first_sample + b, `rng` and the grid, not on the batch or the
/// threads. `observer` is called with a StateView<State, Estimate> after every step. Throws
/// ArgumentError for a grid that grid::check refuses, NumericError for numbers that are not finite,
/// and what the corruption throws.
template <class C, class P, class Observer = NoObserver>
typename C::State restore_from(const C& corruption, const P& predict, typename C::State x,
                               const TimeGrid& grid, const Rng& rng,
                               const SampleOptions& options = {}, Observer observer = {}) {
  detail::require_corruption<C>();
  static_assert(Predictor<P, C>,
                "restore: predict is callable as (const C::State&, Level) -> C::Estimate");
  using State = typename C::State;
  using Estimate = typename C::Estimate;
  grid::check(grid);
  PackedWeights packed(predict);
  precompute(packed, predict, grid);
  const detail::BatchPath levels(grid, 0);
  std::optional<Estimate> said;
  return detail::walk(
      std::move(x), levels.steps(), rng, options,
      [&](State state, Index i, const StepRng& noise) {
        said = predict(std::as_const(state), levels.from(i));
        return corruption.back(std::move(state), std::as_const(*said), levels.from(i), levels.to(i),
                               noise);
      },
      [&](Index i, const State& state) {
        if constexpr (requires { state.row_size(); })
          if (options.check_finite)
            detail::check_finite(state, C::name, i, levels.steps(), levels.from(i).t,
                                 options.first_sample);
        if constexpr (!std::same_as<Observer, NoObserver>)
          observer(StateView<State, Estimate>{i, levels.steps(), levels.to(i), state, *said});
      });
}

/// Samples of `shape` [B, ...] of a corruption: states of its prior at grid.front(), then
/// restore_from. Throws ArgumentError for a grid that begins where the data shows
/// (SampleOptions::max_signal), and as restore_from does.
///
///   const corruption::Mask<> tokens{.classes = 27};
///   const auto logits = [](const Tensor<Index>& x, const Level&) {  // a network's
///     return Tensor<float>({x.dim(0), x.dim(1), 27});
///   };
///   auto text = restore(tokens, logits, {16, 64}, grid::uniform(schedule::Flow{}, 64), Rng(7));
template <class C, class P, class Observer = NoObserver>
typename C::State restore(const C& corruption, const P& predict, const Shape& shape,
                          const TimeGrid& grid, const Rng& rng, const SampleOptions& options = {},
                          Observer observer = {}) {
  detail::require_corruption<C>();
  detail::check_start(grid, options);
  return restore_from(corruption, predict,
                      corruption.prior(shape, grid.front(), detail::prior_rng(rng, options)), grid,
                      rng, options, std::move(observer));
}

}  // namespace foglift::inline v0
