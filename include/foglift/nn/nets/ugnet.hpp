#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/embedding.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

struct GraphResBlockOptions {
  Index in = 0, out = 0;
  Index embedding = 0;  ///< features of the time embedding
  Index kernel = 3;
};

/// Residual block of DiffSTG (Wen et al. 2023, figure 4): x [B, N, L, in], e [B, embedding] -> [B,
/// N, L, out]. Two causal convolutions along time, each with a residual, the embedding between
/// them; then h = norm(h), relu(graph(h) + h), and the block's residual. The norm is over the
/// channels of a node at a time alone, so that nodes hear of each other by the graph only and a
/// network may be asked on another one; in the authors' program norms and convolutions run over
/// neighbours in the order of the nodes too.
template <Scalar T = float>
class GraphResBlock : public Layer<T, GraphResBlockOptions> {
 public:
  Conv1d<T> conv1, conv2;
  std::optional<Linear<T>> narrow, shortcut;  ///< where in and out differ
  Linear<T> embed;
  LayerNorm<T> norm;
  GraphConv<T> graph;

  explicit GraphResBlock(const GraphResBlockOptions& o, const std::vector<Csr<T>>& matrices,
                         Rng& rng)
      : conv1({.in = o.in, .out = o.out, .kernel = o.kernel, .padding = o.kernel - 1}, rng),
        conv2({.in = o.out, .out = o.out, .kernel = o.kernel, .padding = o.kernel - 1}, rng),
        embed({.in = o.embedding, .out = o.out}, rng),
        norm({.channels = o.out}),
        graph({.in = o.out, .out = o.out, .axis = 1}, matrices, rng) {
    if (o.in == o.out) return;
    narrow.emplace(LinearOptions{.in = o.in, .out = o.out}, rng);
    shortcut.emplace(LinearOptions{.in = o.in, .out = o.out}, rng);
  }

  template <ValueOf<T> X>
  X operator()(const X& x, const X& e) const {
    X h = before(conv1, x) + (narrow ? (*narrow)(x) : x) + per_sample(embed(e), 4);
    h = norm(before(conv2, h) + h);
    return relu(graph(h) + h) + (shortcut ? (*shortcut)(x) : x);
  }

  FOGLIFT_CHILDREN(conv1, conv2, narrow, shortcut, embed, norm, graph);

 private:
  /// What a time sees ends with itself: of the sums over a padded row, the first L.
  template <Value X>
  static X before(const Conv1d<T>& conv, const X& x) {
    return slice(along_third(conv, x), 2, 0, x.dim(2));
  }
};

struct UGnetOptions {
  Index in = 1, out = 1;                    ///< channels of a node at a time
  Index width = 32;                         ///< channels of the first level, features of the time
  std::vector<Index> multipliers = {1, 2};  ///< of the width, for levels of half as many times
  Index blocks = 2;                         ///< of a level, on the way down
  Index kernel = 3;
  double time_scale = 1000;
};

/// The noise network of DiffSTG (Wen et al. 2023): a U-Net in time of residual blocks over a graph
/// of N nodes: x [B, N, L, in], time [B] -> [B, N, L, out], any L. The graph is given as matrices,
/// most often walks_both_ways(A); it is no parameter and in no checkpoint. Times are halved by
/// convolutions of stride 2 and doubled by repeating them before one.
template <Scalar T = float>
class UGnet : public Layer<T, UGnetOptions> {
 public:
  TimeEmbedding<T> embedding;
  Linear<T> input;
  std::vector<GraphResBlock<T>> down, middle, up;
  std::vector<Conv1d<T>> halve, twice;
  Linear<T> output;

  /// Throws ArgumentError for an extent that is not positive, an odd width, no levels, or what
  /// GraphConv refuses.
  explicit UGnet(const UGnetOptions& o, const std::vector<Csr<T>>& matrices, Rng& rng)
      : embedding({.features = o.width, .width = o.width, .time_scale = o.time_scale}, rng),
        input({.in = o.in, .out = o.width}, rng),
        output({.in = o.width, .out = o.out, .zero = true}, rng),
        options_(o) {
    detail::need_positive("UGnet", "blocks", o.blocks);
    if (o.multipliers.empty()) raise<ArgumentError>("UGnet: no multipliers");
    const auto add = [&](std::vector<GraphResBlock<T>>& to, Index in, Index out) {
      to.emplace_back(
          GraphResBlockOptions{.in = in, .out = out, .embedding = o.width, .kernel = o.kernel},
          matrices, rng);
    };
    const auto levels = o.multipliers.size();
    Index channels = o.width;
    std::vector<Index> skips{channels};
    for (std::size_t level = 0; level < levels; ++level) {
      for (Index i = 0; i < o.blocks; ++i) {
        add(down, channels, o.width * o.multipliers[level]);
        skips.push_back(channels = o.width * o.multipliers[level]);
      }
      if (level + 1 == levels) break;
      halve.emplace_back(ConvLayerOptions{.in = channels, .out = channels, .stride = 2}, rng);
      skips.push_back(channels);
    }
    for (int i = 0; i < 2; ++i) add(middle, channels, channels);
    for (std::size_t level = levels; level-- > 0;) {
      for (Index i = 0; i <= o.blocks; ++i, skips.pop_back()) {
        add(up, channels + skips.back(), skips.back());
        channels = skips.back();
      }
      if (level > 0) twice.emplace_back(ConvLayerOptions{.in = channels, .out = channels}, rng);
    }
  }

  const UGnetOptions& options() const { return options_; }

  /// Throws ShapeError unless x is [B, N, L, in], and time [B].
  template <ValueOf<T> X>
  X operator()(const X& x, const Tensor<T>& time) const {
    return output(features(x, time));
  }

  /// What the output is a linear layer of, [B, N, L, width]: what another network can be told.
  template <ValueOf<T> X>
  X features(const X& x, const Tensor<T>& time) const {
    const Shape& s = value_of(x).shape();
    if (s.rank() != 4 || s[3] != options_.in || time.shape() != Shape{s[0]})
      raise<ShapeError>("UGnet: input ", s, ", time ", time.shape(),
                        ", expected [batch, nodes, length, ", options_.in, "] and [batch]");
    const X e = embedding.rows(time, Condition<T>{}, x);
    const auto each_level = static_cast<std::size_t>(options_.blocks);
    X h = input(x);
    pool::Vector<X> skips{h};
    for (std::size_t i = 0; i < down.size(); ++i) {
      if (i > 0 && i % each_level == 0)
        skips.push_back(h = along_third(halve[i / each_level - 1], h));
      skips.push_back(h = down[i](h, e));
    }
    for (const auto& block : middle) h = block(h, e);
    for (std::size_t i = 0; i < up.size(); ++i) {
      if (i > 0 && i % (each_level + 1) == 0)
        h = doubled(twice[i / (each_level + 1) - 1], h, skips.back().dim(2));
      h = up[i](concat({h, skips.back()}, 3), e);
      skips.pop_back();
    }
    return h;
  }

  FOGLIFT_CHILDREN(embedding, input, down, halve, middle, up, twice, output);

 private:
  /// Twice the times of h, but `length` of them.
  template <Value X>
  static X doubled(const Conv1d<T>& conv, const X& h, Index length) {
    const auto layer = [&](const X& x) {
      return conv(slice(upsample_nearest(x, 2), 1, 0, length));
    };
    return along_third(layer, h);
  }

  UGnetOptions options_;
};

}  // namespace foglift::inline v0::nn
