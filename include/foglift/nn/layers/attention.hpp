#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/autograd/ops/matmul.hpp"
#include "foglift/nn/condition.hpp"
#include "foglift/nn/hook.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <optional>

namespace foglift::inline v0::nn {

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
class MultiHeadAttention : public Layer<T, AttentionOptions> {
 public:
  std::optional<Linear<T>> qkv, q, kv;
  Linear<T> proj;

  /// Throws ArgumentError unless heads divides width.
  explicit MultiHeadAttention(const AttentionOptions& o, Rng& rng)
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
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(const X& x, const Tensor<T>* mask = nullptr, const At& at = {}) const {
    return proj(heads(x, mask, at));
  }
  /// What operator() projects: the heads' outputs beside each other, [B, N, width].
  template <ValueOf<T> X, class At = HookAt<>>
  X heads(const X& x, const Tensor<T>* mask = nullptr, const At& at = {}) const {
    if (!qkv) raise<ArgumentError>("MultiHeadAttention: built for a context, called without one");
    const X h = (*qkv)(x);
    if constexpr (At::template attends<X>)
      return hooked(chunk(h, 0, 3), chunk(h, 1, 3), chunk(h, 2, 3), mask, at);
    else
      return self_attention(h, heads_, mask);
  }

  /// Cross-attention to context [B, M, context]; mask [B, M] or [B, N, M].
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(const X& x, const X& context, const Tensor<T>* mask = nullptr,
               const At& at = {}) const {
    if (!q) raise<ArgumentError>("MultiHeadAttention: built for self-attention, given a context");
    const X queries = (*q)(x), h = (*kv)(context);
    if constexpr (At::template attends<X>)
      return proj(hooked(queries, chunk(h, 0, 2), chunk(h, 1, 2), mask, at));
    else
      return proj(cross_attention(queries, h, heads_, mask));
  }
  /// The same to a context; zeros for samples that are not present.
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(const X& x, const Context<X>& context, const At& at = {}) const {
    const X y = (*this)(x, context.sequence, context.mask ? &*context.mask : nullptr, at);
    return context.present ? y * *context.present : y;
  }

  FOGLIFT_CHILDREN(qkv, q, kv, proj);

 private:
  /// The heads' outputs for q [B, N, width], k and v [B, M, width], as the hook wants them.
  template <Value X, class At>
  X hooked(X query, X key, X value, const Tensor<T>* mask, const At& at) const {
    at.queries(query);
    at.keys(key);
    at.values(value);
    if (at.needs_weights()) {
      X w = weights(query, key, mask);
      if (at.weights(w)) return weighted(w, value);
    }
    if (std::optional<X> y = at.attend(query, key, value)) return *std::move(y);
    return foglift::attention(query, key, value, heads_, mask);
  }
  /// The weights [B, heads, N, M]: row i is what query i attends to, of sum 1 (0 where the mask
  /// leaves it nothing).
  template <Value X>
  X weights(const X& query, const X& key, const Tensor<T>* mask) const {
    const Index B = query.dim(0), N = query.dim(1), M = key.dim(1);
    Tensor<T> each({B, M, heads_ * M});  // attention to values that tell the keys apart
    for (Index row = 0; row < B * M; ++row)
      for (Index head = 0; head < heads_; ++head) each[(row * heads_ + head) * M + row % M] = 1;
    return transpose(
        reshape(foglift::attention(query, key, constant(std::move(each), query), heads_, mask),
                {B, N, heads_, M}),
        1, 2);
  }
  /// Each head's sums of its part of v [B, M, width] by weights [B, heads, N, M].
  template <Value X>
  X weighted(const X& w, const X& value) const {
    const Index B = value.dim(0), M = value.dim(1), D = value.dim(2), N = w.dim(2);
    const X each = transpose(reshape(value, {B, M, heads_, D / heads_}), 1, 2);
    return reshape(transpose(matmul(w, each), 1, 2), {B, N, D});
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
class AttentionBlock : public Layer<T, AttentionBlockOptions> {
 public:
  GroupNorm<T> norm;
  MultiHeadAttention<T> attention;
  std::optional<GroupNorm<T>> cross_norm;
  std::optional<MultiHeadAttention<T>> cross;

  explicit AttentionBlock(const AttentionBlockOptions& o, Rng& rng)
      : norm({.channels = o.width, .groups = o.groups, .eps = o.norm_eps}),
        attention({.width = o.width, .heads = o.heads, .zero = o.zero}, rng) {
    if (o.context == 0) return;
    cross_norm.emplace(
        GroupNormOptions{.channels = o.width, .groups = o.groups, .eps = o.norm_eps});
    cross.emplace(
        AttentionOptions{.width = o.width, .heads = o.heads, .context = o.context, .zero = o.zero},
        rng);
  }

  /// context may be nullptr.
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(const X& x, const Context<X>* context = nullptr, const At& at = {}) const {
    if (context && !cross) raise<ArgumentError>("AttentionBlock: built without a context");
    X h = as_sequence(x);
    h = h + attention(norm(h), nullptr, at.part("self"));
    if (context) h = h + (*cross)((*cross_norm)(h), *context, at.part("cross"));
    return reshape(h, value_of(x).shape());
  }

  FOGLIFT_CHILDREN(norm, attention, cross_norm, cross);
};

}  // namespace foglift::inline v0::nn
