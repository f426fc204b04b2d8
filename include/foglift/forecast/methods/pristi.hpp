#pragma once

#include "foglift/forecast/chain_method.hpp"
#include "foglift/forecast/frame/channel_graph.hpp"
#include "foglift/forecast/frame/place_features.hpp"
#include "foglift/nn/blocks/guided_graph.hpp"

namespace foglift::inline v0::forecast {

/// The published configuration; `small` is one for minutes on two cores.
struct PristiOptions {
  FrameOptions frame = {};
  ChannelGraph graph = {};
  Index width = 64, layers = 4, heads = 8;
  Index hops = 2;             ///< along edges, and against them
  Index time_features = 128;  ///< of the place in the window, and of the noise level
  Index channel_features = 16;
  Index steps = 100;  ///< of the chain, with sqrt(beta) in equal steps
  BetaRange beta = {.first = 1e-4, .last = 0.2};
  Index sampling_steps = 100;  ///< of DDPM; at most `steps`

  static PristiOptions published(const FrameOptions& frame, const ChannelGraph& graph = {}) {
    return {.frame = frame, .graph = graph};
  }
  static PristiOptions small(const FrameOptions& frame, const ChannelGraph& graph = {}) {
    return on_short_chain<PristiOptions>(
        {.frame = frame, .graph = graph, .width = 16, .layers = 2, .heads = 4, .time_features = 32},
        50, 0.5);
  }
};

/// PriSTI (Liu et al. 2023): context and horizon of K channels, the nodes of a graph, are one
/// window [L = C + H, K], as for Csdi. Straight lines between the values that are known, the last
/// of them going on, are a prior, whose features, attended along times and nodes and sent along
/// edges, are the weights of all attention in the network that learns the noise of the rest. They
/// do not depend on the noise, so a path costs them once. Without the adjacency that the authors'
/// program learns beside the given one. Paths are drawn by DDPM.
class Pristi : public ChainMethod<PristiOptions> {
 public:
  /// What is known of windows: values and lines [B, L, K, 1], what is told of every place,
  /// Window::places, and the guide [B, L, K, width], if it was made.
  struct Seen {
    Tensor<float> values, lines, side;
    std::optional<Tensor<float>> guide = {};
  };

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// heads that do not divide the width, a graph of other channels, or more sampling steps than
  /// steps. `reach`, `lead` and `center` are chosen here.
  Pristi(const Options& o, Rng& rng) : Pristi(o, walks(o), rng) {}

  nn::Description description() const {
    return with_graph(ChainMethod::description(), options().graph);
  }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Seen seen = look(Window::known(frame));
    return target_loss(asking(*this, seen), frame, keys, tape...);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Seen seen = look(Window::known(frame), paths.count);
    return paths_by(solver::Ddpm{}, asking(*this, seen), paths);
  }

  /// The denoiser of whole windows [B, L, K], as Csdi's.
  auto denoiser(const Window& window) const { return this->asking_of(*this, window, look(window)); }
  auto denoiser(const Window& window, Index paths) const {
    return this->asking_of(*this, window.repeated(paths), look(window, paths));
  }

  /// The noise in x [B, H, K], the last H cells of windows.
  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), H = x.dim(1), K = x.dim(2), L = seen.values.dim(1);
    const X noisy =
        reshape(concat({constant(Tensor<float>({B, L - H, K}), x), x}, 1), {B, L, K, 1});
    const X h = relu(input_(concat({constant(seen.values, x), noisy, constant(seen.lines, x)}, 3)));
    const X e = embedding_(time, nn::Condition<float>{}, x),
            c = place_features(seen.side, channels_, x);
    const X by = seen.guide ? constant(*seen.guide, x) : guide(seen, c);
    const X skips =
        nn::sum_of_skips(blocks_, h, [&](const nn::GuidedGraphBlock<float>& b, const X& before) {
          return b(before, by, &e, &c);
        });
    return slice(reshape(output_(relu(skip_(skips))), {B, L, K}), 1, L - H, H);
  }

  FOGLIFT_PRIVATE_CHILDREN(input, embedding, channels, lines, told, guide, blocks, skip, output);

 private:
  Pristi(const Options& o, const std::vector<Csr<float>>& walks, Rng& rng)
      : ChainMethod("Pristi", o, DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        input_({.in = 3, .out = o.width}, rng),
        embedding_(embedding_of_step(o.time_features), rng),
        channels_(channel_features("Pristi", frame(), o.time_features, o.channel_features, rng)),
        lines_({.in = 1, .out = o.width}, rng),
        told_({.in = block().condition, .out = o.width}, rng),
        guide_(block(), walks, rng),
        skip_({.in = o.width, .out = o.width}, rng),
        output_({.in = o.width, .out = 1, .zero = true}, rng) {
    nn::detail::need_positive("Pristi", "layers", o.layers);
    for (Index i = 0; i < o.layers; ++i) blocks_.emplace_back(block(), walks, rng);
  }

  static std::vector<Csr<float>> walks(const Options& o) {
    return channel_walks(o.graph, o.frame.columns.channels, "Pristi");
  }
  nn::GuidedGraphOptions block() const {
    const Options& o = options();
    return {.width = o.width,
            .heads = o.heads,
            .hops = o.hops,
            .embedding = o.time_features,
            .condition = place_features(frame(), o.time_features, o.channel_features)};
  }

  Seen look(const Window& window) const {
    const Shape s = window.values.shape(), one{s[0], s[1], s[2], 1};
    return {window.values.reshaped(one), window.lines().reshaped(one),
            window.places(options().time_features)};
  }
  /// The first row, seen by so many paths, with its guide.
  Seen look(const Window& window, Index paths) const {
    const Seen one = look(window.repeated(1));
    Seen seen = look(window.repeated(paths));
    seen.guide = repeated(guide(one, place_features(one.side, channels_, one.side)), paths);
    return seen;
  }
  template <Value X>
  X guide(const Seen& seen, const X& side) const {
    return relu(guide_(lines_(constant(seen.lines, side)) + told_(side)));
  }

  nn::Linear<float> input_;
  nn::TimeEmbedding<float> embedding_;
  Parameter<float> channels_;  // [K, channel_features]
  nn::Linear<float> lines_, told_;
  nn::GraphGuide<float> guide_;
  std::vector<nn::GuidedGraphBlock<float>> blocks_;
  nn::Linear<float> skip_, output_;
};

}  // namespace foglift::inline v0::forecast
