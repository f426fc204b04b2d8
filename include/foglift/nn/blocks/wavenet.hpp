#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/linear.hpp"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

/// What a block with a skip connection gives: to the next block, and to the network's output.
template <Value X>
struct SkipOutput {
  X x, skip;
};

/// The sum of what blocks skip over the root of their number: step(block, h) is the SkipOutput of a
/// block for what the one before it gave. There is at least one block.
template <class Block, Value X, class Step>
X sum_of_skips(const std::vector<Block>& blocks, X h, const Step& step) {
  std::optional<X> sum;
  for (const Block& block : blocks) {
    SkipOutput<X> next = step(block, h);
    sum = sum ? *sum + next.skip : next.skip;
    h = std::move(next.x);
  }
  return *sum / std::sqrt(static_cast<double>(blocks.size()));
}

struct GatedResidualOptions {
  Index width = 0;
  Index embedding = 0;  ///< features of the time embedding; 0: none
  Index condition = 0;  ///< channels of a condition at every position; 0: none
};

/// The frame of the residual blocks of DiffWave (Kong et al. 2021) and CSDI (Tashiro et al. 2021):
/// [a | b] = mix(x + embed(e)) + condition(c); [r | s] = output(sigmoid(a) tanh(b)); x' = (x + r) /
/// sqrt(2), skip s. `mix` is the block's own: it brings width channels to twice as many.
template <Scalar T = float>
class GatedResidual : public Layer<T, GatedResidualOptions> {
 public:
  std::optional<Linear<T>> embed, condition;
  Linear<T> output;

  /// Throws ArgumentError unless width is positive.
  explicit GatedResidual(const GatedResidualOptions& o, Rng& rng)
      : output({.in = o.width, .out = 2 * o.width}, rng) {
    if (o.embedding > 0) embed.emplace(LinearOptions{.in = o.embedding, .out = o.width}, rng);
    if (o.condition > 0)
      condition.emplace(LinearOptions{.in = o.condition, .out = 2 * o.width}, rng);
  }

  /// x [B, ..., width], e [B, embedding], c [B, ..., condition] or what broadcasts to that;
  /// nullptr: not given. Throws ArgumentError for one that it was not built for, or an e that is
  /// missing.
  template <ValueOf<T> X, class Mix>
  SkipOutput<X> operator()(const X& x, const X* e, const X* c, const Mix& mix) const {
    const std::optional<X> shift = detail::embedded("GatedResidual", embed, e);
    if (c && !condition) raise<ArgumentError>("GatedResidual: built without a condition");
    X h = mix(shift ? x + per_sample(*shift, x.rank()) : x);
    if (c) h = h + (*condition)(*c);
    const X both = output(sigmoid(chunk(h, 0, 2)) * tanh(chunk(h, 1, 2)));
    return {(x + chunk(both, 0, 2)) * std::sqrt(0.5), chunk(both, 1, 2)};
  }

  FOGLIFT_CHILDREN(embed, condition, output);
};

struct WavenetBlockOptions {
  Index width = 0;
  Index embedding = 0;  ///< features of the time embedding; 0: none
  Index condition = 0;  ///< channels of a condition at every position; 0: none
  Index kernel = 3;
  Index dilation = 1;
  bool causal = false;  ///< a position sees none behind it, as in WaveNet; else both sides
  Padding padding = Padding::zero;  ///< of the convolution; causal ones have zeros
};

/// Residual block of WaveNet (van den Oord et al. 2016) in the form of DiffWave (Kong et al. 2021):
/// a dilated convolution in the frame of GatedResidual. x [B, L, width], e [B, embedding],
/// c [B, L, condition].
template <Scalar T = float>
class WavenetBlock : public Layer<T, WavenetBlockOptions> {
 public:
  GatedResidual<T> gated;
  Conv1d<T> conv;

  /// Throws ArgumentError for an extent that is not positive, or an even kernel where not causal.
  explicit WavenetBlock(const WavenetBlockOptions& o, Rng& rng)
      : gated({.width = o.width, .embedding = o.embedding, .condition = o.condition}, rng),
        conv({.in = o.width,
              .out = 2 * o.width,
              .kernel = o.kernel,
              .dilation = o.dilation,
              .padding = o.dilation * (o.kernel - 1) / (o.causal ? 1 : 2),
              .mode = o.causal ? Padding::zero : o.padding},
             rng),
        causal_(o.causal) {
    if (!o.causal && o.kernel % 2 == 0)
      raise<ArgumentError>("WavenetBlock: kernel ", o.kernel, ", must be odd unless causal");
  }

  template <ValueOf<T> X>
  SkipOutput<X> operator()(const X& x, const X* e = nullptr, const X* c = nullptr) const {
    return gated(x, e, c, [&](const X& h) {
      // Padded on both sides: what a position of the first L sees ends with itself.
      return causal_ ? slice(conv(h), 1, 0, h.dim(1)) : conv(h);
    });
  }

  FOGLIFT_CHILDREN(gated, conv);

 private:
  bool causal_;
};

}  // namespace foglift::inline v0::nn
