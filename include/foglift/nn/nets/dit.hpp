#pragma once

#include "foglift/autograd/ops/checkpoint.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/conditioning.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/layers/patch.hpp"
#include "foglift/nn/network.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foglift::inline v0::nn {

/// Options shared by the transformer denoisers, DiT and U-ViT.
struct TransformerOptions {
  Index in = 1;
  Index out = 0;  ///< 0: as many as in
  Index patch = 1, width = 128;
  Index depth = 6;  ///< blocks; odd for U-ViT
  Index heads = 4;
  Index ratio = 4;                  ///< hidden width of the feed-forward halves over width
  std::vector<Index> extents = {};  ///< largest input, {length} or {height, width}, for learned
                                    ///< positions; empty: sinusoids, for any extents
  bool zero = true;  ///< the output layer and, in DiT, every block's modulation start at zero
  double dropout = 0;
  Index sequence = 0;                   ///< > 0: takes a condition sequence of so many channels
  Index map = 0;                        ///< > 0: takes a condition map of so many channels
  TimeEmbeddingOptions embedding = {};  ///< its width is `width`; features 0: width
  bool checkpoint = false;  ///< DiT: training keeps only the inputs of blocks and runs them again

  /// See nn::description. An option that is added has to be sorted here.
  static void untold(const TransformerOptions& o, auto&& f) {
    const auto& [in, out, patch, width, depth, heads, ratio, extents, zero, dropout, sequence, map,
                 embedding, checkpoint] = o;
    f("patch", patch);
    f("heads", heads);
    f("extents", extents);
    f("map", map);
    TimeEmbeddingOptions::untold(embedding, f);
  }
};

namespace detail {
/// What Dit and UVit have in common: patches at their positions, and blocks.
template <class Net, class Block, int Dims, Scalar T>
class Transformer : public Network<Net, T, TransformerOptions> {
 public:
  TimeEmbedding<T> embedding;
  Linear<T> input;
  PositionEmbedding<Dims, T> position;
  std::vector<Block> blocks;

  /// Names of the blocks in order: "input", "blocks.<i>"; outputs [B, tokens, width], patches last.
  std::vector<std::string> block_names() const {
    return with_blocks({"input"}, "blocks", blocks.size());
  }
  /// Names of the attentions in order: "blocks.<i>.self", and "blocks.<i>.cross" where there is
  /// one.
  std::vector<std::string> attention_names() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      names.push_back(place_name("blocks", i, "self"));
      if constexpr (requires { blocks[i].cross; })
        if (blocks[i].cross) names.push_back(place_name("blocks", i, "cross"));
    }
    return names;
  }
  /// Of x [B, ..., in], in the projections of all blocks.
  SampleCost sample_cost(const Shape& x) const {
    const TransformerOptions& o = this->options_;
    const Index tokens = x.size(1, Dims + 1) / patch_size(1);
    return {tokens * o.depth * (4 + 2 * o.ratio) * o.width * o.width,
            tokens * std::max<Index>(o.ratio, 3) * o.width};
  }

 protected:
  /// Blocks are made from block_options(i).
  template <class F>
  Transformer(const TransformerOptions& o, const F& block_options, Rng& rng)
      : Transformer::Network(checked(o)),
        embedding(this->embedding_of(o.width), rng),
        input({.in = patch_size(o.in + o.map), .out = o.width}, rng),
        position(positions(o), rng) {
    for (Index i = 0; i < o.depth; ++i) blocks.emplace_back(block_options(i), rng);
  }

  /// Scalars in one patch of C channels.
  Index patch_size(Index C) const {
    const Index p = this->options_.patch;
    return Dims == 1 ? p * C : p * p * C;
  }
  /// The extents of x in patches.
  Shape patches(const Shape& x) const {
    return patch_grid<Dims>(Net::kind.name, x, this->options_.patch);
  }
  /// The patches of x [B, ..., in] as tokens [B, N, width].
  template <Value X>
  X tokens(const X& x, const ConditionFor<X>& condition, const Shape& grid) const {
    const X h = beside_map(x, condition, this->options_.map, [&](const X& all) {
      return input(to_patches<Dims>(all, grid, this->options_.patch));
    });
    return h + position(grid, x);
  }
  /// The inverse, of what the last layer says of each patch.
  template <Value X>
  X assembled(const X& patches, const Shape& grid) const {
    return from_patches<Dims>(patches, grid, this->options_.patch, this->outputs());
  }

 private:
  static const TransformerOptions& checked(const TransformerOptions& o) {
    const char* const net = Net::kind.name;
    need_positive(net, {{"patch", o.patch}, {"depth", o.depth}, {"ratio", o.ratio}});
    need_dropout(net, o.dropout);
    for (const Index n : o.extents)
      if (n <= 0 || n % o.patch != 0)
        raise<ArgumentError>(net, ": extent ", n, ", must be a positive multiple of the patch, ",
                             o.patch);
    return o;
  }
  static PositionOptions positions(const TransformerOptions& o) {
    PositionOptions p{.width = o.width};
    for (const Index n : o.extents) p.grid.push_back(n / o.patch);
    return p;
  }
};
}  // namespace detail

struct DitBlockOptions {
  Index width = 0;
  Index heads = 4;
  Index hidden = 0;  ///< of the feed-forward half
  Index context = 0;
  double dropout = 0;
  bool zero = true;  ///< starts as the identity (adaLN-zero)
};

/// Transformer block with adaLN-zero (Peebles & Xie 2023): x [B, N, width], e [B or 1, width] gives
/// two triples (shift, scale, gate);  x += gate attention(modulate(norm(x)));  where built for a
/// context: x += cross(norm(x), context);  x += gate ff(modulate(norm(x))). Norms have no gain of
/// their own.
template <Scalar T = float>
class DitBlock : public Layer<T, DitBlockOptions> {
 public:
  LayerNorm<T> norm;
  MultiHeadAttention<T> attention;
  std::optional<MultiHeadAttention<T>> cross;
  FeedForward<T> ff;
  Linear<T> modulation;

  explicit DitBlock(const DitBlockOptions& o, Rng& rng)
      : norm({.channels = o.width, .eps = 1e-6, .affine = false}),
        attention({.width = o.width, .heads = o.heads}, rng),
        ff({.width = o.width, .hidden = o.hidden}, rng),
        modulation({.in = o.width, .out = 6 * o.width, .zero = o.zero}, rng),
        dropout_(o.dropout) {
    if (o.context > 0)
      cross.emplace(
          AttentionOptions{
              .width = o.width, .heads = o.heads, .context = o.context, .zero = o.zero},
          rng);
  }

  /// context may be nullptr.
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(const X& x, const X& e, const Context<X>* context, DropoutCalls& dropouts,
               const At& at = {}) const {
    const X m = modulation(e);
    // x + gate dropout(last(branch)), as one product where nothing is dropped.
    const auto add = [&](const X& to, Index gate, const Linear<T>& last, const X& branch) {
      if (!dropouts.active(dropout_)) return last.onto(to, m, gate, branch);
      return gated_add(to, m, gate, dropouts(last(branch), dropout_));
    };
    X h = add(x, 2, attention.proj, attention.heads(norm(x, m, 0, 1), nullptr, at.part("self")));
    if (context && cross) h = h + (*cross)(norm(h), *context, at.part("cross"));
    return add(h, 5, ff.fc2, ff.hidden(norm(h, m, 3, 4)));
  }
  template <ValueOf<T> X>
  X operator()(const X& x, const X& e) const {
    DropoutCalls none;
    return (*this)(x, e, static_cast<const Context<X>*>(nullptr), none);
  }

  FOGLIFT_CHILDREN(attention, cross, ff, modulation);

 private:
  double dropout_;
};

/// Diffusion transformer (Peebles & Xie 2023): x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims = 2),
/// time [B] -> the same with `out` channels. Extents must be multiples of the patch.
template <int Dims, Scalar T = float>
class Dit : public detail::Transformer<Dit<Dims, T>, DitBlock<T>, Dims, T> {
 public:
  static constexpr Signature kind{.name = "Dit", .dims = Dims};

  AdaLayerNorm<T> norm;
  Linear<T> output;

  /// Throws ArgumentError for an extent that is not positive, or heads that do not divide the
  /// width.
  explicit Dit(const TransformerOptions& o, Rng& rng);

  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
            DropoutCalls dropouts, const Call<H>& call) const;

  FOGLIFT_CHILDREN(embedding, input, position, blocks, norm, output);

 private:
  /// Block i, checkpointed if the options say so.
  template <Value X, class At>
  X block(std::size_t i, const X& x, const X& e, const std::optional<Context<X>>& context,
          DropoutCalls& dropouts, const At& at) const {
    const DitBlock<T>& net = this->blocks[i];
    if (At::template attends<X> || !this->options_.checkpoint)
      return net(x, e, context ? &*context : nullptr, dropouts, at);
    const auto own = dropouts.take(2, this->options_.dropout);
    if (!context)
      return foglift::checkpoint(
          [&net, own](const X& a, const X& b) {
            DropoutCalls calls = own;
            return net(a, b, static_cast<const Context<X>*>(nullptr), calls);
          },
          x, e);
    return foglift::checkpoint(
        [&net, own, mask = context->mask, present = context->present](const X& a, const X& b,
                                                                      const X& c) {
          DropoutCalls calls = own;
          Context<X> inner{c, mask};
          if (present) inner.present = constant(value_of(*present), c);
          return net(a, b, &inner, calls);
        },
        x, e, context->sequence);
  }
};

template <int Dims, Scalar T>
Dit<Dims, T>::Dit(const TransformerOptions& o, Rng& rng)
    : Dit::Transformer(
          o,
          [&](Index) {
            return DitBlockOptions{.width = o.width,
                                   .heads = o.heads,
                                   .hidden = o.ratio * o.width,
                                   .context = o.sequence,
                                   .dropout = o.dropout,
                                   .zero = o.zero};
          },
          rng),
      norm({.channels = o.width, .condition = o.width, .zero = o.zero}, rng),
      output({.in = o.width, .out = this->patch_size(this->outputs()), .zero = o.zero}, rng) {}

template <int Dims, Scalar T>
template <ValueOf<T> X, class H>
X Dit<Dims, T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                        DropoutCalls dropouts, const Call<H>& call) const {
  const Shape grid = this->patches(value_of(x).shape());
  const X e = this->embedding.rows(time, condition, x);
  const std::optional<Context<X>> context = detail::context_of(condition, x);
  X h = this->tokens(x, condition, grid);
  const auto entry = call.at(grid, "input");
  entry.block(h);
  if (entry.done()) return detail::unfinished(x, this->outputs());
  for (std::size_t i = 0; i < this->blocks.size(); ++i) {
    const auto at = call.at(grid, "blocks", i);
    if (!at.skip()) h = block(i, h, e, context, dropouts, at);
    at.block(h);
    if (at.done()) return detail::unfinished(x, this->outputs());
  }
  return this->assembled(output(norm(h, e)), grid);
}

template <Scalar T = float>
using Dit1d = Dit<1, T>;
template <Scalar T = float>
using Dit2d = Dit<2, T>;

#define FOGLIFT_NN_DIT(linkage, T) FOGLIFT_NN_NETWORKS(linkage, T, Dit)
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_DIT, extern template);

}  // namespace foglift::inline v0::nn
