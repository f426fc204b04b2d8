#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/forecast/chain_method.hpp"
#include "foglift/forecast/frame/place_features.hpp"
#include "foglift/nn/blocks/two_axis.hpp"

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
class Csdi : public ChainMethod<CsdiOptions> {
 public:
  /// What is known of windows: values [B, L, K, 1], 0 where they are not, and what is told of every
  /// place, Window::places.
  struct Seen {
    Tensor<float> values, side;
  };

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// heads that do not divide the width, or more sampling steps than steps. `reach`, `lead` and
  /// `center` are chosen here.
  Csdi(const Options& o, Rng& rng)
      : ChainMethod("Csdi", o, DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        input_({.in = 2, .out = o.width}, rng),
        embedding_(embedding_of_step(o.time_features), rng),
        channels_(channel_features("Csdi", frame(), o.time_features, o.channel_features, rng)),
        skip_({.in = o.width, .out = o.width}, rng),
        output_({.in = o.width, .out = 1, .zero = true}, rng) {
    const Index side = place_features(frame(), o.time_features, o.channel_features);
    nn::detail::need_positive("Csdi", "layers", o.layers);
    for (Index i = 0; i < o.layers; ++i)
      blocks_.emplace_back(
          nn::TwoAxisBlockOptions{
              .width = o.width, .heads = o.heads, .embedding = o.time_features, .condition = side},
          rng);
  }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Seen seen = look(Window::known(frame));
    return target_loss(asking(*this, seen), frame, keys, tape...);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Seen seen = look(Window::known(frame).repeated(paths.count));
    return paths_by(solver::Ddpm{}, asking(*this, seen), paths);
  }

  /// The denoiser of whole windows [B, L, K], for a WindowImputer: a mask is a task, and any of
  /// their values may be known. With `paths`, of so many draws of the first row. Refers to the
  /// method; what it says of known values means nothing.
  auto denoiser(const Window& window) const { return this->asking_of(*this, window, look(window)); }
  auto denoiser(const Window& window, Index paths) const {
    return denoiser(window.repeated(paths));
  }

  /// The noise in x [B, H, K], the last H cells of windows.
  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), H = x.dim(1), K = x.dim(2), L = seen.values.dim(1);
    const X noisy = concat({constant(Tensor<float>({B, L - H, K}), x), x}, 1);
    const X e = embedding_(time, nn::Condition<float>{}, x);
    const X side = place_features(seen.side, channels_, x);
    const X h = relu(input_(concat({constant(seen.values, x), reshape(noisy, {B, L, K, 1})}, 3)));
    const X skips =
        nn::sum_of_skips(blocks_, h, [&](const nn::TwoAxisBlock<float>& block, const X& before) {
          return block(before, &e, &side);
        });
    return slice(reshape(output_(relu(skip_(skips))), {B, L, K}), 1, L - H, H);
  }

  FOGLIFT_PRIVATE_CHILDREN(input, embedding, channels, blocks, skip, output);

 private:
  Seen look(const Window& window) const {
    const Shape s = window.values.shape();
    return {window.values.reshaped({s[0], s[1], s[2], 1}), window.places(options().time_features)};
  }

  nn::Linear<float> input_;
  nn::TimeEmbedding<float> embedding_;
  Parameter<float> channels_;  // [K, channel_features]
  std::vector<nn::TwoAxisBlock<float>> blocks_;
  nn::Linear<float> skip_, output_;
};

}  // namespace foglift::inline v0::forecast
