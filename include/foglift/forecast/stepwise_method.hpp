#pragma once

#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/layers/recurrent.hpp"
#include "foglift/nn/nets/channel_wavenet.hpp"

#include <algorithm>
#include <concepts>
#include <vector>

namespace foglift::inline v0::forecast {

/// The published configuration of TimeGrad; `small` is one for minutes on two cores.
struct StepwiseOptions {
  FrameOptions frame = {};
  std::vector<Index> lags = {};       ///< whose values a step is told; none: 1 and the seasons
  Index cells = 40, recurrences = 2;  ///< of each recurrent network
  Index condition = 100;              ///< features by which a step's network is told of the past
  Index width = 8, layers = 8;        ///< of the noise network
  Index time_features = 32, hidden = 64;  ///< of the noise level
  Index steps = 100;                      ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.1};
  Index sampling_steps = 100;  ///< of DDPM; at most `steps`

  static StepwiseOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static StepwiseOptions small(const FrameOptions& frame) {
    return on_short_chain<StepwiseOptions>(
        {.frame = frame, .cells = 24, .recurrences = 1, .condition = 24, .layers = 4, .hidden = 32},
        25, 0.4);
  }
};

/// What methods have in common that draw step by step (Rasul et al. 2021): recurrent networks,
/// nn::Gru or nn::Lstm, run along the series; what one says before a step conditions a diffusion
/// model of the step's K channels. At each cell it sees the values at `lags`, with a mask for those
/// that are missing, the calendar, covariates and statics. O is StepwiseOptions or derived from it;
/// the noise network is nn::ChannelWavenet.
template <std::derived_from<StepwiseOptions> O, class Recurrent>
class StepwiseMethod : public ChainMethod<O> {
 public:
  nn::Description description() const {
    nn::Description out = ChainMethod<O>::description();
    for (const Index lag : this->options().lags) out["lags"] += std::to_string(lag) + " ";
    return out;
  }

  /// The denoiser of one step's channels [B, K], told `condition` [B, condition]. Refers to *this.
  template <Value X>
  auto denoiser(X condition) const {
    return this->denoiser_of(net_, std::move(condition));
  }

  /// What the first recurrent network keeps of cells that it ran along, one row.
  using State = decltype(std::declval<const Recurrent&>()(std::declval<const Tensor<float>&>()));

  /// After the context of a frame of one row.
  State encode(const Frame& frame) const {
    const Window known = Window::known(frame);
    const Index first = known.values.dim(1) - cells();
    return recurrent_.front()(inputs(known, first, this->frame().context));
  }
  /// One cell on: a state at the origin of a frame of one row, brought to that of the next cell.
  /// Frames need to show no more than the longest lag.
  State advance(const State& state, const Frame& frame) const {
    const Window known = Window::known(frame);
    return recurrent_.front().after(state, inputs(known, known.values.dim(1) - this->horizon(), 1));
  }
  /// Cells before an origin that one cell's input looks back on.
  Index longest_lag() const { return std::ranges::max(this->options().lags); }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    return draw(frame, paths, encode(frame));
  }
  /// All paths of a step in one batch, from a state at the frame's origin on.
  Tensor<float> draw(const Frame& frame, const PathKeys& paths, State state) const {
    const Index N = paths.count, H = this->horizon(), K = this->channels();
    Window each = Window::known(frame).repeated(N);
    const Index L = each.values.dim(1);
    state.each_state([&](std::vector<Tensor<float>>& layers) {
      for (Tensor<float>& layer : layers) layer = repeated(layer, N);
    });
    Tensor<float> out({N, H, K});
    for (Index h = 0; h < H; ++h) {
      state = recurrent_.front().after(state, inputs(each, L - H + h, 1));
      const PathKeys step{paths.rng.stream(static_cast<std::uint64_t>(h)), paths.first, N};
      const Tensor<float> told = told_(state.sequence.reshaped({N, state.sequence.dim(2)}));
      const Tensor<float> y = this->paths_by(solver::Ddpm{}, denoiser(told), step, {N, K});
      put(y, h, out);
      put(y, L - H + h, each.values);
      put(Tensor<float>({N, K}, 1.0F), L - H + h, each.mask);
    }
    return out;
  }

 protected:
  /// Takes 1 and the seasons where no lags are given. Throws what ChainMethod does, and
  /// ArgumentError for a lag that is not positive.
  StepwiseMethod(const char* name, const O& o, Index networks, Rng& rng)
      : ChainMethod<O>(name, with_lags(o, name), DiscreteSchedule::linear(o.steps, o.beta),
                       std::ranges::max(with_lags(o, name).lags)),
        recurrent_(recurrent_of(networks, rng)),
        told_({.in = o.cells, .out = o.condition}, rng),
        net_({.channels = this->channels(),
              .condition = o.condition,
              .width = o.width,
              .depth = o.layers,
              .features = o.time_features,
              .embedding = o.hidden,
              .time_scale = static_cast<double>(o.steps)},
             rng) {}

  /// What the steps of the horizon are told, [B, H, condition], given the values before them.
  template <class... On>
  auto conditions(const Recurrent& recurrent, const Window& window, On&... tape) const {
    const Index first = window.values.dim(1) - cells();
    const auto x = recorded(inputs(window, first, cells()), tape...);
    return told_(slice(recurrent(x).sequence, 1, this->frame().context, this->horizon()));
  }

  /// The mean squared error of the noise of values [B, H, K] where the mask is not 0; each step of
  /// a row has a noise level of its own. denoise(condition [B H, condition]) is asked.
  template <class Denoise, Value X, class... On>
  static auto steps_loss(const Denoise& denoise, const X& conditions, const Tensor<float>& values,
                         const Tensor<float>& mask, const LossKeys& keys, On&... tape) {
    const Index B = values.dim(0), H = values.dim(1), K = values.dim(2);
    const Tensor<float> weight = mask.reshaped({B * H, K});
    std::vector<std::uint64_t> samples, slots;
    for (Index row = 0; row < B * H; ++row) {
      const auto of_step = [&](std::uint64_t n) {
        return n * static_cast<std::uint64_t>(H) + static_cast<std::uint64_t>(row % H);
      };
      samples.push_back(of_step(keys.draws.sample(row / H)));
      slots.push_back(of_step(keys.draws.slot(row / H)));
    }
    const Draws draws{.samples = samples,
                      .step = keys.draws.step,
                      .strata = keys.draws.strata * H,
                      .slots = slots};
    return denoise(reshape(conditions, {B * H, conditions.dim(2)}))
        .loss(tape..., values.reshaped({B * H, K}), keys.rng, draws, {.weight = &weight});
  }

  std::vector<Recurrent> recurrent_;
  nn::Linear<float> told_;
  nn::ChannelWavenet<float> net_;

 private:
  static O with_lags(O o, const char* name) {
    if (o.lags.empty()) {
      o.lags = o.frame.seasons;
      o.lags.insert(o.lags.begin(), 1);
    }
    for (const Index lag : o.lags)
      if (lag < 1) raise<ArgumentError>(name, ": a lag of ", lag, ", must be positive");
    return o;
  }
  std::vector<Recurrent> recurrent_of(Index networks, Rng& rng) const {
    const O& o = this->options();
    std::vector<Recurrent> out;
    for (Index i = 0; i < networks; ++i)
      out.emplace_back(
          nn::RecurrentOptions{.in = inputs(), .hidden = o.cells, .layers = o.recurrences}, rng);
    return out;
  }

  /// Cells that a recurrent network runs along.
  Index cells() const { return this->frame().context + this->horizon(); }
  /// What it sees of one.
  Index inputs() const {
    return 2 * std::ssize(this->options().lags) * this->channels() +
           Window::channels(this->frame());
  }
  /// [B, count, inputs()] of cells of the window from `first` on: for each lag the values, then
  /// their masks; then the features.
  Tensor<float> inputs(const Window& window, Index first, Index count) const {
    const Index B = window.values.dim(0), K = window.values.dim(2), F = window.features.dim(2);
    Tensor<float> out({B, count, inputs()});
    float* to = out.data();
    for (Index b = 0; b < B; ++b)
      for (Index t = first; t < first + count; ++t) {
        for (const Index lag : this->options().lags)
          for (const Tensor<float>* part : {&window.values, &window.mask})
            to = std::copy_n(part->data() + (b * part->dim(1) + t - lag) * K, K, to);
        to = std::copy_n(window.features.data() + (b * window.features.dim(1) + t) * F, F, to);
      }
    return out;
  }
  /// Writes y [N, K] into cell t of [N, L, K].
  static void put(const Tensor<float>& y, Index t, Tensor<float>& to) {
    const Index K = y.dim(1);
    for (Index n = 0; n < y.dim(0); ++n)
      std::copy_n(y.data() + n * K, K, to.data() + (n * to.dim(1) + t) * K);
  }
};

}  // namespace foglift::inline v0::forecast
