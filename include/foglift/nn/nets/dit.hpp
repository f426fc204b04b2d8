#pragma once

#include "foglift/autograd/ops/checkpoint.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/conditioning.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/layers/patch.hpp"
#include "foglift/nn/network.hpp"

#include <string>
#include <vector>

namespace foglift::inline v0::nn {

/// Options shared by the transformer denoisers, DiT and U-ViT.
struct TransformerOptions {
  Index in = 1;
  Index out = 0;  ///< 0: as many as in
  Index patch = 1;
  Index width = 128;
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
inline TimeEmbeddingOptions time_embedding(const char* net, const TransformerOptions& o) {
  need_positive(net, "patch", o.patch);
  need_positive(net, "depth", o.depth);
  need_positive(net, "ratio", o.ratio);
  if (!(o.dropout >= 0 && o.dropout < 1))
    raise<ArgumentError>(net, ": dropout = ", o.dropout, ", must be in [0, 1)");
  for (const Index n : o.extents)
    if (n <= 0 || n % o.patch != 0)
      raise<ArgumentError>(net, ": extent ", n, ", must be a positive multiple of the patch, ",
                           o.patch);
  TimeEmbeddingOptions e = o.embedding;
  if (e.features == 0) e.features = o.width;
  e.width = o.width;
  return e;
}
/// Scalars in one patch of C channels.
template <int Dims>
Index patch_size(const TransformerOptions& o, Index C) {
  return Dims == 1 ? o.patch * C : o.patch * o.patch * C;
}
inline Index outputs(const TransformerOptions& o) { return o.out == 0 ? o.in : o.out; }
template <int Dims>
Signature signature(const char* name, const TransformerOptions& o) {
  return {.name = name,
          .dims = Dims,
          .in = o.in,
          .out = outputs(o),
          .classes = o.embedding.classes,
          .vector = o.embedding.vector,
          .sequence = o.sequence,
          .map = o.map};
}
/// Of x [B, ..., in], in the projections of all blocks.
template <int Dims>
SampleCost sample_cost(const TransformerOptions& o, const Shape& x) {
  const Index tokens = x.size(1, Dims + 1) / (Dims == 1 ? o.patch : o.patch * o.patch);
  return {tokens * o.depth * (4 + 2 * o.ratio) * o.width * o.width,
          tokens * std::max<Index>(o.ratio, 3) * o.width};
}
inline std::vector<std::string> transformer_blocks(std::size_t depth) {
  std::vector<std::string> names{"input"};
  for (std::size_t i = 0; i < depth; ++i) names.push_back(place_name("blocks", i));
  return names;
}
inline std::vector<std::string> transformer_attention(std::size_t depth, bool cross) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < depth; ++i) {
    names.push_back(place_name("blocks", i, "self"));
    if (cross) names.push_back(place_name("blocks", i, "cross"));
  }
  return names;
}
inline PositionOptions positions(const TransformerOptions& o) {
  PositionOptions p{.width = o.width};
  for (const Index n : o.extents) p.grid.push_back(n / o.patch);
  return p;
}
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
class DitBlock {
 public:
  using value_type = T;
  using Options = DitBlockOptions;

  LayerNorm<T> norm;
  MultiHeadAttention<T> attention;
  std::optional<MultiHeadAttention<T>> cross;
  FeedForward<T> ff;
  Linear<T> modulation;

  explicit DitBlock(const Options& o, Rng& rng)
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

  static void each(auto& self, auto&& f) {
    f("attention", self.attention);
    f("cross", self.cross);
    f("ff", self.ff);
    f("modulation", self.modulation);
  }

 private:
  double dropout_;
};

/// Diffusion transformer (Peebles & Xie 2023): x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims = 2),
/// time [B] -> the same with `out` channels. Extents must be multiples of the patch.
template <int Dims, Scalar T = float>
class Dit {
 public:
  using value_type = T;
  using condition_type = Condition<T>;
  using Options = TransformerOptions;

  TimeEmbedding<T> embedding;
  Linear<T> input;
  PositionEmbedding<Dims, T> position;
  std::vector<DitBlock<T>> blocks;
  AdaLayerNorm<T> norm;
  Linear<T> output;

  /// Throws ArgumentError for an extent that is not positive, or heads that do not divide the
  /// width.
  explicit Dit(const Options& o, Rng& rng);

  const Options& options() const { return options_; }

  /// Names of the blocks in order: "input", "blocks.<i>"; outputs [B, patches, width].
  std::vector<std::string> block_names() const { return detail::transformer_blocks(blocks.size()); }
  /// Names of the attentions in order: "blocks.<i>.self", and "blocks.<i>.cross" where the network
  /// is built for a sequence.
  std::vector<std::string> attention_names() const {
    return detail::transformer_attention(blocks.size(), options_.sequence > 0);
  }

  /// Throws ShapeError for an input, a time or a condition that does not fit, ArgumentError for a
  /// condition that the network was not built for.
  template <ValueOf<T> X, class C = T, class H = NoHook>
  X operator()(const X& x, const Tensor<T>& time, const Condition<C>& condition = {},
               const Call<H>& call = {}) const {
    return network_call(*this, x, time, condition, call);
  }

  /// See network_call.
  Signature signature() const { return detail::signature<Dims>("Dit", options_); }
  detail::SampleCost sample_cost(const Shape& x) const {
    return detail::sample_cost<Dims>(options_, x);
  }
  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
            DropoutCalls dropouts, const Call<H>& call) const;

  static void each(auto& self, auto&& f) {
    f("embedding", self.embedding);
    f("input", self.input);
    f("position", self.position);
    f("blocks", self.blocks);
    f("norm", self.norm);
    f("output", self.output);
  }

 private:
  /// Block i, checkpointed if the options say so.
  template <Value X, class At>
  X block(std::size_t i, const X& x, const X& e, const std::optional<Context<X>>& context,
          DropoutCalls& dropouts, const At& at) const {
    const DitBlock<T>& net = blocks[i];
    if (At::template attends<X> || !options_.checkpoint)
      return net(x, e, context ? &*context : nullptr, dropouts, at);
    const auto own = dropouts.take(2, options_.dropout);
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

  static std::vector<DitBlock<T>> make_blocks(const Options& o, Rng& rng) {
    std::vector<DitBlock<T>> result;
    for (Index i = 0; i < o.depth; ++i)
      result.emplace_back(DitBlockOptions{.width = o.width,
                                          .heads = o.heads,
                                          .hidden = o.ratio * o.width,
                                          .context = o.sequence,
                                          .dropout = o.dropout,
                                          .zero = o.zero},
                          rng);
    return result;
  }

  Options options_;
};

template <int Dims, Scalar T>
Dit<Dims, T>::Dit(const Options& o, Rng& rng)
    : embedding(detail::time_embedding("Dit", o), rng),
      input({.in = detail::patch_size<Dims>(o, o.in + o.map), .out = o.width}, rng),
      position(detail::positions(o), rng),
      blocks(make_blocks(o, rng)),
      norm({.channels = o.width, .condition = o.width, .zero = o.zero}, rng),
      output(
          {.in = o.width, .out = detail::patch_size<Dims>(o, detail::outputs(o)), .zero = o.zero},
          rng),
      options_(o) {}

template <int Dims, Scalar T>
template <ValueOf<T> X, class H>
X Dit<Dims, T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                        DropoutCalls dropouts, const Call<H>& call) const {
  const Shape grid = patch_grid<Dims>("Dit", value_of(x).shape(), options_.patch);
  const X e = embedding.rows(time, condition, x);
  const std::optional<Context<X>> context = detail::context_of(condition, x);
  X h = detail::beside_map(x, condition, options_.map, [&](const X& all) {
    return input(to_patches<Dims>(all, grid, options_.patch));
  });
  h = h + position(grid, x);
  const auto entry = call.at(grid, "input");
  entry.block(h);
  if (entry.done()) return detail::unfinished(x, detail::outputs(options_));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto at = call.at(grid, "blocks", i);
    if (!at.skip()) h = block(i, h, e, context, dropouts, at);
    at.block(h);
    if (at.done()) return detail::unfinished(x, detail::outputs(options_));
  }
  return from_patches<Dims>(output(norm(h, e)), grid, options_.patch, detail::outputs(options_));
}

template <Scalar T = float>
using Dit1d = Dit<1, T>;
template <Scalar T = float>
using Dit2d = Dit<2, T>;

#ifdef FOGLIFT_COMPILED
#define FOGLIFT_NN_DIT(linkage, T)           \
  FOGLIFT_NN_NETWORK(linkage, T, Dit<1, T>); \
  FOGLIFT_NN_NETWORK(linkage, T, Dit<2, T>)
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_DIT, extern template);
#endif

}  // namespace foglift::inline v0::nn
