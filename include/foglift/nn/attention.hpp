#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/autograd/ops/blur.hpp"
#include "foglift/nn/chunk.hpp"
#include "foglift/nn/linear.hpp"
#include "foglift/nn/norm.hpp"
#include "foglift/nn/perturbation.hpp"

#include <optional>

namespace foglift {
inline namespace v0 {
namespace nn {

struct AttentionOptions {
  Index width = 0;
  Index heads = 4;
  Index context = 0;  ///< 0: self-attention; else channels of the sequence attended to
  bool zero = false;  ///< the output projection starts at zero
};

/// Multi-head attention (Vaswani et al. 2017): softmax(q k' / sqrt(width / heads)) v, projected.
/// x [B, N, width] attends to itself (one fused projection [q | k | v]) or to a context [B, M,
/// context] (q from x, fused [k | v] from the context).
template <Scalar T = float>
class MultiHeadAttention {
 public:
  using value_type = T;
  using Options = AttentionOptions;

  std::optional<Linear<T>> qkv, q, kv;
  Linear<T> proj;

  /// Throws ArgumentError unless heads divides width.
  explicit MultiHeadAttention(const Options& o, Rng& rng)
      : proj({.in = o.width, .out = o.width, .zero = o.zero}, rng), heads_(o.heads) {
    detail::need_positive("MultiHeadAttention", "heads", o.heads);
    if (o.width % o.heads != 0)
      raise<ArgumentError>("MultiHeadAttention: ", o.heads, " heads do not divide width ", o.width);
    if (o.context == 0) {
      qkv.emplace(LinearOptions{.in = o.width, .out = 3 * o.width}, rng);
    } else {
      q.emplace(LinearOptions{.in = o.width, .out = o.width}, rng);
      kv.emplace(LinearOptions{.in = o.context, .out = 2 * o.width}, rng);
    }
  }

  /// Self-attention. mask [B, N] or [B, N, N], nonzero where attention may go; nullptr: everywhere.
  template <ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>* mask = nullptr,
               const AttentionChange& change = {}) const {
    return proj(heads(x, mask, change));
  }
  /// What operator() projects: the heads' outputs beside each other, [B, N, width].
  template <ValueOf<T> X>
  X heads(const X& x, const Tensor<T>* mask = nullptr, const AttentionChange& change = {}) const {
    const X h = projected(x);
    if (change.identity) return chunk(h, 2, 3);
    if (!(change.blur > 0)) return self_attention(h, heads_, mask);
    return attention(blurred(chunk(h, 0, 3), change), chunk(h, 1, 3), chunk(h, 2, 3), heads_, mask);
  }

  /// The weights [B, heads, N, N] of self-attention on x [B, N, width]: row i is what query i
  /// attends to, of sum 1 (0 where the mask leaves it nothing).
  Tensor<T> map(const Tensor<T>& x, const Tensor<T>* mask = nullptr) const {
    const Tensor<T> h = projected(x);
    const Index B = x.dim(0), N = x.dim(1);
    Tensor<T> each({B, N, heads_ * N});  // attention to values that tell the keys apart
    for (Index row = 0; row < B * N; ++row)
      for (Index head = 0; head < heads_; ++head) each[(row * heads_ + head) * N + row % N] = 1;
    return transpose(
        reshape(attention(chunk(h, 0, 3), chunk(h, 1, 3), each, heads_, mask), {B, N, heads_, N}),
        1, 2);
  }

  /// Cross-attention to context [B, M, context]; mask [B, M] or [B, N, M].
  template <ValueOf<T> X>
  X operator()(const X& x, const X& context, const Tensor<T>* mask = nullptr) const {
    if (!q) raise<ArgumentError>("MultiHeadAttention: built for self-attention, given a context");
    return proj(cross_attention((*q)(x), (*kv)(context), heads_, mask));
  }

  static void each(auto& self, auto&& f) {
    f("qkv", self.qkv);
    f("q", self.q);
    f("kv", self.kv);
    f("proj", self.proj);
  }

 private:
  /// [q | k | v].
  template <Value X>
  X projected(const X& x) const {
    if (!qkv) raise<ArgumentError>("MultiHeadAttention: built for a context, called without one");
    return (*qkv)(x);
  }
  /// The queries of the grid's positions, which come last, blurred over the grid.
  template <Value X>
  static X blurred(const X& queries, const AttentionChange& change) {
    const Shape& g = change.grid;
    const Index B = queries.dim(0), N = queries.dim(1), D = queries.dim(2), lead = N - g.size();
    const X positions = slice(queries, 1, lead, g.size());
    const X smooth =
        reshape(gaussian_blur(
                    reshape(positions, g.rank() == 1 ? Shape{B, g[0], D} : Shape{B, g[0], g[1], D}),
                    change.blur),
                {B, g.size(), D});
    return lead == 0 ? smooth : concat({slice(queries, 1, 0, lead), smooth}, 1);
  }

  Index heads_;
};

struct AttentionBlockOptions {
  Index width = 0;
  Index heads = 4;
  Index groups = 8;
  double norm_eps = 1e-5;
  Index context = 0;  ///< > 0: also attends to a sequence of so many channels
  bool zero = false;  ///< starts as the identity
};

/// x + attention(group_norm(x)) over all positions of x [B, ..., width], then, where built for a
/// context and given one, the same by cross-attention.
template <Scalar T = float>
class AttentionBlock {
 public:
  using value_type = T;
  using Options = AttentionBlockOptions;

  GroupNorm<T> norm;
  MultiHeadAttention<T> attention;
  std::optional<GroupNorm<T>> cross_norm;
  std::optional<MultiHeadAttention<T>> cross;

  explicit AttentionBlock(const Options& o, Rng& rng)
      : norm({.channels = o.width, .groups = o.groups, .eps = o.norm_eps}),
        attention({.width = o.width, .heads = o.heads, .zero = o.zero}, rng) {
    if (o.context == 0) return;
    cross_norm.emplace(
        GroupNormOptions{.channels = o.width, .groups = o.groups, .eps = o.norm_eps});
    cross.emplace(
        AttentionOptions{.width = o.width, .heads = o.heads, .context = o.context, .zero = o.zero},
        rng);
  }

  /// context [B, M, context] and mask [B, M] may be nullptr.
  template <ValueOf<T> X>
  X operator()(const X& x, const X* context = nullptr, const Tensor<T>* mask = nullptr,
               const AttentionChange& change = {}) const {
    if (context && !cross) raise<ArgumentError>("AttentionBlock: built without a context");
    X h = as_sequence(x);
    h = h + attention(norm(h), nullptr, change);
    if (context) h = h + (*cross)((*cross_norm)(h), *context, mask);
    return reshape(h, value_of(x).shape());
  }

  /// The weights [B, heads, N, N] of self-attention over the N positions of x [B, ..., width].
  Tensor<T> map(const Tensor<T>& x) const { return attention.map(norm(as_sequence(x))); }

  static void each(auto& self, auto&& f) {
    f("norm", self.norm);
    f("attention", self.attention);
    f("cross_norm", self.cross_norm);
    f("cross", self.cross);
  }
};

}  // namespace nn
}  // namespace v0
}  // namespace foglift
