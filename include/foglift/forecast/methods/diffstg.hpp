#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/frame/channel_graph.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/nets/ugnet.hpp"

namespace foglift::inline v0::forecast {

/// The published configuration; `small` is one for minutes on two cores.
struct DiffStgOptions {
  FrameOptions frame = {};
  ChannelGraph graph = {};
  Index width = 32;
  std::vector<Index> multipliers = {1, 2};  ///< of the width, for levels of half as many times
  Index layers = 2;                         ///< residual blocks of a level
  Index steps = 100;                        ///< of the chain, with sqrt(beta) in equal steps
  BetaRange beta = {.first = 1e-4, .last = 0.4};
  Index sampling_steps = 40;  ///< of DDIM; at most `steps`

  static DiffStgOptions published(const FrameOptions& frame, const ChannelGraph& graph = {}) {
    return {.frame = frame, .graph = graph};
  }
  static DiffStgOptions small(const FrameOptions& frame, const ChannelGraph& graph = {}) {
    return {.frame = frame, .graph = graph, .width = 16, .layers = 1, .sampling_steps = 20};
  }
};

/// DiffSTG (Wen et al. 2023): context and horizon of K channels, the nodes of a graph, are one
/// window [L = C + H, K] that a graph U-Net in time learns to denoise as a whole. It sees the noisy
/// window and behind it, along time, the window as far as it is known, and a linear layer makes L
/// times of these 2 L. Calendar, covariates and statics are told at every place. Paths are drawn by
/// DDIM. Beside the graph nothing joins channels, and all share their weights.
class DiffStg {
  /// What is told of windows, [B, K, 2 L, 1 + F]: whether a value is known, and the features of the
  /// place; values [B, K, L, 1], 0 where they are not known.
  struct Seen {
    Tensor<float> values, side;
  };

  /// What the network says of noisy windows x [B, L, K]. Refers to all that it is given.
  auto denoiser(const Seen& seen) const {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) { return network(x, time, seen); },
        predict::Epsilon{}, schedule_);
  }

 public:
  using Options = DiffStgOptions;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive, a
  /// graph of other channels, or more sampling steps than steps. `reach`, `lead` and `center` are
  /// chosen here.
  DiffStg(const Options& o, Rng& rng)
      : options_(complete(o)),
        schedule_(DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        net_({.in = 2 + Window::channels(frame()),
              .out = 1,
              .width = o.width,
              .multipliers = o.multipliers,
              .blocks = o.layers,
              .time_scale = static_cast<double>(o.steps)},
             channel_walks(o.graph, frame().columns.channels, "DiffStg"), rng),
        times_({.in = 2 * length(), .out = length()}, rng) {}

  const Options& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }
  nn::Description description() const {
    nn::Description out = denoiser({}).description();
    out["graph"] = graph_text(options_.graph);
    return out;
  }

  /// The mean squared error of the noise of all values of the window that are there; rows without a
  /// target do not count.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window whole = Window::counted(frame);
    const Seen seen = look(frame, 1);
    return denoiser(seen).loss(tape..., whole.values, keys.rng, keys.draws,
                               {.weight = &whole.mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Seen seen = look(frame, paths.count);
    const Tensor<float> whole =
        sample(solver::Ddim{}, denoiser(seen), {paths.count, length(), frame.channels()},
               grid::trailing(schedule_, options_.sampling_steps), paths.rng,
               {.first_sample = static_cast<std::uint64_t>(paths.first)});
    return slice(whole, 1, length() - frame.horizon(), frame.horizon());
  }

  static void each(auto& self, auto&& f) {
    f("net", self.net_);
    f("times", self.times_);
  }

 private:
  static Options complete(Options o) {
    o.frame = Window::frame(o.frame, o.frame.context, "DiffStg");
    check_chain("DiffStg", o.steps, o.sampling_steps);
    return o;
  }
  /// Number L of times.
  Index length() const { return frame().context + frame().horizon; }

  /// Of a frame's rows, each `copies` times.
  static Seen look(const Frame& frame, Index copies) {
    const Window window = Window::known(frame);
    const Index B = frame.size() * copies, L = window.values.dim(1), K = frame.channels(),
                F = window.features.dim(2);
    Seen out{Tensor<float>({B, K, L, 1}), Tensor<float>({B, K, 2 * L, 1 + F})};
    float* to = out.side.data();
    for (Index row = 0; row < B; ++row)
      for (Index k = 0; k < K; ++k)
        for (Index place = 0; place < 2 * L; ++place) {
          const Index b = row / copies, t = place % L;
          *to++ = place < L ? 0 : window.mask(b, t, k);
          to = std::copy_n(window.features.data() + (b * L + t) * F, F, to);
          out.values(row, k, t, 0) = window.values(b, t, k);
        }
    return out;
  }

  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), L = x.dim(1), K = x.dim(2);
    const X noisy = reshape(transpose(x, 1, 2), {B, K, L, 1});
    const X both = concat({noisy, constant(seen.values, x)}, 2);
    const X said = net_(concat({both, constant(seen.side, x)}, 3), time);
    return transpose(times_(reshape(said, {B, K, 2 * L})), 1, 2);
  }

  Options options_;
  DiscreteSchedule schedule_;
  nn::UGnet<float> net_;
  nn::Linear<float> times_;
};

}  // namespace foglift::inline v0::forecast
