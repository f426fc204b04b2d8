#pragma once

#include "foglift/core/shape.hpp"

#include <concepts>
#include <optional>
#include <utility>

namespace foglift::inline v0::train {

/// Why a run of `fit` ended.
enum class FitEnd { steps, patience, stopped };

/// One step as seen from outside.
struct FitProgress {
  Index step = 0;   ///< steps done
  Index steps = 0;  ///< steps asked for
  double loss = 0;
  double smoothed_loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;           ///< before clipping
  std::optional<double> metric = {};  ///< if a callback::Validation judged this step
  bool best = false;                  ///< the metric is a new best
};

namespace detail {
template <class C, class State>
concept AskedBeforeStep = requires(C& on, const State& state) {
  { on.before_step(state) } -> std::same_as<std::optional<FitEnd>>;
};
template <class C, class State>
concept ToldAfterStep =
    requires(C& on, State& state, FitProgress& progress) { on.after_step(state, progress); };
}  // namespace detail

/// What `fit` asks before a step and tells after it: an object with before_step(state), an
/// std::optional<FitEnd> that ends the run or lets it go on, or after_step(state, progress), or
/// both; or a function of const FitProgress&, called after every step. The state is a const
/// FitState&, or the FitRecord in it; it is complete, and may be saved. Callbacks are called in the
/// order in which `fit` gets them. Ready ones: callback::Validation, Every, StopWhen, Budget,
/// ProgressLine, Log, and Interrupt.
///
///   struct LowestRate {
///     double rate = 1;
///     void after_step(const train::FitRecord&, const train::FitProgress& p) {
///       rate = std::min(rate, p.learning_rate);
///     }
///   };
template <class C, class State>
concept FitCallback = detail::AskedBeforeStep<C, State> || detail::ToldAfterStep<C, State> ||
                      std::invocable<C&, const FitProgress&>;

namespace detail {

template <class State, class C>
std::optional<FitEnd> ask_before_step(C& on, const State& state) {
  if constexpr (AskedBeforeStep<C, State>)
    return on.before_step(state);
  else
    return std::nullopt;
}

template <class State, class C>
void tell_after_step(C& on, State& state, FitProgress& progress) {
  if constexpr (ToldAfterStep<C, State>) on.after_step(state, progress);
  if constexpr (std::invocable<C&, const FitProgress&>) on(std::as_const(progress));
}

}  // namespace detail
}  // namespace foglift::inline v0::train
