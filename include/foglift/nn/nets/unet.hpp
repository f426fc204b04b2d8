#pragma once

#include "foglift/autograd/ops/checkpoint.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/nn/blocks/residual.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/layers/same_padding.hpp"
#include "foglift/nn/nets/unet_options.hpp"
#include "foglift/nn/network.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foglift::inline v0::nn {

/// U-Net denoiser (Ho et al. 2020): x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims = 2), time [B]
/// -> the same with `out` channels. Levels halve the extents by a convolution of stride 2 and
/// double them by nearest neighbours and a convolution; every activation on the way down is
/// concatenated to its mirror image on the way up. Any extent will do: an odd one is halved
/// upwards, and what doubling it adds is cut off again.
template <int Dims, Scalar T = float>
class UNet : public Network<UNet<Dims, T>, T, UNetOptions> {
 public:
  /// The blocks of one level, each followed by attention where there is any, then the change of
  /// extent.
  struct Stage {
    std::vector<ResBlock<Dims, T>> blocks;
    std::vector<AttentionBlock<T>> attention;
    std::optional<Conv<Dims, T>> resample;

    FOGLIFT_CHILDREN(blocks, attention, resample);
  };

  static constexpr Signature kind{.name = "UNet", .dims = Dims};

  TimeEmbedding<T> embedding;
  Conv<Dims, T> input;
  std::vector<Stage> down;
  Stage middle;           ///< two blocks around an attention
  std::vector<Stage> up;  ///< coarsest first
  GroupNorm<T> norm;
  Conv<Dims, T> output;

  /// Throws ArgumentError for an extent that is not positive, an even kernel, groups or heads that
  /// do not divide the channels, same_padding with another padding than zeros, or a sequence
  /// without any attention.
  explicit UNet(const UNetOptions& o, Rng& rng);

  /// Names of the blocks in order: "input", "down.<level>.<block>", "middle", "up.<step>.<block>",
  /// step 0 being the coarsest.
  std::vector<std::string> block_names() const {
    std::vector<std::string> names{"input"};
    each_block([&](const std::string& name, bool) { names.push_back(name); });
    return names;
  }
  /// Names of the attentions in the same order: "<block>.self", and "<block>.cross" where the
  /// network is built for a sequence.
  std::vector<std::string> attention_names() const {
    std::vector<std::string> names;
    each_block([&](const std::string& name, bool attends) {
      if (attends) names.push_back(name + ".self");
      if (attends && options_.sequence > 0) names.push_back(name + ".cross");
    });
    return names;
  }
  /// Of x [B, ..., in]: work in the residual blocks of the first level; alive are what is kept for
  /// the way up, and inside a block some eight activations of its level.
  detail::SampleCost sample_cost(const Shape& x) const;
  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
            DropoutCalls dropouts, const Call<H>& call) const;

  FOGLIFT_CHILDREN(embedding, input, down, middle, up, norm, output);

 private:
  /// What every block of one call is given.
  template <Value X>
  struct Pass {
    X embedding;
    std::optional<Context<X>> context;
    DropoutCalls dropouts;
    const UNetOptions& options;
  };

  /// f(name, whether it has attention) for every block behind the input.
  template <class F>
  void each_block(const F& f) const {
    const auto each = [&](const std::vector<Stage>& levels, const char* stage) {
      for (std::size_t i = 0; i < levels.size(); ++i)
        for (std::size_t b = 0; b < levels[i].blocks.size(); ++b)
          f(place_name(stage, i, b), b < levels[i].attention.size());
    };
    each(down, "down");
    f("middle", !middle.attention.empty());
    each(up, "up");
  }

  /// A residual block on x and x2 (or null), checkpointed if the options say so.
  template <Value X>
  static X residual(const ResBlock<Dims, T>& block, const X& x, const X* x2, Pass<X>& pass) {
    if (!pass.options.checkpoint) return block(x, x2, pass.embedding, pass.dropouts);
    const auto own = pass.dropouts.take(1, pass.options.dropout);
    const auto run = [&block, own](const X& a, const X* a2, const X& e) {
      DropoutCalls dropouts = own;
      return block(a, a2, e, dropouts);
    };
    if (!x2)
      return foglift::checkpoint([run](const X& a, const X& e) { return run(a, nullptr, e); }, x,
                                 pass.embedding);
    return foglift::checkpoint(
        [run](const X& a, const X& a2, const X& e) { return run(a, &a2, e); }, x, *x2,
        pass.embedding);
  }

  /// Residual block b of a stage on x and x2 (or null), and the attention behind it.
  template <Value X, class At>
  static X block(const Stage& stage, std::size_t b, const X& x, const X* x2, Pass<X>& pass,
                 const At& at) {
    if (at.skip()) return stage.blocks[b].shortcut(x, x2);
    const X h = residual(stage.blocks[b], x, x2, pass);
    if (b >= stage.attention.size()) return h;
    return stage.attention[b](h, pass.context ? &*pass.context : nullptr, at);
  }
  /// What the convolution that halves a level is given.
  template <Value X>
  X unhalved(const X& h) const {
    return options_.same_padding ? padded_same(h, options_.kernel, 2) : h;
  }
  /// The first extents of h, as many as `like` has between batch and channels.
  template <Value X>
  static X cropped(X h, const Shape& like) {
    for (int axis = 1; axis <= Dims; ++axis)
      if (h.dim(axis) != like[axis]) h = slice(h, axis, 0, like[axis]);
    return h;
  }

  using UNet::Network::options_;

  static Index levels(const UNetOptions& o) { return static_cast<Index>(o.multipliers.size()); }
  static Index channels(const UNetOptions& o, Index level) {
    return o.width * o.multipliers[static_cast<std::size_t>(level)];
  }
  static Index embedding_width(const UNetOptions& o) {
    return o.embedding.width == 0 ? 4 * o.width : o.embedding.width;
  }
  static const UNetOptions& checked(const UNetOptions& o) {
    if (o.multipliers.empty()) raise<ArgumentError>("UNet: no multipliers, at least 1 is needed");
    for (const Index m : o.multipliers) detail::need_positive("UNet", "multiplier", m);
    for (const Index l : o.attention)
      if (l < 0 || l >= levels(o))
        raise<ArgumentError>("UNet: attention at level ", l, " of ", levels(o), " levels");
    detail::need_positive("UNet", "blocks", o.blocks);
    if (o.sequence > 0 && o.attention.empty() && !o.middle_attention)
      raise<ArgumentError>("UNet: a sequence needs attention at a level or in the middle");
    if (o.same_padding && o.padding != Padding::zero)
      raise<ArgumentError>("UNet: same_padding is of zeros, the padding is not");
    return o;
  }

  static ResBlock<Dims, T> make_block(const UNetOptions& o, Index in, Index out, Rng& rng) {
    return ResBlock<Dims, T>({.in = in,
                              .out = out,
                              .embedding = embedding_width(o),
                              .scale_shift = o.scale_shift,
                              .groups = o.groups,
                              .norm_eps = o.norm_eps,
                              .kernel = o.kernel,
                              .padding = o.padding,
                              .dropout = o.dropout,
                              .zero = o.zero_out},
                             rng);
  }
  static AttentionBlock<T> make_attention(const UNetOptions& o, Index width, Rng& rng) {
    if (o.head_width < 0 || (o.head_width > 0 && width % o.head_width != 0))
      raise<ArgumentError>("UNet: heads of ", o.head_width, " channels do not divide ", width);
    return AttentionBlock<T>({.width = width,
                              .heads = o.head_width > 0 ? width / o.head_width : o.heads,
                              .groups = o.groups,
                              .norm_eps = o.norm_eps,
                              .context = o.sequence,
                              .zero = o.zero_out},
                             rng);
  }
  static void add_block(Stage& level, const UNetOptions& o, Index at, Index in, Rng& rng) {
    level.blocks.push_back(make_block(o, in, channels(o, at), rng));
    if (std::find(o.attention.begin(), o.attention.end(), at) != o.attention.end())
      level.attention.push_back(make_attention(o, channels(o, at), rng));
  }
  static Conv<Dims, T> make_resample(const UNetOptions& o, Index level, Index stride, Rng& rng) {
    const Index c = channels(o, level);
    ConvLayerOptions conv{
        .in = c, .out = c, .kernel = o.kernel, .stride = stride, .mode = o.padding};
    if (o.same_padding && stride > 1) conv.padding = 0;
    return Conv<Dims, T>(conv, rng);
  }

  /// Channels of the activations kept for the way up, in the order they are made.
  static std::vector<Index> skip_channels(const UNetOptions& o) {
    std::vector<Index> c{o.width};
    for (Index l = 0; l < levels(o); ++l)
      for (Index b = 0; b < o.blocks + (l + 1 < levels(o) ? 1 : 0); ++b)
        c.push_back(channels(o, l));
    return c;
  }
  static std::vector<Stage> make_down(const UNetOptions& o, Rng& rng) {
    std::vector<Stage> result(static_cast<std::size_t>(levels(o)));
    Index c = o.width;
    for (Index l = 0; l < levels(o); ++l) {
      Stage& level = result[static_cast<std::size_t>(l)];
      for (Index b = 0; b < o.blocks; ++b) {
        add_block(level, o, l, c, rng);
        c = channels(o, l);
      }
      if (l + 1 < levels(o)) level.resample.emplace(make_resample(o, l, 2, rng));
    }
    return result;
  }
  static Stage make_middle(const UNetOptions& o, Rng& rng) {
    const Index c = channels(o, levels(o) - 1);
    Stage level;
    level.blocks.push_back(make_block(o, c, c, rng));
    if (o.middle_attention) level.attention.push_back(make_attention(o, c, rng));
    level.blocks.push_back(make_block(o, c, c, rng));
    return level;
  }
  static std::vector<Stage> make_up(const UNetOptions& o, Rng& rng) {
    std::vector<Stage> result(static_cast<std::size_t>(levels(o)));
    std::vector<Index> skips = skip_channels(o);
    Index c = channels(o, levels(o) - 1);
    for (Index l = levels(o); l-- > 0;) {
      Stage& level = result[static_cast<std::size_t>(levels(o) - 1 - l)];
      for (Index b = 0; b <= o.blocks; ++b) {
        add_block(level, o, l, c + skips.back(), rng);
        skips.pop_back();
        c = channels(o, l);
      }
      if (l > 0) level.resample.emplace(make_resample(o, l, 1, rng));
    }
    return result;
  }
};

template <int Dims, Scalar T>
UNet<Dims, T>::UNet(const UNetOptions& o, Rng& rng)
    : UNet::Network(checked(o)),
      embedding(this->embedding_of(embedding_width(o)), rng),
      input({.in = o.in + o.map, .out = o.width, .kernel = o.kernel, .mode = o.padding}, rng),
      down(make_down(o, rng)),
      middle(make_middle(o, rng)),
      up(make_up(o, rng)),
      norm({.channels = channels(o, 0), .groups = o.groups, .eps = o.norm_eps}),
      output({.in = channels(o, 0),
              .out = this->outputs(),
              .kernel = o.kernel,
              .mode = o.padding,
              .zero = o.zero_out},
             rng) {}

template <int Dims, Scalar T>
detail::SampleCost UNet<Dims, T>::sample_cost(const Shape& x) const {
  const Index taps = Dims == 1 ? options_.kernel : options_.kernel * options_.kernel;
  const Index convolutions = 2 * (2 * options_.blocks + 1), width = channels(options_, 0);
  Index positions = x.size(1, Dims + 1), kept = 0, largest = 0;
  const Index work = positions * taps * convolutions * width * width;
  for (Index l = 0; l < levels(options_); ++l) {
    const Index activation = positions * channels(options_, l);
    kept += (options_.blocks + 1) * activation;
    largest = std::max(largest, activation);
    positions = (positions + (1 << Dims) - 1) >> Dims;
  }
  return {.multiply_adds = work, .live = kept + 8 * largest};
}

template <int Dims, Scalar T>
template <ValueOf<T> X, class H>
X UNet<Dims, T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                         DropoutCalls dropouts, const Call<H>& call) const {
  Pass<X> pass{embedding(time, condition, x), detail::context_of(condition, x), std::move(dropouts),
               options_};
  pool::Vector<X> skips;  // the activations on the way down, the last one at the end
  const auto place = [&](const X& h, auto... name) {
    return call.at(value_of(h).shape().slice(1, Dims + 1), name...);
  };
  const auto stopped = [&] { return detail::unfinished(x, this->outputs()); };
  skips.push_back(detail::beside_map(x, condition, options_.map, input));
  const auto entry = place(x, "input");
  entry.block(skips.back());
  if (entry.done()) return stopped();
  for (std::size_t i = 0; i < down.size(); ++i) {
    for (std::size_t b = 0; b < down[i].blocks.size(); ++b) {
      const auto at = place(skips.back(), "down", i, b);
      skips.push_back(block<X>(down[i], b, skips.back(), nullptr, pass, at));
      at.block(skips.back());
      if (at.done()) return stopped();
    }
    if (down[i].resample) skips.push_back((*down[i].resample)(unhalved(skips.back())));
  }
  const auto at_middle = place(skips.back(), "middle");
  X h = block<X>(middle, 0, skips.back(), nullptr, pass, at_middle);
  if (!at_middle.skip()) h = residual<X>(middle.blocks[1], h, nullptr, pass);
  at_middle.block(h);
  if (at_middle.done()) return stopped();
  for (std::size_t i = 0; i < up.size(); ++i) {
    for (std::size_t b = 0; b < up[i].blocks.size(); ++b) {
      const auto at = place(h, "up", i, b);
      h = block(up[i], b, h, &skips.back(), pass, at);
      at.block(h);
      if (at.done()) return stopped();
      skips.pop_back();
    }
    if (up[i].resample)
      h = (*up[i].resample)(cropped(upsample_nearest(h, 2), value_of(skips.back()).shape()));
  }
  return output(h, ConvExtras<X>{.norm = &norm});
}

template <Scalar T = float>
using UNet1d = UNet<1, T>;
template <Scalar T = float>
using UNet2d = UNet<2, T>;

#define FOGLIFT_NN_UNET(linkage, T) FOGLIFT_NN_NETWORKS(linkage, T, UNet)
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UNET, extern template);

}  // namespace foglift::inline v0::nn
