#pragma once

#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/layers/norm.hpp"

namespace foglift::inline v0::nn {

struct TransformerLayerOptions {
  Index width = 0, heads = 8;
  Index hidden = 64;  ///< of the feed-forward half
  double norm_eps = 1e-5;
};

/// Encoder layer of Vaswani et al. (2017), normalized after each half, with GELU: x [B, N, width],
/// h = norm1(x + attention(x)), norm2(h + ff(h)). PyTorch's TransformerEncoderLayer by default.
template <Scalar T = float>
class TransformerLayer : public Layer<T, TransformerLayerOptions> {
 public:
  MultiHeadAttention<T> attention;
  LayerNorm<T> norm1;
  FeedForward<T> ff;
  LayerNorm<T> norm2;

  /// Throws ArgumentError for an extent that is not positive, or heads that do not divide width.
  explicit TransformerLayer(const TransformerLayerOptions& o, Rng& rng)
      : attention({.width = o.width, .heads = o.heads}, rng),
        norm1({.channels = o.width, .eps = o.norm_eps}),
        ff({.width = o.width, .hidden = o.hidden}, rng),
        norm2({.channels = o.width, .eps = o.norm_eps}) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X h = norm1(x + attention(x));
    return norm2(h + ff(h));
  }

  FOGLIFT_CHILDREN(attention, norm1, ff, norm2);
};

struct TwoAxisBlockOptions {
  Index width = 0, heads = 8;
  Index hidden = 64;    ///< of the layers' feed-forward halves
  Index embedding = 0;  ///< features of the time embedding; 0: none
  Index condition = 0;  ///< channels of a condition at every position; 0: none
};

/// Residual block of CSDI (Tashiro et al. 2021): a transformer layer over the times of each series,
/// one over the series at each time, and a linear layer, in the frame of GatedResidual. x [B, L, K,
/// width] for L times of K series, e [B, embedding], c [B, L, K, condition] or what broadcasts to
/// that.
template <Scalar T = float>
class TwoAxisBlock : public Layer<T, TwoAxisBlockOptions> {
 public:
  GatedResidual<T> gated;
  TransformerLayer<T> times, series;
  Linear<T> middle;

  explicit TwoAxisBlock(const TwoAxisBlockOptions& o, Rng& rng)
      : gated({.width = o.width, .embedding = o.embedding, .condition = o.condition}, rng),
        times({.width = o.width, .heads = o.heads, .hidden = o.hidden}, rng),
        series({.width = o.width, .heads = o.heads, .hidden = o.hidden}, rng),
        middle({.in = o.width, .out = 2 * o.width}, rng) {}

  /// Throws ShapeError unless x has four axes.
  template <ValueOf<T> X>
  SkipOutput<X> operator()(const X& x, const X* e = nullptr, const X* c = nullptr) const {
    if (x.rank() != 4)
      raise<ShapeError>("TwoAxisBlock: input ", value_of(x).shape(),
                        ", expected [batch, times, series, width]");
    return gated(x, e, c, [&](const X& h) {
      const X over_times = transpose(along_third(times, transpose(h, 1, 2)), 1, 2);
      return middle(along_third(series, over_times));
    });
  }

  FOGLIFT_CHILDREN(gated, times, series, middle);
};

}  // namespace foglift::inline v0::nn
