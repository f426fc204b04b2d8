#pragma once

#include "foglift/nn/description.hpp"
#include "foglift/train/callback.hpp"
#include "foglift/train/clip.hpp"
#include "foglift/train/denormals.hpp"
#include "foglift/train/ema.hpp"
#include "foglift/train/lr_schedule.hpp"
#include "foglift/train/optimizer.hpp"
#include "foglift/train/shards.hpp"
#include "foglift/train/shuffle.hpp"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace foglift::inline v0::train {

/// A denoiser whose network is a Model, and which says what it is beside it: a NetworkDenoiser.
template <class D, class Model>
concept TrainedAs = requires(const D& denoise) {
  { denoise.network() } -> std::same_as<const Model&>;
  { denoise.description() } -> std::convertible_to<nn::Description>;
};

/// What a run of `fit` has become beside its weights and its optimizer.
struct FitRecord {
  std::uint64_t seed = 0;  ///< of the order of the examples
  Index step = 0;          ///< steps done
  double smoothed_loss = 0;
  double best_metric = std::numeric_limits<double>::infinity();
  Index best_step = 0;  ///< steps done when the best metric was measured
  Index misses = 0;     ///< validations since then
  /// Numbers that were fitted beside the weights, by name: a scale of the data, a loss history.
  std::map<std::string, Tensor<double>> fitted = {};
  /// What the program chose that the weights are of no use without, by name ("horizon" = "24"). A
  /// checkpoint is restored only where it is the same. Networks say by themselves what they were
  /// built with (nn::description).
  nn::Description made_for = {};
};

/// Everything a run of `fit` has become so far, as one value: a copy, or what a checkpoint brings
/// back, goes on to the same bits as the original.
template <nn::Module Model, Optimizer Rule>
struct FitState : FitRecord {
  Model model;
  Model ema;                  ///< running average of the weights
  std::optional<Model> best;  ///< the average at the lowest metric, once one was measured
  Rule optimizer;

  /// Throws ArgumentError if the model holds parameters that its each() does not name.
  FitState(Model initial, Rule rule, std::uint64_t shuffle_seed)
      : FitRecord{.seed = shuffle_seed},
        model(std::move(initial)),
        ema(nn::detail::named_copy("FitState", model)),
        optimizer(std::move(rule)) {}

  /// A run that trains the network of a denoiser, made for its parameterization and schedule.
  template <class D>
    requires TrainedAs<D, Model>
  FitState(const D& denoise, Rule rule, std::uint64_t shuffle_seed)
      : FitState(Model(denoise.network()), std::move(rule), shuffle_seed) {
    made_for = denoise.description();
  }

  /// The weights to use: the best ones if a metric chose them, else the average.
  const Model& result() const { return best ? *best : ema; }
};

template <class D, Optimizer Rule>
FitState(const D& denoise, Rule,
         std::uint64_t) -> FitState<std::remove_cvref_t<decltype(denoise.network())>, Rule>;

struct FitOptions {
  Index examples = 0;  ///< size of the training set; the loss gets indices into it, see Examples
  Index batch = 64;
  Index shard = 8;  ///< examples a tape; part of the result's definition, unlike the threads
  Index steps = 1000;
  std::function<double(Index)> rate = ConstantRate{};  ///< factor on the optimizer's rate
  double clip = 0;                                     ///< largest gradient norm; 0: no limit
  EmaDecay ema = {};
  double smoothing = 0.98;  ///< of the reported loss
};

namespace detail {

inline void check_fit(const FitOptions& o) {
  if (o.examples <= 0 || o.batch <= 0 || o.shard <= 0 || o.steps < 0)
    raise<ArgumentError>("fit: examples ", o.examples, ", batch ", o.batch, ", shard ", o.shard,
                         ", steps ", o.steps, "; needed the first three > 0, steps >= 0");
  if (!(o.clip >= 0 && o.smoothing >= 0 && o.smoothing < 1))
    raise<ArgumentError>("fit: clip ", o.clip, ", smoothing ", o.smoothing,
                         "; needed clip >= 0, smoothing in [0, 1)");
  if (!(o.ema.decay >= 0 && o.ema.decay <= 1))
    raise<ArgumentError>("fit: ema.decay ", o.ema.decay, ", needed in [0, 1]");
}

/// Moves the weights and then their average; at once where the optimizer can.
template <class State, class T>
void step_and_follow(State& state, const Gradients<T>& grads, double lr, double decay) {
  const Average<decltype(state.model)> average{&state.ema, decay};
  if constexpr (requires { state.optimizer.step(state.model, grads, lr, average); }) {
    state.optimizer.step(state.model, grads, lr, average);
  } else {
    state.optimizer.step(state.model, grads, lr);
    ema_update(state.ema, state.model, decay);
  }
}

/// One step; nothing of the state changes before everything that can fail has passed.
template <class State, class L, class T>
FitProgress fit_step(State& state, const L& loss, const FitOptions& options, Shuffle& batches,
                     Shards<T>& shards) {
  const FlushDenormals flush;
  const std::vector<Index> batch = batches(state.step);
  BatchGradients<T>& result = shards(std::as_const(state.model), loss, batch, state.step);
  const std::string where = "fit: step " + std::to_string(state.step);
  refuse_forgotten(where, result.gradients, {state.model});
  FitProgress p{.step = state.step + 1, .steps = options.steps, .loss = result.loss};
  p.gradient_norm = global_norm(state.model, result.gradients);
  if (!std::isfinite(p.gradient_norm)) check_gradients(where, state.model, result.gradients);
  if (options.clip > 0 && !(p.gradient_norm <= options.clip))
    clip_norm(state.model, result.gradients, options.clip);
  p.learning_rate = state.optimizer.learning_rate() * (options.rate ? options.rate(state.step) : 1);
  if (!std::isfinite(p.learning_rate))
    raise<NumericError>(where, ": the learning rate is ", p.learning_rate);
  step_and_follow(state, result.gradients, p.learning_rate, options.ema(state.step));
  state.smoothed_loss =
      state.step == 0 ? p.loss
                      : options.smoothing * state.smoothed_loss + (1 - options.smoothing) * p.loss;
  p.smoothed_loss = state.smoothed_loss;
  ++state.step;
  return p;
}

}  // namespace detail

/// Trains state.model until options.steps steps are done in all, or a callback ends the run (see
/// FitCallback; any number of them, called in their order). Step k sees the batch Shuffle(examples,
/// batch, seed)(k), computes its gradients by Shards, and moves the weights and their average. The
/// result does not depend on the number of threads, nor on how often the run was ended and resumed
/// from its state. No clock is read. Throws NumericError naming the step and the loss or the first
/// parameter that is not finite, with the state as it was before that step; ArgumentError for
/// options that do not fit together; and what loss and callbacks throw.
///
///   train::FitState state(net, train::AdamW({.lr = 3e-4}), seed);
///   train::Interrupt interrupt;
///   train::fit(state, loss, {.examples = data.dim(0), .steps = 2000}, interrupt,
///              [](const train::FitProgress& p) { std::printf("%g\n", p.smoothed_loss); });
///   auto trained = denoise.of(state.result());
template <nn::Module Model, Optimizer Rule, class L, FitCallback<FitState<Model, Rule>>... On>
  requires Loss<L, Model, typename Rule::value_type>
FitEnd fit(FitState<Model, Rule>& state, const L& loss, const FitOptions& options, On&&... on) {
  detail::check_fit(options);
  Shuffle batches(options.examples, options.batch, state.seed);
  Shards<typename Rule::value_type> shards(options.shard);
  for (;;) {
    if (state.step >= options.steps) return FitEnd::steps;
    std::optional<FitEnd> end;
    ((end = end ? end : detail::ask_before_step(on, std::as_const(state))), ...);
    if (end) return *end;
    [[maybe_unused]] FitProgress progress = detail::fit_step(state, loss, options, batches, shards);
    (detail::tell_after_step(on, state, progress), ...);
  }
}

}  // namespace foglift::inline v0::train
