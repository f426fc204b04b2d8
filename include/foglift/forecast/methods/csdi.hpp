#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/blocks/two_axis.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <cmath>

namespace foglift::inline v0::forecast {

/// The published configuration (415,000 weights); `small` is one for minutes on two cores.
struct CsdiOptions {
  FrameOptions frame = {};
  Index width = 64, layers = 4, heads = 8;
  Index time_features = 128;  ///< of the place in the window, and of the noise level
  Index channel_features = 16;
  Index steps = 50;  ///< of the chain, with sqrt(beta) in equal steps
  BetaRange beta = {.first = 1e-4, .last = 0.5};
  Index sampling_steps = 50;  ///< of DDPM; at most `steps`

  static CsdiOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static CsdiOptions small(const FrameOptions& frame) {
    return {.frame = frame, .width = 16, .layers = 2, .heads = 4, .time_features = 32};
  }
};

/// CSDI (Tashiro et al. 2021): context and horizon are one window [L = C + H, K]; a network of
/// attention over its times and over its channels sees the values that are known beside the noisy
/// ones that are not, with a mask, and learns the noise of these. Here the known ones are those of
/// the context, so that gaps in it cost nothing; calendar, covariates and statics are told at every
/// place that has them. Paths are drawn by DDPM.
class Csdi {
  /// What is known of windows: values [B, L, K, 1], 0 where they are not, and what is told of every
  /// place [B, L, K, side()].
  struct Seen {
    Tensor<float> values, side;
  };

  /// What the network says of noisy targets x [B, H, K]. Refers to all that it is given.
  auto denoiser(const Seen& seen) const {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) { return network(x, time, seen); },
        predict::Epsilon{}, schedule_);
  }

 public:
  using Options = CsdiOptions;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// heads that do not divide the width, or more sampling steps than steps. `reach`, `lead` and
  /// `center` are chosen here.
  Csdi(const Options& o, Rng& rng)
      : options_(complete(o)),
        schedule_(DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        input_({.in = 2, .out = o.width}, rng),
        embedding_({.features = o.time_features,
                    .width = o.time_features,
                    .time_scale = static_cast<double>(o.steps)},
                   rng),
        channels_(nn::normal_parameter<float>({options_.frame.columns.channels, o.channel_features},
                                              1, rng)),
        skip_({.in = o.width, .out = o.width}, rng),
        output_({.in = o.width, .out = 1, .zero = true}, rng) {
    for (Index i = 0; i < o.layers; ++i)
      blocks_.emplace_back(nn::TwoAxisBlockOptions{.width = o.width,
                                                   .heads = o.heads,
                                                   .embedding = o.time_features,
                                                   .condition = side() + o.channel_features},
                           rng);
  }

  const Options& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }
  nn::Description description() const { return denoiser({}).description(); }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Seen seen = look(Window::known(frame));
    return denoiser(seen).loss(tape..., frame.scaled_target(), keys.rng, keys.draws,
                               {.weight = &frame.target_mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Seen seen = look(Window::known(frame).repeated(paths.count));
    return sample(solver::Ddpm{}, denoiser(seen), {paths.count, frame.horizon(), frame.channels()},
                  grid::trailing(schedule_, options_.sampling_steps), paths.rng,
                  {.first_sample = static_cast<std::uint64_t>(paths.first)});
  }

  static void each(auto& self, auto&& f) {
    f("input", self.input_);
    f("embedding", self.embedding_);
    f("channels", self.channels_);
    f("blocks", self.blocks_);
    f("skip", self.skip_);
    f("output", self.output_);
  }

 private:
  static Options complete(Options o) {
    o.frame = Window::frame(o.frame, o.frame.context, "Csdi");
    check_chain("Csdi", o.steps, o.sampling_steps);
    nn::detail::need_positive("Csdi", "layers", o.layers);
    if (o.time_features < 2 || o.time_features % 2 != 0 || o.channel_features < 1)
      raise<ArgumentError>("Csdi: time_features ", o.time_features, ", channel_features ",
                           o.channel_features, "; needed an even and a positive number");
    return o;
  }

  /// Channels of Seen::side.
  Index side() const { return options_.time_features + 1 + Window::channels(frame()); }

  Seen look(const Window& window) const {
    const Shape s = window.values.shape();
    return {window.values.reshaped({s[0], s[1], s[2], 1}), window.places(options_.time_features)};
  }

  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), H = x.dim(1), K = x.dim(2), L = seen.values.dim(1);
    const X noisy = concat({constant(Tensor<float>({B, L - H, K}), x), x}, 1);
    const X e = embedding_(time, nn::Condition<float>{}, x);
    const X everywhere = constant(Tensor<float>({B, L, K, 1}, 1.0F), x);
    const X side = concat({constant(seen.side, x), everywhere * use(channels_, x)}, 3);
    const X h = relu(input_(concat({constant(seen.values, x), reshape(noisy, {B, L, K, 1})}, 3)));
    const X skips =
        nn::sum_of_skips(blocks_, h, [&](const nn::TwoAxisBlock<float>& block, const X& before) {
          return block(before, &e, &side);
        });
    return slice(reshape(output_(relu(skip_(skips))), {B, L, K}), 1, L - H, H);
  }

  Options options_;
  DiscreteSchedule schedule_;
  nn::Linear<float> input_;
  nn::TimeEmbedding<float> embedding_;
  Parameter<float> channels_;  // [K, channel_features]
  std::vector<nn::TwoAxisBlock<float>> blocks_;
  nn::Linear<float> skip_, output_;
};

}  // namespace foglift::inline v0::forecast
