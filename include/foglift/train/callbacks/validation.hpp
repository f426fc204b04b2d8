#pragma once

#include "foglift/core/error.hpp"
#include "foglift/train/callback.hpp"

#include <cmath>
#include <optional>
#include <utility>

namespace foglift::inline v0::train {
namespace callback {

struct ValidationOptions {
  Index every = 0;     ///< steps between validations, and after the last step; 0: never
  Index patience = 0;  ///< validations without a new best before the run ends; 0: it never does
};

/// Judges the averaged weights by metric(model) -> double, lower is better, keeps the best ones as
/// state.best, and ends the run once it waited in vain. Give it before callbacks that read the
/// metric or save the state. A metric that is not finite is a NumericError.
///
///   const auto metric = [&](const Net& net) -> double {
///     return denoise.of(net).loss(data, rng, {.step = 0}).item();  // of data that is held out
///   };
///   train::callback::Validation validation(metric, {.every = 100, .patience = 5});
///   train::fit(state, loss, options, validation);
template <class Metric>
class Validation {
 public:
  /// Throws ArgumentError for a negative number, and for patience without validation.
  Validation(Metric metric, const ValidationOptions& options)
      : metric_(std::move(metric)), options_(options) {
    if (options.every < 0 || options.patience < 0 || (options.patience > 0 && options.every == 0))
      raise<ArgumentError>("Validation: every ", options.every, ", patience ", options.patience,
                           "; none may be negative, and patience needs validations");
  }

  template <class State>
  std::optional<FitEnd> before_step(const State& state) const {
    if (options_.patience > 0 && state.misses >= options_.patience) return FitEnd::patience;
    return std::nullopt;
  }

  template <class State>
  void after_step(State& state, FitProgress& p) {
    if (options_.every == 0 || (p.step % options_.every != 0 && p.step != p.steps)) return;
    const double metric = metric_(std::as_const(state.ema));
    if (!std::isfinite(metric))
      raise<NumericError>("fit: the validation metric after ", p.step, " steps is ", metric);
    p.metric = metric;
    p.best = metric < state.best_metric;
    if (!p.best) {
      ++state.misses;
      return;
    }
    state.best = state.ema;
    state.best_metric = metric;
    state.best_step = p.step;
    state.misses = 0;
  }

 private:
  Metric metric_;
  ValidationOptions options_;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
