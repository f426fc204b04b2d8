#pragma once

#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/nets/dit.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foglift::inline v0::nn {

struct UVitBlockOptions {
  Index width = 0;
  Index heads = 4;
  Index hidden = 0;   ///< of the feed-forward half
  bool skip = false;  ///< takes a long skip
  double dropout = 0;
};

/// Pre-norm transformer block, x += attention(norm1(x)); x += ff(norm2(x)), on x [B, N, width]; in
/// the second half of a U-ViT first x = linear([x | skip]).
template <Scalar T = float>
class UVitBlock : public Layer<T, UVitBlockOptions> {
 public:
  std::optional<Linear<T>> skip;
  LayerNorm<T> norm1;
  MultiHeadAttention<T> attention;
  LayerNorm<T> norm2;
  FeedForward<T> ff;

  explicit UVitBlock(const UVitBlockOptions& o, Rng& rng)
      : norm1({.channels = o.width}),
        attention({.width = o.width, .heads = o.heads}, rng),
        norm2({.channels = o.width}),
        ff({.width = o.width, .hidden = o.hidden}, rng),
        dropout_(o.dropout) {
    if (o.skip) skip.emplace(LinearOptions{.in = 2 * o.width, .out = o.width}, rng);
  }

  /// mask [B, N], nonzero where a token may be attended to, may be nullptr.
  template <ValueOf<T> X, class At = HookAt<>>
  X operator()(X x, const Tensor<T>* mask, DropoutCalls& dropouts, const At& at = {}) const {
    x = x + dropouts(attention(norm1(x), mask, at.part("self")), dropout_);
    return x + dropouts(ff(norm2(x)), dropout_);
  }

  FOGLIFT_CHILDREN(skip, norm1, attention, norm2, ff);

 private:
  double dropout_;
};

/// U-ViT (Bao et al. 2023, "All are worth words"): x [B, L, in] (Dims = 1) or [B, H, W, in] (Dims =
/// 2), time [B] -> the same with `out` channels. The time (with class and vector) is one token, a
/// condition sequence one token a position, beside the patches; block i of the second half receives
/// the output of its mirror image in the first; a convolution smooths the assembled patches.
template <int Dims, Scalar T = float>
class UVit : public detail::Transformer<UVit<Dims, T>, UVitBlock<T>, Dims, T> {
 public:
  static constexpr Signature kind{.name = "UVit", .dims = Dims};

  std::optional<Linear<T>> sequence;
  LayerNorm<T> norm;
  Linear<T> output;
  Conv<Dims, T> smooth;

  /// Throws ArgumentError for an extent that is not positive, an even depth, or heads that do not
  /// divide the width.
  explicit UVit(const TransformerOptions& o, Rng& rng);

  /// A skipped block still takes its long skip.
  template <ValueOf<T> X, class H>
  X forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
            DropoutCalls dropouts, const Call<H>& call) const;

  FOGLIFT_CHILDREN(embedding, sequence, input, position, blocks, norm, output, smooth);

 private:
  /// Which of all tokens [time | sequence | patches] may be attended to, or nothing: not those of
  /// the sequence [B, M] that the mask hides, nor any of a sample that is not present.
  template <class C>
  static std::optional<Tensor<T>> token_mask(const Condition<C>& condition, Index tokens) {
    if (!condition.sequence || !(condition.mask || condition.present)) return std::nullopt;
    const Index B = condition.sequence->dim(0), M = condition.sequence->dim(1);
    Tensor<T> mask({B, tokens}, T(1));
    for (Index b = 0; b < B; ++b) {
      T* const row = mask.data() + b * tokens + 1;
      if (condition.mask) std::copy_n(condition.mask->data() + b * M, M, row);
      if (condition.present && (*condition.present)[b] == 0) std::fill_n(row, M, T(0));
    }
    return mask;
  }
};

template <int Dims, Scalar T>
UVit<Dims, T>::UVit(const TransformerOptions& o, Rng& rng)
    : UVit::Transformer(
          o,
          [&](Index i) {
            if (o.depth % 2 == 0) raise<ArgumentError>("UVit: depth ", o.depth, ", must be odd");
            return UVitBlockOptions{.width = o.width,
                                    .heads = o.heads,
                                    .hidden = o.ratio * o.width,
                                    .skip = i > o.depth / 2,
                                    .dropout = o.dropout};
          },
          rng),
      norm({.channels = o.width}),
      output({.in = o.width, .out = this->patch_size(this->outputs())}, rng),
      smooth({.in = this->outputs(), .out = this->outputs(), .zero = o.zero}, rng) {
  if (o.sequence > 0) sequence.emplace(LinearOptions{.in = o.sequence, .out = o.width}, rng);
}

template <int Dims, Scalar T>
template <ValueOf<T> X, class H>
X UVit<Dims, T>::forward(const X& x, const Tensor<T>& time, const ConditionFor<X>& condition,
                         DropoutCalls dropouts, const Call<H>& call) const {
  const Shape grid = this->patches(value_of(x).shape());
  const X e = this->embedding(time, condition, x);
  std::vector<X> parts{reshape(e, {x.dim(0), 1, this->options_.width})};
  if (const auto context = detail::context_of(condition, x))
    parts.push_back((*sequence)(context->sequence));
  parts.push_back(this->tokens(x, condition, grid));
  X h = concat(std::span<const X>(parts), 1);
  const std::optional<Tensor<T>> mask = token_mask(condition, h.dim(1));
  const auto entry = call.at(grid, "input");
  entry.block(h);
  if (entry.done()) return detail::unfinished(x, this->outputs());

  std::vector<X> skips;
  for (std::size_t i = 0; i < this->blocks.size(); ++i) {
    if (this->blocks[i].skip) {
      h = (*this->blocks[i].skip)(concat({h, skips.back()}, 2));
      skips.pop_back();
    }
    const auto at = call.at(grid, "blocks", i);
    if (!at.skip()) h = this->blocks[i](h, mask ? &*mask : nullptr, dropouts, at);
    at.block(h);
    if (at.done()) return detail::unfinished(x, this->outputs());
    if (i < this->blocks.size() / 2) skips.push_back(h);
  }
  h = slice(h, 1, h.dim(1) - grid.size(), grid.size());
  return smooth(this->assembled(output(norm(h)), grid));
}

template <Scalar T = float>
using UVit1d = UVit<1, T>;
template <Scalar T = float>
using UVit2d = UVit<2, T>;

#define FOGLIFT_NN_UVIT(linkage, T) FOGLIFT_NN_NETWORKS(linkage, T, UVit)
FOGLIFT_FOR_SCALARS(FOGLIFT_NN_UVIT, extern template);

}  // namespace foglift::inline v0::nn
