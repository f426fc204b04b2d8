#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/core/float_mode.hpp"
#include "foglift/core/state.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/solver/solver.hpp"

#include <concepts>
#include <cstdint>
#include <span>
#include <utility>

namespace foglift {
inline namespace v0 {

struct SampleOptions {
  /// Index of the batch's first sample in the run: shards drawn apart, each with its own first
  /// sample, are the rows of one run, bit for bit.
  std::uint64_t first_sample = 0;
  /// Look for infinities and NaN after every step.
  bool check_finite = true;
  /// Where the noise of the steps comes from, nullptr: fresh in every step. A BrownianPath keeps it
  /// the same for all numbers of steps. The state that a run starts from is drawn from the run's
  /// generator either way.
  const NoiseSource* noise = nullptr;
  /// What may be left of the data where the grid of sample() begins, alpha / sigma, see
  /// grid::signal_left: a run from noise alone misses it. At 1 that is half of the variance of the
  /// state, for data of variance 1; data of deviation s bear 1 / s. Infinity: anything.
  double max_signal = 1;
};

/// What an observer is told after a step: step `step` of `steps` (from 0), the level reached, the
/// state there [B, ...], and the denoiser's first x0 of the step, at the level left.
template <Scalar T>
struct StepView {
  Index step, steps;
  const Level& level;
  const Tensor<T>& x;
  const Tensor<T>& x0;
};

/// The observer that is not there.
struct NoObserver {};

/// Tells the networks in a denoiser which levels runs will be at: they embed the times of a grid at
/// once, and keep the rows as long as the promise of their weights. A run does it for itself. Who
/// draws many small batches spares each run its preparations:
///
///   PackedWeights packed(denoise);
///   foresee(packed, denoise, grid);
///   for (;;) outputs.push_back(sample(solver::Ddim{}, denoise, {1, 24}, grid, Rng(seed++)));
template <class Model>
void foresee(PackedWeights& promise, const Model& model, const TimeGrid& grid) {
  const FlushDenormals flush;  // as in a step, for the same bits
  if constexpr (requires { model.foresee(promise, grid); })
    model.foresee(promise, grid);
  else if constexpr (requires { model.each_part([](const auto&) {}); })
    model.each_part([&](const auto& part) { foresee(promise, part, grid); });
}

namespace detail {

/// Streams of the run's generator.
inline constexpr std::uint64_t prior_stream = 0, step_stream = 1;

/// Keeps the first x0 of a step for the observer.
template <class D, Scalar T>
struct Recorder {
  const D& denoise;
  Tensor<T>& x0;
  bool& taken;

  template <class L>
  requires std::invocable < const D&, const Tensor<T>
  &, const L& > Tensor<T> operator()(const Tensor<T>& x, const L& level) const {
    Tensor<T> out = denoise(x, level);
    if (!std::exchange(taken, true)) x0 = out;
    return out;
  }
  Var<T> operator()(const Var<T>& x,
                    const Levels& levels) const requires DifferentiableDenoiser<D, T> {
    Var<T> out = denoise(x, levels);
    if (!std::exchange(taken, true)) x0 = out.value();
    return out;
  }

  /// Rules ask about some samples after they asked about all.
  decltype(auto) rows(const Rows& rows) const { return rows_of(denoise, rows); }

  /// Of a denoiser with a variance head.
  auto moments(const Tensor<T>& x, const Level& level) const requires requires {
    denoise.moments(x, level);
  }
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
  requires std::invocable<const D&, X, const L&> Tensor<state_scalar<X>>
  operator()(const Tensor<state_scalar<X>>& x, const L& level) const {
    return foglift::to_tensor<X>(denoise(foglift::from_tensor<X>(x), level));
  }
};

template <Scalar T>
void check_finite(const Tensor<T>& x, const char* solver, Index step, Index steps, double t,
                  std::uint64_t first_sample) {
  const Index n = x.row_size();
  for (Index b = 0; b < batch_of(x); ++b) {
    bool finite = true;
    for (Index i = b * n; i < (b + 1) * n; ++i) finite &= std::isfinite(x[i]);
    if (!finite)
      raise<NumericError>("sample: ", solver, " gave a number that is not finite in step ", step,
                          " of ", steps, ", from t = ", t, ", sample ",
                          first_sample + static_cast<std::uint64_t>(b));
  }
}

template <Scalar T, class S, class D, class Observer>
Tensor<T> run(S solver, const D& denoise, Tensor<T> x, const TimeGrid& grid, const Rng& rng,
              const SampleOptions& options, Observer& observer) {
  static_assert(Denoiser<D, T>,
                "sample: a denoiser is callable as (const Tensor<T>&, Level) -> Tensor<T>, T being "
                "the scalar of the state");
  static_assert(Solver<S, D, T>,
                "sample: a solver has name, order, weak_order, evaluations and step(Tensor<T> x, "
                "Level from, Level to, denoiser, StepRng[, memory]) -> Tensor<T>");
  Run<S, T> stepper(std::move(solver), grid);
  const Index steps = static_cast<Index>(grid.size()) - 1;
  for (Index i = 0; i < steps; ++i) {
    const Level &from = grid[static_cast<std::size_t>(i)],
                &to = grid[static_cast<std::size_t>(i + 1)];
    const StepRng noise(rng.stream(step_stream), options.first_sample, i, options.noise);
    const auto finite = [&] {
      if (options.check_finite) check_finite(x, S::name, i, steps, from.t, options.first_sample);
    };
    const auto step = [&](const auto& denoiser) {
      const FlushDenormals flush;
      x = stepper.step(std::move(x), from, to, denoiser, noise);
    };
    if constexpr (std::same_as<Observer, NoObserver>) {
      step(denoise);
      finite();
    } else {
      Tensor<T> x0;
      bool taken = false;
      step(Recorder<D, T>{denoise, x0, taken});
      finite();
      observer(StepView<T>{i, steps, to, x, x0});
    }
  }
  return x;
}

/// run() on any State.
template <State X, class S, class D, class Observer>
X run_state(S solver, const D& denoise, X x, const TimeGrid& grid, const Rng& rng,
            const SampleOptions& options, Observer& observer) {
  using T = state_scalar<X>;
  PackedWeights packed(denoise, solver);
  foresee(packed, denoise, grid);
  foresee(packed, solver, grid);
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

/// Throws ArgumentError for a grid that begins where too much of the data is left to begin there
/// from noise.
inline void check_start(const TimeGrid& grid, const SampleOptions& options) {
  const double left = grid::signal_left(grid);
  if (!(left <= options.max_signal))
    raise<ArgumentError>(
        "sample: the grid begins at ", grid.front(), ", where alpha / sigma = ", left,
        " of the data is left, and samples begin with noise alone; needed at most ",
        options.max_signal,
        ": begin the grid at more noise, give sample_from() or edit() a state of "
        "that level, or raise SampleOptions::max_signal");
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
  static_assert(S::weak_order == 0,
                "integrate: this solver may draw noise, and here is no source of noise; call "
                "sample_from with an Rng, or take a deterministic solver (solver::Euler is ddim "
                "with eta = 0)");
  const detail::NoNoise none;
  SampleOptions own = options;
  own.noise = &none;
  return sample_from<X>(std::move(solver), denoise, std::move(x), grid, Rng(0), own,
                        std::move(observer));
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
  auto x = StepRng(rng.stream(detail::prior_stream), options.first_sample, 0).normal<T>(shape);
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

}  // namespace v0
}  // namespace foglift
