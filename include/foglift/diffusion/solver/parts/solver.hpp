#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace foglift::inline v0 {

/// The memory of a solver that keeps none.
struct NoMemory {};

namespace detail {
template <class S, class T>
concept HasMemory =
    requires(const S& solver, const TimeGrid& grid) { solver.template start<T>(grid); };

template <class S, class T>
auto start(const S& solver, const TimeGrid& grid) {
  if constexpr (HasMemory<S, T>)
    return solver.template start<T>(grid);
  else
    return NoMemory{};
}
}  // namespace detail

/// What a solver keeps from step to step of one run.
template <class S, class T = float>
using Memory = decltype(detail::start<S, T>(std::declval<const S&>(), TimeGrid()));

namespace solver {
// What a rule states in place of a number.
inline constexpr int always_noisy = 0;  // order: its noise can not be turned off
inline constexpr int no_noise = 0;      // weak_order: it never draws any
inline constexpr int no_limit = -1;     // weak_order: its error need not vanish with the step
inline constexpr int as_needed = 0;     // evaluations: what a tolerance asks for, or the run
}  // namespace solver

/// Whether a solver never draws noise.
template <class S>
inline constexpr bool deterministic = S::weak_order == solver::no_noise;

/// A rule for one step between two levels of a grid, the second cleaner than the first:
///   step(Tensor<T> x, const Level& from, const Level& to, denoise, const StepRng&) const
/// A solver is an immutable value. One that keeps past outputs of the denoiser, or needs to know
/// the whole grid, has in addition start<T>(grid), which makes the memory of a run, and takes that
/// memory as the last argument of step. Constants that its tests measure:
///   name         for messages
///   order        of the error in the largest step towards the probability-flow ODE's solution,
///                with the noise turned off; or solver::always_noisy
///   weak_order   of the error in the distribution's moments when noise is added; or
///                solver::no_noise, solver::no_limit
///   evaluations  calls of the denoiser a step (the first steps of a run may take more, a step to
///                sigma = 0 fewer); or solver::as_needed
template <class S, class D, class T = float>
concept Solver = requires {
  { S::name } -> std::convertible_to<const char*>;
  { S::order } -> std::convertible_to<int>;
  { S::weak_order } -> std::convertible_to<int>;
  { S::evaluations } -> std::convertible_to<int>;
}
&&(
    requires(const S& solver, Tensor<T> x, const Level& level, const D& denoise,
             const StepRng& rng) {
      { solver.step(std::move(x), level, level, denoise, rng) } -> std::same_as<Tensor<T>>;
    } ||
    requires(const S& solver, Tensor<T> x, const Level& level, const D& denoise, const StepRng& rng,
             Memory<S, T>& memory) {
      { solver.step(std::move(x), level, level, denoise, rng, memory) } -> std::same_as<Tensor<T>>;
    });

/// One run of a solver, for loops other than sample(): the solver and its memory.
///
///   Run run(solver::Heun{}, grid);
///   Tensor<float> x = noise;
///   for (std::size_t i = 0; i + 1 < grid.size(); ++i)
///     x = run.step(std::move(x), grid[i], grid[i + 1], denoise, StepRng(rng, 0, Index(i)));
template <class S, Scalar T = float>
class Run {
 public:
  Run(S solver, const TimeGrid& grid)
      : solver_(std::move(solver)), memory_(detail::start<S, T>(solver_, grid)) {}
  /// For steps at Levels: of a solver without memory.
  Run(S solver, const GroupGrids&)
    requires(!detail::HasMemory<S, T>)
      : solver_(std::move(solver)) {}

  template <AnyLevels L, class D>
  Tensor<T> step(Tensor<T> x, const L& from, const L& to, const D& denoise, const StepRng& rng) {
    if constexpr (detail::HasMemory<S, T>)
      return solver_.step(std::move(x), from, to, denoise, rng, memory_);
    else
      return solver_.step(std::move(x), from, to, denoise, rng);
  }

  const Memory<S, T>& memory() const { return memory_; }

 private:
  S solver_;
  Memory<S, T> memory_;
};

}  // namespace foglift::inline v0
