#pragma once

#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <algorithm>
#include <vector>

namespace foglift::inline v0::nn {

struct ChannelWavenetOptions {
  Index channels = 0;   ///< K
  Index condition = 0;  ///< features of what every sample is told
  Index width = 8;      ///< of the residual blocks
  Index depth = 8;
  Index cycle = 2;  ///< block i has dilation 2^(i mod cycle)
  Index features = 32, embedding = 64;
  double time_scale = 1000;
};

/// The noise network of TimeGrad (Rasul et al. 2021, figure 2): x [B, K], time [B], condition [B,
/// condition] -> [B, K]. Gated convolutions run around the circle of the K channels of a series at
/// one time; a condition of K numbers, made of what a sample is told, enters every block. The
/// blocks are those of DiffWave; the authors' program has a leaky ReLU more in each.
template <Scalar T = float>
class ChannelWavenet : public Layer<T, ChannelWavenetOptions> {
 public:
  TimeEmbedding<T> embedding;
  Linear<T> told1, told2, input;
  std::vector<WavenetBlock<T>> blocks;
  Conv1d<T> skip, output;

  /// Throws ArgumentError for an extent that is not positive, or odd features.
  explicit ChannelWavenet(const ChannelWavenetOptions& o, Rng& rng)
      : embedding({.features = o.features, .width = o.embedding, .time_scale = o.time_scale}, rng),
        told1({.in = o.condition, .out = std::max<Index>(1, o.channels / 2)}, rng),
        told2({.in = std::max<Index>(1, o.channels / 2), .out = o.channels}, rng),
        input({.in = 1, .out = o.width}, rng),
        skip({.in = o.width, .out = o.width, .padding = 0}, rng),
        output({.in = o.width, .out = 1, .padding = 0, .zero = true}, rng),
        channels_(o.channels) {
    detail::need_positive("ChannelWavenet", {{"depth", o.depth}, {"cycle", o.cycle}});
    for (Index i = 0; i < o.depth; ++i)
      blocks.emplace_back(WavenetBlockOptions{.width = o.width,
                                              .embedding = o.embedding,
                                              .condition = 1,
                                              .dilation = Index{1} << (i % o.cycle),
                                              .padding = Padding::circular},
                          rng);
  }

  /// Throws ShapeError unless x is [B, channels].
  template <ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time, const X& condition) const {
    const Index B = x.dim(0), K = channels_;
    if (x.rank() != 2 || x.dim(1) != K)
      raise<ShapeError>("ChannelWavenet: input ", value_of(x).shape(), ", expected [batch, ", K,
                        "]");
    const X c = around(leaky(told2(leaky(told1(condition)))), B);
    const X e = embedding.rows(time, Condition<T>{}, x);
    const X skips =
        sum_of_skips(blocks, leaky(input(around(x, B))),
                     [&](const WavenetBlock<T>& block, const X& h) { return block(h, &e, &c); });
    const X y = leaky(skip(skips));
    return reshape(output(y), {B, K});
  }

  FOGLIFT_CHILDREN(embedding, told1, told2, input, blocks, skip, output);

 private:
  template <Value X>
  static X leaky(const X& x) {
    return 0.4 * x + 0.6 * relu(x);
  }
  /// The circle of channels with two more at either end, which the last two convolutions use up:
  /// [B, K] -> [B, K + 4, 1].
  template <Value X>
  X around(const X& x, Index B) const {
    const Index K = channels_;
    const auto one = [&](Index i) { return slice(x, 1, (i % K + K) % K, 1); };
    return reshape(concat({one(-2), one(-1), x, one(0), one(1)}, 1), {B, K + 4, 1});
  }

  Index channels_;
};

}  // namespace foglift::inline v0::nn
