#pragma once

#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/nn/blocks/trend_season.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "foglift/nn/layers/conditioning.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/layers/patch.hpp"

#include <vector>

namespace foglift::inline v0::nn {

struct DecompositionOptions {
  Index length = 0;    ///< of the series
  Index channels = 0;  ///< K
  Index width = 64;
  Index heads = 4;
  Index encoders = 3, decoders = 2;
  double time_scale = 1000;  ///< what a time of 1 is to its sinusoids
};

/// Layer of the encoder: x [B, L, width], e [B, width] -> x; attention is normalized by what the
/// time says.
template <Scalar T = float>
class DecompositionEncoder : public Layer<T, DecompositionOptions> {
 public:
  AdaLayerNorm<T> norm1;
  MultiHeadAttention<T> attention;
  LayerNorm<T> norm2;
  FeedForward<T> ff;

  explicit DecompositionEncoder(const DecompositionOptions& o, Rng& rng)
      : norm1({.channels = o.width, .condition = o.width}, rng),
        attention({.width = o.width, .heads = o.heads}, rng),
        norm2({.channels = o.width}),
        ff({.width = o.width, .hidden = 4 * o.width}, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x, const X& e) const {
    const X h = x + attention(norm1(x, e));
    return h + ff(norm2(h));
  }

  FOGLIFT_CHILDREN(norm1, attention, norm2, ff);
};

/// What a layer of the decoder takes out of x, and what it leaves.
template <Value X>
struct DecompositionOutput {
  X rest;    ///< [B, L, width], of mean 0 over the times
  X level;   ///< [B, 1, K]
  X trend;   ///< [B, L, K]
  X season;  ///< [B, width, L]
};

/// Layer of the decoder: x, encoded [B, L, width], e [B, width]. Two linear maps over the times
/// make what the trend and the season are of.
template <Scalar T = float>
class DecompositionDecoder : public Layer<T, DecompositionOptions> {
 public:
  AdaLayerNorm<T> norm1, norm2;
  MultiHeadAttention<T> attention, cross;
  Linear<T> times;
  TrendBlock<T> trend;
  SeasonBlock<T> season;
  LayerNorm<T> norm3;
  FeedForward<T> ff;
  Linear<T> level;

  explicit DecompositionDecoder(const DecompositionOptions& o, Rng& rng)
      : norm1({.channels = o.width, .condition = o.width}, rng),
        norm2({.channels = o.width, .condition = o.width}, rng),
        attention({.width = o.width, .heads = o.heads}, rng),
        cross({.width = o.width, .heads = o.heads, .context = o.width}, rng),
        times({.in = o.length, .out = 2 * o.length}, rng),
        trend({.length = o.length, .width = o.width, .out = o.channels}, rng),
        season({.length = o.length}),
        norm3({.channels = o.width}),
        ff({.width = o.width, .hidden = 4 * o.width}, rng),
        level({.in = o.width, .out = o.channels}, rng) {}

  template <ValueOf<T> X>
  DecompositionOutput<X> operator()(const X& x, const X& encoded, const X& e) const {
    X h = x + attention(norm1(x, e));
    h = h + cross(norm2(h, e), encoded);
    const X both = times(transpose(h, 1, 2));  // [B, width, 2 L]
    const Index B = h.dim(0), L = h.dim(1);
    h = h + ff(norm3(h));
    const X mean_of = reshape(mean(h, 1), {B, 1, h.dim(2)});
    return {h - mean_of, level(mean_of), trend(transpose(slice(both, 2, 0, L), 1, 2)),
            season(slice(both, 2, L, L))};
  }

  FOGLIFT_CHILDREN(norm1, norm2, attention, cross, times, trend, norm3, ff, level);
};

/// A series as its sum.
template <Value X>
struct Decomposition {
  X trend, season, rest;  ///< [B, L, K]
};

/// The network of Diffusion-TS (Yuan & Qiao 2024): noisy series x [B, L,
/// K] and time [B] -> the series behind them, as the sum of a trend, which each layer of a
/// transformer's decoder makes of polynomials and a level, of a season of few frequencies, and of
/// what is left, whose mean is the trend's.
template <Scalar T = float>
class DecompositionTransformer : public Layer<T, DecompositionOptions> {
 public:
  Conv1d<T> input;
  PositionEmbedding<1, T> encoder_position, decoder_position;
  std::vector<DecompositionEncoder<T>> encoder;
  std::vector<DecompositionDecoder<T>> decoder;
  Parameter<T> levels;  ///< [decoders], what each one's level counts for
  Linear<T> season;
  Conv1d<T> rest;

  /// Throws ArgumentError for an extent that is not positive, an odd width, heads that do not
  /// divide it, or a length below 3.
  explicit DecompositionTransformer(const DecompositionOptions& o, Rng& rng)
      : input({.in = o.channels, .out = o.width}, rng),
        encoder_position({.width = o.width, .grid = {o.length}}, rng),
        decoder_position({.width = o.width, .grid = {o.length}}, rng),
        levels(fan_in_parameter<T>({o.decoders}, o.decoders, false, rng)),
        season({.in = o.width, .out = o.channels, .bias = false}, rng),
        rest({.in = o.width, .out = o.channels}, rng),
        options_(o) {
    detail::need_positive("DecompositionTransformer",
                          {{"encoders", o.encoders}, {"decoders", o.decoders}});
    for (Index i = 0; i < o.encoders; ++i) encoder.emplace_back(o, rng);
    for (Index i = 0; i < o.decoders; ++i) decoder.emplace_back(o, rng);
  }

  /// Throws ShapeError unless x is [B, length, channels].
  template <ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time) const {
    const Decomposition<X> parts = decompose(x, time);
    return parts.trend + parts.season + parts.rest;
  }

  /// Its summands.
  template <ValueOf<T> X>
  Decomposition<X> decompose(const X& x, const Tensor<T>& time) const {
    const Index L = options_.length, K = options_.channels;
    if (x.rank() != 3 || x.dim(1) != L || x.dim(2) != K)
      raise<ShapeError>("DecompositionTransformer: input ", value_of(x).shape(),
                        ", expected [batch, ", L, ", ", K, "]");
    const X e = silu(constant(sinusoidal_features(time, options_.width, options_.time_scale), x));
    const X shown = input(x);
    X encoded = shown + encoder_position({L}, x);
    for (const DecompositionEncoder<T>& layer : encoder) encoded = layer(encoded, e);

    X h = shown + decoder_position({L}, x);
    std::optional<X> trend, waves;
    for (std::size_t i = 0; i < decoder.size(); ++i) {
      const DecompositionOutput<X> out = decoder[i](h, encoded, e);
      const X share = slice(use(levels, x), 0, static_cast<Index>(i), 1);
      const X more = out.trend + share * out.level;
      trend = trend ? *trend + more : more;
      waves = waves ? *waves + out.season : out.season;
      h = out.rest;
    }
    const X left = rest(h);
    const X level = reshape(mean(left, 1), {x.dim(0), 1, K});
    return {*trend + level, season(transpose(*waves, 1, 2)), left - level};
  }

  FOGLIFT_CHILDREN(input, encoder_position, decoder_position, encoder, decoder, levels, season,
                   rest);

 private:
  DecompositionOptions options_;
};

}  // namespace foglift::inline v0::nn
