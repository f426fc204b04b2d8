#pragma once

#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/layers/recurrent.hpp"
#include "foglift/nn/nets/channel_wavenet.hpp"

namespace foglift::inline v0::forecast {

/// The published configuration; `small` is one for minutes on two cores.
struct TimeGradOptions {
  FrameOptions frame = {};
  std::vector<Index> lags = {};       ///< whose values a step is told; none: 1 and the seasons
  Index cells = 40, recurrences = 2;  ///< of the LSTM
  Index condition = 100;              ///< features by which a step's network is told of the past
  Index width = 8, layers = 8;        ///< of the noise network
  Index time_features = 32, hidden = 64;  ///< of the noise level
  Index steps = 100;                      ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.1};
  Index sampling_steps = 100;  ///< of DDPM; at most `steps`

  static TimeGradOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static TimeGradOptions small(const FrameOptions& frame) {
    return {.frame = frame,
            .cells = 24,
            .recurrences = 1,
            .condition = 24,
            .layers = 4,
            .hidden = 32,
            .steps = 25,
            .beta = {.first = 1e-4, .last = 0.4},
            .sampling_steps = 25};
  }
};

/// TimeGrad (Rasul et al. 2021): an LSTM runs along the series; what it says before a step
/// conditions a diffusion model of the step's K channels, trained on true predecessors (eq. 9).
/// Paths are drawn step by step, each by DDPM, all paths of a step in one batch. At each cell the
/// LSTM sees the values at the lags, with a mask for those that are missing, the calendar,
/// covariates and statics.
class TimeGrad : public ChainMethod<TimeGradOptions> {
 public:
  /// Throws what FrameOptions::check does, and ArgumentError for an extent or a lag that is not
  /// positive, or more sampling steps than steps. `reach`, `lead` and `center` are chosen here.
  TimeGrad(const Options& o, Rng& rng)
      : ChainMethod("TimeGrad", with_lags(o), DiscreteSchedule::linear(o.steps, o.beta),
                    longest_lag(o)),
        lstm_({.in = inputs(), .hidden = o.cells, .layers = o.recurrences}, rng),
        told_({.in = o.cells, .out = o.condition}, rng),
        net_({.channels = channels(),
              .condition = o.condition,
              .width = o.width,
              .depth = o.layers,
              .features = o.time_features,
              .embedding = o.hidden,
              .time_scale = static_cast<double>(o.steps)},
             rng) {}

  /// The denoiser of one step's channels [B, K], told `condition` [B, condition]. Refers to *this.
  template <Value X>
  auto denoiser(X condition) const {
    return denoiser_of(net_, std::move(condition));
  }
  nn::Description description() const {
    nn::Description out = ChainMethod::description();
    for (const Index lag : options().lags) out["lags"] += std::to_string(lag) + " ";
    return out;
  }

  /// What the steps of the horizon are told, [B, H, condition], given the targets before them.
  template <class... On>
  auto conditions(const Frame& frame, On&... tape) const {
    const Window window = Window::whole(frame);
    const Index H = frame.horizon(), first = window.values.dim(1) - cells();
    const auto x = recorded(inputs(window, first, cells()), tape...);
    return told_(slice(lstm_(x).sequence, 1, this->frame().context, H));
  }

  /// The mean squared error of the noise of targets that are there; each step of a row has a noise
  /// level of its own.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Index B = frame.size(), H = frame.horizon(), K = frame.channels();
    const Tensor<float> mask = frame.target_mask.reshaped({B * H, K});
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
    return denoiser(reshape(conditions(frame, tape...), {B * H, options().condition}))
        .loss(tape..., frame.scaled_target().reshaped({B * H, K}), keys.rng, draws,
              {.weight = &mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Index N = paths.count, H = frame.horizon(), K = frame.channels();
    const Window known = Window::known(frame);
    const Index L = known.values.dim(1);
    auto state = lstm_(inputs(known, L - cells(), this->frame().context));
    for (auto* part : {&state.hidden, &state.cell})
      for (Tensor<float>& layer : *part) layer = repeated(layer, N);
    Window each = known.repeated(N);
    Tensor<float> out({N, H, K});
    for (Index h = 0; h < H; ++h) {
      state = lstm_(inputs(each, L - H + h, 1), state.hidden, state.cell);
      const PathKeys step{paths.rng.stream(static_cast<std::uint64_t>(h)), paths.first, N};
      const Tensor<float> y =
          paths_by(solver::Ddpm{}, denoiser(told_(state.hidden.back())), step, {N, K});
      put(y, h, out);
      put(y, L - H + h, each.values);
      put(Tensor<float>({N, K}, 1.0F), L - H + h, each.mask);
    }
    return out;
  }

  FOGLIFT_PRIVATE_CHILDREN(lstm, told, net);

 private:
  static Options with_lags(Options o) {
    if (o.lags.empty()) {
      o.lags = o.frame.seasons;
      o.lags.insert(o.lags.begin(), 1);
    }
    for (const Index lag : o.lags)
      if (lag < 1) raise<ArgumentError>("TimeGrad: a lag of ", lag, ", must be positive");
    return o;
  }
  static Index longest_lag(const Options& o) {
    const std::vector<Index> lags = with_lags(o).lags;
    return *std::max_element(lags.begin(), lags.end());
  }

  /// Cells that the LSTM runs along.
  Index cells() const { return frame().context + horizon(); }
  /// What it sees of one.
  Index inputs() const {
    return 2 * std::ssize(options().lags) * channels() + Window::channels(frame());
  }
  /// [B, count, inputs()] of cells of the window from `first` on: for each lag the values, then
  /// their masks; then the features.
  Tensor<float> inputs(const Window& window, Index first, Index count) const {
    const Index B = window.values.dim(0), K = window.values.dim(2), F = window.features.dim(2);
    Tensor<float> out({B, count, inputs()});
    float* to = out.data();
    for (Index b = 0; b < B; ++b)
      for (Index t = first; t < first + count; ++t) {
        for (const Index lag : options().lags)
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

  nn::Lstm<float> lstm_;
  nn::Linear<float> told_;
  nn::ChannelWavenet<float> net_;
};

}  // namespace foglift::inline v0::forecast
