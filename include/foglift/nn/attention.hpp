#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/nn/chunk.hpp"
#include "foglift/nn/linear.hpp"
#include "foglift/nn/norm.hpp"

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
  X operator()(const X& x, const Tensor<T>* mask = nullptr) const {
    if (!qkv) raise<ArgumentError>("MultiHeadAttention: built for a context, called without one");
    const X h = (*qkv)(x);
    return proj(attention(chunk(h, 0, 3), chunk(h, 1, 3), chunk(h, 2, 3), heads_, mask));
  }

  /// Cross-attention to context [B, M, context]; mask [B, M] or [B, N, M].
  template <ValueOf<T> X>
  X operator()(const X& x, const X& context, const Tensor<T>* mask = nullptr) const {
    if (!q) raise<ArgumentError>("MultiHeadAttention: built for self-attention, given a context");
    const X h = (*kv)(context);
    return proj(attention((*q)(x), chunk(h, 0, 2), chunk(h, 1, 2), heads_, mask));
  }

  static void each(auto& self, auto&& f) {
    f("qkv", self.qkv);
    f("q", self.q);
    f("kv", self.kv);
    f("proj", self.proj);
  }

 private:
  Index heads_;
};

struct AttentionBlockOptions {
  Index width = 0;
  Index heads = 4;
  Index groups = 8;
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
      : norm({.channels = o.width, .groups = o.groups}),
        attention({.width = o.width, .heads = o.heads, .zero = o.zero}, rng) {
    if (o.context == 0) return;
    cross_norm.emplace(GroupNormOptions{.channels = o.width, .groups = o.groups});
    cross.emplace(
        AttentionOptions{.width = o.width, .heads = o.heads, .context = o.context, .zero = o.zero},
        rng);
  }

  /// context [B, M, context] and mask [B, M] may be nullptr.
  template <ValueOf<T> X>
  X operator()(const X& x, const X* context = nullptr, const Tensor<T>* mask = nullptr) const {
    if (context && !cross) raise<ArgumentError>("AttentionBlock: built without a context");
    X h = as_sequence(x);
    h = h + attention(norm(h));
    if (context) h = h + (*cross)((*cross_norm)(h), *context, mask);
    return reshape(h, value_of(x).shape());
  }

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
