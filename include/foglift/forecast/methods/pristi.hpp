#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/forecast/frame/channel_graph.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/blocks/guided_graph.hpp"
#include "foglift/nn/layers/embedding.hpp"

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
    return {.frame = frame,
            .graph = graph,
            .width = 16,
            .layers = 2,
            .heads = 4,
            .time_features = 32,
            .steps = 50,
            .beta = {.first = 1e-4, .last = 0.5},
            .sampling_steps = 50};
  }
};

/// PriSTI (Liu et al. 2023): context and horizon of K channels, the nodes of a graph, are one
/// window [L = C + H, K], as for Csdi. Straight lines between the values that are known, the last
/// of them going on, are a prior, whose features, attended along times and nodes and sent along
/// edges, are the weights of all attention in the network that learns the noise of the rest. They
/// do not depend on the noise, so a path costs them once. Without the adjacency that the authors'
/// program learns beside the given one. Paths are drawn by DDPM.
class Pristi {
  /// What is known of windows: values and lines [B, L, K, 1], what is told of every place [B, L, K,
  /// side()], and the guide [B, L, K, width], if it was made.
  struct Seen {
    Tensor<float> values, lines, side;
    std::optional<Tensor<float>> guide = {};
  };

  /// What the network says of noisy targets x [B, H, K]. Refers to all that it is given.
  auto denoiser(const Seen& seen) const {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) { return network(x, time, seen); },
        predict::Epsilon{}, schedule_);
  }

 public:
  using Options = PristiOptions;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// heads that do not divide the width, a graph of other channels, or more sampling steps than
  /// steps. `reach`, `lead` and `center` are chosen here.
  Pristi(const Options& o, Rng& rng) : Pristi(complete(o), walks(o), rng) {}

  const Options& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }
  nn::Description description() const {
    nn::Description out = denoiser({}).description();
    out["graph"] = graph_text(options_.graph);
    return out;
  }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Seen seen = look(Window::known(frame));
    return denoiser(seen).loss(tape..., frame.scaled_target(), keys.rng, keys.draws,
                               {.weight = &frame.target_mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window window = Window::known(frame);
    const Seen one = look(window);
    Seen seen = look(window.repeated(paths.count));
    seen.guide = repeated(guide(one, side(one, one.side)), paths.count);
    return sample(solver::Ddpm{}, denoiser(seen), {paths.count, frame.horizon(), frame.channels()},
                  grid::trailing(schedule_, options_.sampling_steps), paths.rng,
                  {.first_sample = static_cast<std::uint64_t>(paths.first)});
  }

  static void each(auto& self, auto&& f) {
    f("input", self.input_);
    f("embedding", self.embedding_);
    f("channels", self.channels_);
    f("lines", self.lines_);
    f("told", self.told_);
    f("guide", self.guide_);
    f("blocks", self.blocks_);
    f("skip", self.skip_);
    f("output", self.output_);
  }

 private:
  Pristi(const Options& o, const std::vector<Csr<float>>& walks, Rng& rng)
      : options_(o),
        schedule_(DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        input_({.in = 3, .out = o.width}, rng),
        embedding_({.features = o.time_features,
                    .width = o.time_features,
                    .time_scale = static_cast<double>(o.steps)},
                   rng),
        channels_(
            nn::normal_parameter<float>({o.frame.columns.channels, o.channel_features}, 1, rng)),
        lines_({.in = 1, .out = o.width}, rng),
        told_({.in = block().condition, .out = o.width}, rng),
        guide_(block(), walks, rng),
        skip_({.in = o.width, .out = o.width}, rng),
        output_({.in = o.width, .out = 1, .zero = true}, rng) {
    for (Index i = 0; i < o.layers; ++i) blocks_.emplace_back(block(), walks, rng);
  }

  static Options complete(Options o) {
    o.frame = Window::frame(o.frame, o.frame.context, "Pristi");
    check_chain("Pristi", o.steps, o.sampling_steps);
    nn::detail::need_positive("Pristi", "layers", o.layers);
    if (o.time_features < 2 || o.time_features % 2 != 0 || o.channel_features < 1)
      raise<ArgumentError>("Pristi: time_features ", o.time_features, ", channel_features ",
                           o.channel_features, "; needed an even and a positive number");
    return o;
  }
  static std::vector<Csr<float>> walks(const Options& o) {
    return channel_walks(o.graph, o.frame.columns.channels, "Pristi");
  }
  nn::GuidedGraphOptions block() const {
    const Options& o = options_;
    return {.width = o.width,
            .heads = o.heads,
            .hops = o.hops,
            .embedding = o.time_features,
            .condition = o.time_features + 1 + Window::channels(o.frame) + o.channel_features};
  }

  Seen look(const Window& window) const {
    const Shape s = window.values.shape(), one{s[0], s[1], s[2], 1};
    return {window.values.reshaped(one), window.lines().reshaped(one),
            window.places(options_.time_features)};
  }
  /// What is told of every place, with what is learned of its channel.
  template <Value X>
  X side(const Seen& seen, const X& like) const {
    const Tensor<float> everywhere(seen.values.shape(), 1.0F);
    return concat({constant(seen.side, like), constant(everywhere, like) * use(channels_, like)},
                  3);
  }
  template <Value X>
  X guide(const Seen& seen, const X& side) const {
    return relu(guide_(lines_(constant(seen.lines, side)) + told_(side)));
  }

  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), H = x.dim(1), K = x.dim(2), L = seen.values.dim(1);
    const X noisy =
        reshape(concat({constant(Tensor<float>({B, L - H, K}), x), x}, 1), {B, L, K, 1});
    const X h = relu(input_(concat({constant(seen.values, x), noisy, constant(seen.lines, x)}, 3)));
    const X e = embedding_(time, nn::Condition<float>{}, x), c = side(seen, x);
    const X by = seen.guide ? constant(*seen.guide, x) : guide(seen, c);
    const X skips =
        nn::sum_of_skips(blocks_, h, [&](const nn::GuidedGraphBlock<float>& b, const X& before) {
          return b(before, by, &e, &c);
        });
    return slice(reshape(output_(relu(skip_(skips))), {B, L, K}), 1, L - H, H);
  }

  Options options_;
  DiscreteSchedule schedule_;
  nn::Linear<float> input_;
  nn::TimeEmbedding<float> embedding_;
  Parameter<float> channels_;  // [K, channel_features]
  nn::Linear<float> lines_, told_;
  nn::GraphGuide<float> guide_;
  std::vector<nn::GuidedGraphBlock<float>> blocks_;
  nn::Linear<float> skip_, output_;
};

}  // namespace foglift::inline v0::forecast
