#pragma once

#include "foglift/diffusion/inverse/mean_shift.hpp"
#include "foglift/diffusion/inverse/self_guidance.hpp"
#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/blocks/state_space_block.hpp"
#include "foglift/nn/nets/skip_stack.hpp"

namespace foglift::inline v0::forecast {

/// How the known values lead an unconditional model: by their squares, or each path by a quantile
/// of its own.
enum class ObservationGuidance { mean_square, quantile };

/// The published configuration (for hourly M4, without lagged copies); `small` is one for minutes
/// on two cores.
struct TsdiffOptions {
  FrameOptions frame = {};
  Index width = 64, layers = 3, modes = 64;  ///< of the state-space blocks
  Index time_features = 128;                 ///< of the noise level
  Index steps = 100;                         ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.1};
  Index sampling_steps = 100;  ///< of DDPM; at most `steps`
  ObservationGuidance guidance = ObservationGuidance::quantile;
  double strength = 2;  ///< the paper's s

  static TsdiffOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static TsdiffOptions small(const FrameOptions& frame) {
    return on_short_chain<TsdiffOptions>(
        {.frame = frame, .width = 16, .layers = 2, .modes = 8, .time_features = 32}, 50, 0.2);
  }
};

/// How forecasts of others are refined.
struct TsdiffRefineOptions {
  Index iterations = 20;
  double rate = 0.1;    ///< of a step down the gradient
  double noise = 0.1;   ///< of a step, in parts of Langevin's
  Index level = 20;     ///< the chain's step at which the model is asked
  double strength = 1;  ///< of what holds the forecast where it was, the paper's lambda
};

/// TSDiff (Kollovieh et al. 2023): an unconditional diffusion model of windows of context and
/// horizon. Forecasts are drawn by observation self-guidance (solver::SelfGuidance) towards the
/// context that is known, whatever is missing in it. It is told no covariates and no calendar; what
/// it knows of phases it sees in the context.
class Tsdiff : public ChainMethod<TsdiffOptions> {
 public:
  using Net = nn::SkipStack<nn::StateSpaceBlock<float>>;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// more sampling steps than steps, or a strength that is not finite. `reach`, `lead` and `center`
  /// are chosen here.
  Tsdiff(const Options& o, Rng& rng)
      : ChainMethod("Tsdiff", o, DiscreteSchedule::linear(o.steps, o.beta)),
        net_({.in = channels(),
              .depth = o.layers,
              .block = {.width = o.width, .modes = o.modes},
              .embedding = embedding_of_step(o.width)},
             rng) {}

  /// The model of windows [B, L, K]. Refers to *this.
  auto denoiser() const { return denoiser_of(net_); }

  /// The mean squared error of the noise of all values that are there, in windows that have a
  /// target.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::counted(frame);
    return denoiser().loss(tape..., window.values, keys.rng, keys.draws, {.weight = &window.mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window seen = Window::known(frame);
    const auto denoise = denoiser();
    const solver::MeanShift guided(
        solver::SelfGuidance(denoise, solver::Known<float>{seen.values, seen.mask},
                             options().guidance == ObservationGuidance::quantile ? quantiles(paths)
                                                                                 : Tensor<float>()),
        {.weight = options().strength, .at = solver::MeanShiftOptions::At::state});
    const Tensor<float> x =
        paths_by(guided, denoise, paths, seen.values.shape().with(0, paths.count));
    return slice(x, 1, x.dim(1) - frame.horizon(), frame.horizon());
  }

  /// Forecasts of another method, scaled targets [count, H, K] of a frame of one row, moved to
  /// where the model holds them more likely: Langevin steps down |eps - eps(x_t)|^2 of windows x of
  /// the context and the forecast, at one level, and the guidance towards their start (section 3.3,
  /// algorithm 3). Throws ShapeError for forecasts of another shape.
  Tensor<float> refine(const Frame& frame, const Tensor<float>& forecasts, const PathKeys& paths,
                       const TsdiffRefineOptions& o = {}) const {
    if (const Shape needed{paths.count, frame.horizon(), frame.channels()};
        forecasts.shape() != needed)
      raise<ShapeError>("Tsdiff::refine: forecasts ", forecasts.shape(), ", needed ", needed);
    const Window seen = Window::known(frame);
    const Index C = seen.values.dim(1) - frame.horizon();
    Tensor<float> x = concat({slice(repeated(seen.values, paths.count), 1, 0, C), forecasts}, 1);
    const bool quantile = options().guidance == ObservationGuidance::quantile;
    const Tensor<float> held =
        quantile
            ? concat({slice(seen.mask, 1, 0, C), Tensor<float>(forecasts.shape().with(0, 1), 1.0F)},
                     1)
            : seen.mask;
    const auto denoise = denoiser();
    const solver::SelfGuidance start(denoise, solver::Known<float>{x, repeated(held, paths.count)},
                                     quantile ? quantiles(paths) : Tensor<float>());
    const Level level = schedule().step(o.level);
    for (Index i = 0; i < o.iterations; ++i) {
      const auto normal = [&](std::uint64_t stream) {
        return paths.rng.stream(stream).normal<float>(
            x.shape(), static_cast<std::uint64_t>(paths.first), static_cast<std::uint32_t>(i));
      };
      const Tensor<float> eps = normal(0);
      const auto energy = [&](const auto& at) {
        const auto noisy = level.alpha * at + constant(eps, at) * level.sigma;
        const auto error = (level.alpha / level.sigma) * (at - denoise(noisy, level));
        return sum(square(error)) - o.strength * start.log_p(at);
      };
      x = x - guide::GradientOf(energy)(x) * o.rate + normal(1) * (o.noise * std::sqrt(2 * o.rate));
    }
    return slice(x, 1, C, frame.horizon());
  }

  /// The quantile of each path, [count]: the radical inverse of its number (van der Corput), so
  /// that those of any number of paths are spread evenly, and a path keeps its own.
  static Tensor<float> quantiles(const PathKeys& paths) {
    Tensor<float> out({paths.count});
    for (Index p = 0; p < paths.count; ++p) {
      float digit = 0.5F;
      for (Index rest = paths.first + p + 1; rest > 0; rest /= 2, digit /= 2)
        out[p] += static_cast<float>(rest % 2) * digit;
    }
    return out;
  }

  FOGLIFT_PRIVATE_CHILDREN(net);

 private:
  Net net_;
};

}  // namespace foglift::inline v0::forecast
