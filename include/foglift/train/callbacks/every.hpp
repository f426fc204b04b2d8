#pragma once

#include "foglift/core/error.hpp"
#include "foglift/train/callback.hpp"

#include <concepts>
#include <utility>

namespace foglift::inline v0::train {
namespace callback {

namespace detail {
/// Asks for progress only where f does not take a state: a lambda of any argument would be
/// instantiated with both, which clang 14 does for two concepts joined by ||.
template <class F, class State>
constexpr bool takes() {
  if constexpr (std::invocable<F&, const State&>)
    return true;
  else
    return std::invocable<F&, const FitProgress&>;
}
}  // namespace detail

/// Calls f(state), or else f(progress), after every n-th step of the whole run, whatever its parts:
/// checkpoints, samples, a figure.
///
///   train::callback::Every save(200, [&](const auto& run) {
///     io::save_checkpoint("run.safetensors", run, "");
///   });
template <class F>
class Every {
 public:
  /// Throws ArgumentError unless n > 0.
  Every(Index n, F f) : n_(n), f_(std::move(f)) {
    if (n <= 0) raise<ArgumentError>("Every: ", n, " steps, must be positive");
  }

  template <class State>
    requires(detail::takes<F, State>())
  void after_step(const State& state, const FitProgress& progress) {
    if (progress.step % n_ != 0) return;
    if constexpr (std::invocable<F&, const State&>)
      f_(state);
    else
      f_(progress);
  }

 private:
  Index n_;
  F f_;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
