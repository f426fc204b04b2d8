#pragma once

#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/chain_method.hpp"
#include "foglift/forecast/frame/channel_graph.hpp"
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
class DiffStg : public ChainMethod<DiffStgOptions> {
 public:
  /// What is told of windows, [B, K, 2 L, 1 + F]: whether a value is known, and the features of the
  /// place; values [B, K, L, 1], 0 where they are not known.
  struct Seen {
    Tensor<float> values, side;
  };

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive, a
  /// graph of other channels, or more sampling steps than steps. `reach`, `lead` and `center` are
  /// chosen here.
  DiffStg(const Options& o, Rng& rng)
      : ChainMethod("DiffStg", o, DiscreteSchedule::scaled_linear(o.steps, o.beta)),
        net_({.in = 2 + Window::channels(frame()),
              .out = 1,
              .width = o.width,
              .multipliers = o.multipliers,
              .blocks = o.layers,
              .time_scale = static_cast<double>(o.steps)},
             channel_walks(o.graph, channels(), "DiffStg"), rng),
        times_({.in = 2 * length(), .out = length()}, rng) {}

  nn::Description description() const {
    return with_graph(ChainMethod::description(), options().graph);
  }

  /// The denoiser of windows x [B copies, L, K] of a frame's rows, context and horizon, in scaled
  /// units. For other solvers, and guidance. Refers to the method.
  auto denoiser(const Frame& frame, Index copies = 1) const {
    return denoiser_of(
        [this, seen = look(frame, copies)](const auto& x, const Tensor<float>& time) {
          return network(x, time, seen);
        });
  }

  /// The mean squared error of the noise of all values of the window that are there; rows without a
  /// target do not count.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window whole = Window::counted(frame);
    return denoiser(frame).loss(tape..., whole.values, keys.rng, keys.draws,
                                {.weight = &whole.mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Tensor<float> whole = paths_by(solver::Ddim{}, denoiser(frame, paths.count), paths,
                                         {paths.count, length(), channels()});
    return slice(whole, 1, length() - frame.horizon(), frame.horizon());
  }

  /// The noise in windows x [B, L, K].
  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Seen& seen) const {
    const Index B = x.dim(0), L = x.dim(1), K = x.dim(2);
    const X noisy = reshape(transpose(x, 1, 2), {B, K, L, 1});
    const X both = concat({noisy, constant(seen.values, x)}, 2);
    const X said = net_(concat({both, constant(seen.side, x)}, 3), time);
    return transpose(times_(reshape(said, {B, K, 2 * L})), 1, 2);
  }

  FOGLIFT_PRIVATE_CHILDREN(net, times);

 private:
  /// Number L of times.
  Index length() const { return frame().context + horizon(); }

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

  nn::UGnet<float> net_;
  nn::Linear<float> times_;
};

}  // namespace foglift::inline v0::forecast
