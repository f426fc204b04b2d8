#pragma once

#include "foglift/core/state.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"
#include "foglift/diffusion/walk.hpp"

#include <concepts>
#include <span>
#include <type_traits>
#include <utility>

namespace foglift::inline v0 {

namespace detail {

/// Keeps the first x0 of a step for the observer.
template <class D, Scalar T>
struct Recorder {
  const D& denoise;
  Tensor<T>& x0;
  bool& taken;

  template <class L>
    requires std::invocable<const D&, const Tensor<T>&, const L&>
  Tensor<T> operator()(const Tensor<T>& x, const L& level) const {
    Tensor<T> out = denoise(x, level);
    if (!std::exchange(taken, true)) x0 = out;
    return out;
  }
  Var<T> operator()(const Var<T>& x, const Levels& levels) const
    requires DifferentiableDenoiser<D, T>
  {
    Var<T> out = denoise(x, levels);
    if (!std::exchange(taken, true)) x0 = out.value();
    return out;
  }

  /// Rules ask about some samples after they asked about all.
  decltype(auto) rows(const Rows& rows) const { return rows_of(denoise, rows); }

  /// Of a denoiser with a variance head.
  auto moments(const Tensor<T>& x, const Level& level) const
    requires requires { denoise.moments(x, level); }
  {
    auto out = denoise.moments(x, level);
    if (!std::exchange(taken, true)) x0 = out.x0;
    return out;
  }
};

/// A denoiser written on X, asked with tensors.
template <class X, class D>
struct OnState {
  const D& denoise;
  template <class L>
    requires std::invocable<const D&, X, const L&>
  Tensor<state_scalar<X>> operator()(const Tensor<state_scalar<X>>& x, const L& level) const {
    return foglift::to_tensor<X>(denoise(foglift::from_tensor<X>(x), level));
  }
};

template <Scalar T, class S, class D, class Grid, class Observer>
Tensor<T> run(S solver, const D& denoise, Tensor<T> x, const Grid& grid, const Rng& rng,
              const SampleOptions& options, Observer& observer) {
  static_assert(Denoiser<D, T>,
                "sample: a denoiser is callable as (const Tensor<T>&, Level) -> Tensor<T>, T being "
                "the scalar of the state");
  static_assert(Solver<S, D, T>,
                "sample: a solver has name, order, weak_order, evaluations and step(Tensor<T> x, "
                "Level from, Level to, denoiser, StepRng[, memory]) -> Tensor<T>");
  if constexpr (std::same_as<Grid, GroupGrids>)
    static_assert(
        requires(const S& s, const Levels& levels, const D& d, const StepRng& noise) {
          s.step(Tensor<T>(), levels, levels, d, noise);
        },
        "sample: GroupGrids need a solver with step(Tensor<T> x, Levels from, Levels to, denoiser, "
        "StepRng), as Ddim, Ddpm, Euler, Heun and Ancestral of them have, and a denoiser of "
        "Levels");
  constexpr bool observed = !std::same_as<Observer, NoObserver>;
  auto levels = path(grid, batch_of(x));
  Run<S, T> stepper(std::move(solver), grid);
  Tensor<T> x0;
  return walk(
      std::move(x), levels.steps(), rng, options,
      [&](Tensor<T> state, Index i, const StepRng& noise) {
        const auto& from = levels.from(i);
        const auto& to = levels.to(i);
        if constexpr (!observed) {
          return stepper.step(std::move(state), from, to, denoise, noise);
        } else {
          bool taken = false;
          x0 = Tensor<T>();
          return stepper.step(std::move(state), from, to, Recorder<D, T>{denoise, x0, taken},
                              noise);
        }
      },
      [&](Index i, const Tensor<T>& state) {
        if (options.check_finite)
          check_finite(state, S::name, i, levels.steps(), levels.shown(i).t, options.first_sample);
        if constexpr (observed)
          observer(StepView<T>{i, levels.steps(), levels.shown(i + 1), state, x0});
      });
}

/// run() on any State.
template <State X, class S, class D, class Grid, class Observer>
X run_state(S solver, const D& denoise, X x, const Grid& grid, const Rng& rng,
            const SampleOptions& options, Observer& observer) {
  using T = state_scalar<X>;
  PackedWeights packed(denoise, solver);
  if constexpr (std::same_as<Grid, TimeGrid>) {
    precompute(packed, denoise, grid);
    precompute(packed, solver, grid);
  }
  auto start = to_tensor<X>(std::move(x));
  if (start.rank() == 0) raise<ShapeError>("sample: a state [], needed [B, ...]");
  if constexpr (!std::same_as<X, Tensor<T>> && requires(const X& s, const Level& level) {
                  { denoise(s, level) } -> std::convertible_to<X>;
                })
    return from_tensor<X>(run<T>(std::move(solver), OnState<X, D>{denoise}, std::move(start), grid,
                                 rng, options, observer));
  else
    return from_tensor<X>(
        run<T>(std::move(solver), denoise, std::move(start), grid, rng, options, observer));
}

/// The noise of a run that has none.
class NoNoise final : public NoiseSource {
 public:
  void fill(std::span<double>, const NoiseRequest&) const override {
    raise<ArgumentError>("integrate: the solver asked for noise");
  }
};

}  // namespace detail

/// Takes x [B, ...], a state at the level grid.front(), along the grid. X is a Tensor or any State
/// (an Eigen or xtensor array, see core/state.hpp), and comes back as it went in; `denoise` is
/// written on X or on Tensor. What the solver remembers stays inside a run. `observer` is
/// called with a StepView after every step. A sample's bits depend on its own state, its index
/// first_sample + b, `rng` and the grid; not on the batch or the threads. Denormal numbers count as
/// zero within a step (FlushDenormals). Networks in the denoiser and the solver keep their weights
/// until the end of the run (PackedWeights).
/// Throws ArgumentError for a grid that grid::check refuses, NumericError for a state that is not
/// finite, ShapeError for a scalar state and for a denoiser that changes the shape.
template <State X, class S, class D, class Observer = NoObserver>
X sample_from(S solver, const D& denoise, X x, const TimeGrid& grid, const Rng& rng,
              const SampleOptions& options = {}, Observer observer = {}) {
  grid::check(grid);
  return detail::run_state<X>(std::move(solver), denoise, std::move(x), grid, rng, options,
                              observer);
}

/// sample_from without noise: follows the probability-flow ODE from x [B, ...] at grid.front(). A
/// solver that may draw noise does not compile here, whatever its options are.
template <State X, class S, class D, class Observer = NoObserver>
X integrate(S solver, const D& denoise, X x, const TimeGrid& grid,
            const SampleOptions& options = {}, Observer observer = {}) {
  static_assert(deterministic<S>,
                "integrate: this solver may draw noise, and here is no source of noise; call "
                "sample_from with an Rng, or take a deterministic solver (solver::Euler is ddim "
                "with eta = 0)");
  const detail::NoNoise none;
  SampleOptions own = options;
  own.noise = &none;
  return sample_from<X>(std::move(solver), denoise, std::move(x), grid, Rng(0), own,
                        std::move(observer));
}

/// The same on a grid for each group of a sample's elements: the frames of a rolling window (Ruhe
/// et al. 2024), the frequencies of a blur (Hoogeboom & Salimans 2023). The solver and the denoiser
/// take Levels. A group whose level stays as it is waits.
template <State X, class S, class D, class Observer = NoObserver>
X sample_from(S solver, const D& denoise, X x, const GroupGrids& grids, const Rng& rng,
              const SampleOptions& options = {}, Observer observer = {}) {
  return detail::run_state<X>(std::move(solver), denoise, std::move(x), grids, rng, options,
                              observer);
}

/// Samples of `shape` [B, ...] as an X: the state sigma * noise at grid.front(), then sample_from.
/// Its mean is 0, so the grid is to begin where alpha x0 is small beside it. Throws ArgumentError
/// for one that begins where the data shows (SampleOptions::max_signal), and as sample_from does.
///
///   auto x = sample<Eigen::ArrayXXf>(solver::Ddim{}, denoise, {64, 24}, grid, Rng(7));
///
/// A generator is a value: two calls with the same one give the same samples. Other samples have
/// another seed, another stream, or another place in the run:
///
///   auto y = sample<Eigen::ArrayXXf>(solver::Ddim{}, denoise, {64, 24}, grid, rng.stream(k));
///   auto next = sample<Eigen::ArrayXXf>(solver::Ddim{}, denoise, {64, 24}, grid, Rng(7),
///                                       {.first_sample = 64});
template <State X, class S, class D, class Observer = NoObserver>
X sample(S solver, const D& denoise, const Shape& shape, const TimeGrid& grid, const Rng& rng,
         const SampleOptions& options = {}, Observer observer = {}) {
  using T = state_scalar<X>;
  detail::check_start(grid, options);
  auto x = detail::prior_rng(rng, options).normal<T>(shape);
  for (T& v : x) v *= static_cast<T>(grid.front().sigma);
  return sample_from<X>(std::move(solver), denoise, from_tensor<X>(std::move(x)), grid, rng,
                        options, std::move(observer));
}

/// Samples as a Tensor<T>; the same ones whenever the generator and first_sample are, as above.
///
///   auto x = sample(solver::Ddim{}, denoise, {64, 96, 1}, grid::uniform(schedule, 50), Rng(7));
template <Scalar T = float, class S, class D, class Observer = NoObserver>
Tensor<T> sample(S solver, const D& denoise, const Shape& shape, const TimeGrid& grid,
                 const Rng& rng, const SampleOptions& options = {}, Observer observer = {}) {
  return sample<Tensor<T>>(std::move(solver), denoise, shape, grid, rng, options,
                           std::move(observer));
}

/// The same on a grid for each group of a sample's elements, each from its own sigma * noise.
template <Scalar T = float, class S, class D, class Observer = NoObserver>
Tensor<T> sample(S solver, const D& denoise, const Shape& shape, const GroupGrids& grids,
                 const Rng& rng, const SampleOptions& options = {}, Observer observer = {}) {
  detail::check_start(grids, options);
  auto x = detail::prior_rng(rng, options).normal<T>(shape);
  detail::GroupPath path(grids, detail::batch_of(x));
  const Levels first = path.from(0);
  const Index rows = first.rows(detail::batch_of(x), x.row_size(), "sample");
  x = scale(std::move(x), rows, [&](Index r) { return first[r].sigma; });
  return sample_from(std::move(solver), denoise, std::move(x), grids, rng, options,
                     std::move(observer));
}

}  // namespace foglift::inline v0
