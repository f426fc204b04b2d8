#pragma once

#include "foglift/autograd/ops/detach.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/blocks/conv_stack.hpp"

namespace foglift::inline v0::forecast {

/// The published configuration; `small` is one for minutes on two cores.
struct TimeDiffOptions {
  FrameOptions frame = {};
  Index width = 256, layers = 3;  ///< of each of the three convolutional parts
  Index time_features = 128;      ///< of the noise level
  double dropout = 0.1;
  Index steps = 100;  ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.1};
  Index sampling_steps = 100;  ///< of DDPM; at most `steps`

  static TimeDiffOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static TimeDiffOptions small(const FrameOptions& frame) {
    return {.frame = frame, .width = 32, .layers = 2, .time_features = 32};
  }
};

/// TimeDiff (Shen & Kwok 2023): a diffusion model of the whole horizon that predicts the data, told
/// of the past by two forecasts. Future mixup (eq. 8): in training, one of them is mixed with the
/// true future, number by number, at a random rate; in sampling it stands alone. Autoregressive
/// initialisation (eq. 9): the other is a linear one, trained by its own squared error and not by
/// the model's. Both are linear in the past of a channel and the mask of what is missing, with the
/// same weights for all channels. The network is told calendar, covariates and statics, too, and
/// has layer norms where the paper has batch norms.
class TimeDiff : public ChainMethod<TimeDiffOptions, predict::X0> {
 public:
  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// odd time features, or more sampling steps than steps. `reach`, `lead` and `center` are chosen
  /// here.
  TimeDiff(const Options& o, Rng& rng)
      : ChainMethod("TimeDiff", o, DiscreteSchedule::linear(o.steps, o.beta)),
        linear_({.in = 2 * o.frame.context, .out = o.frame.horizon}, rng),
        future_({.in = 2 * o.frame.context, .out = o.frame.horizon}, rng),
        embedding_(embedding_of_step(o.time_features), rng),
        input_(part(channels(), o.width), rng),
        encoder_(part(o.width + o.time_features, o.width), rng),
        decoder_(part(o.width + 2 * channels() + Window::channels(o.frame), channels()), rng) {}

  /// The denoiser of targets [B, H, K] under a condition [B, H, 2 K + F]. Refers to *this.
  template <Value C>
  auto denoiser(C condition, nn::DropoutCalls dropout = {}) const {
    return denoiser_of([this, condition = std::move(condition), dropout](
                           const auto& x, const Tensor<float>& time) {
      auto calls = dropout;
      return this->network(x, time, condition, calls);
    });
  }

  /// What is told of the past, [B, H, K] each.
  template <Value X>
  struct Forecasts {
    X linear, future;
  };
  template <class... On>
  auto forecasts(const Window& window, On&... tape) const {
    const Index C = this->frame().context;
    const auto past = [&](const Tensor<float>& x) { return transpose(slice(x, 1, 0, C), 1, 2); };
    const auto x = recorded(concat({past(window.values), past(window.mask)}, 2), tape...);
    return Forecasts<std::remove_const_t<decltype(x)>>{transpose(linear_(x), 1, 2),
                                                       transpose(future_(x), 1, 2)};
  }

  /// rates * forecast + (1 - rates) * target, the forecast where the target is missing.
  template <Value X>
  static X mixed(const X& forecast, Tensor<float> rates, const Tensor<float>& target,
                 const Tensor<float>& target_mask) {
    Tensor<float> rest(rates.shape());
    for (Index i = 0; i < rates.size(); ++i) {
      if (target_mask[i] == 0)
        rates[i] = 1;
      else
        rest[i] = (1 - rates[i]) * target[i];
    }
    return constant(std::move(rates), forecast) * forecast + constant(std::move(rest), forecast);
  }

  /// The mean squared errors of the data that the network predicts and of the linear forecast, of
  /// targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::known(frame);
    const Tensor<float> target = frame.scaled_target();
    Tensor<float> rates(target.shape());
    const auto n = static_cast<std::size_t>(rates.row_size());
    for (Index b = 0; b < frame.size(); ++b)
      keys.rng.stream(mixup_stream)
          .fill_uniform(std::span(rates.data() + b * rates.row_size(), n), keys.draws.sample(b),
                        static_cast<std::uint32_t>(keys.draws.step));
    const auto told = forecasts(window, tape...);
    const auto condition = concat({mixed(told.future, std::move(rates), target, frame.target_mask),
                                   detach(told.linear), constant(ahead(window), told.linear)},
                                  2);
    return target_loss(denoiser(condition, nn::DropoutCalls(keys.dropout)), frame, keys, tape...) +
           weighted_mse(told.linear, target, frame.target_mask);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window window = Window::known(frame);
    const auto told = forecasts(window);
    const auto denoise =
        denoiser(repeated(concat({told.future, told.linear, ahead(window)}, 2), paths.count));
    return paths_by(solver::Ddpm{}, denoise, paths);
  }

  FOGLIFT_PRIVATE_CHILDREN(linear, future, embedding, input, encoder, decoder);

 private:
  static constexpr std::uint64_t mixup_stream = 4;  // those below are the loss's

  nn::ConvStackOptions part(Index in, Index out) const {
    return {.in = in,
            .out = out,
            .width = options().width,
            .layers = options().layers,
            .dropout = options().dropout};
  }
  /// The features of the horizon's cells, [B, H, F].
  Tensor<float> ahead(const Window& window) const {
    return slice(window.features, 1, frame().context, horizon());
  }

  template <Value X>
  X network(const X& x, const Tensor<float>& time, const X& condition,
            nn::DropoutCalls& dropout) const {
    const X e = embedding_(time, nn::Condition<float>{}, x);
    const X everywhere = constant(Tensor<float>({x.dim(0), x.dim(1), 1}, 1.0F), x) *
                         reshape(e, {x.dim(0), 1, e.dim(1)});
    const X h = encoder_(concat({input_(x, dropout), everywhere}, 2), dropout);
    return decoder_(concat({h, condition}, 2), dropout);
  }

  nn::Linear<float> linear_, future_;
  nn::TimeEmbedding<float> embedding_;
  nn::ConvStack<float> input_, encoder_, decoder_;
};

}  // namespace foglift::inline v0::forecast
