#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

namespace detail {

/// What a residual branch of `out` channels is added to: x [..., in] itself, with zeros behind its
/// channels, or brought to fewer by a linear layer.
template <Scalar T>
class Shortcut {
 public:
  std::optional<Linear<T>> linear;

  explicit Shortcut(Index in, Index out, Rng& rng) : out_(out) {
    if (in > out) linear.emplace(LinearOptions{.in = in, .out = out}, rng);
  }
  template <Value X>
  X operator()(const X& x) const {
    if (linear) return (*linear)(x);
    if (x.dim(-1) == out_) return x;
    const Shape more = value_of(x).shape().with(-1, out_ - x.dim(-1));
    return concat({x, constant(Tensor<T>(more), x)}, -1);
  }
  FOGLIFT_CHILDREN(linear);

 private:
  Index out_;
};

}  // namespace detail

struct GatedTimeConvOptions {
  Index in = 0, out = 0;
  Index kernel = 3;
};

/// Gated convolution along time (Yu et al. 2018, eq. 7): x [B, N, L, in] -> [B, N, L - kernel + 1,
/// out], (p + x) sigmoid(q) with [p | q] = conv(x), x being cut to the times that are left.
template <Scalar T = float>
class GatedTimeConv : public Layer<T, GatedTimeConvOptions> {
 public:
  Conv1d<T> conv;
  detail::Shortcut<T> shortcut;

  explicit GatedTimeConv(const GatedTimeConvOptions& o, Rng& rng)
      : conv({.in = o.in, .out = 2 * o.out, .kernel = o.kernel, .padding = 0}, rng),
        shortcut(o.in, o.out, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X h = along_third(conv, x);
    const Index left = h.dim(2), gone = x.dim(2) - left;
    return (chunk(h, 0, 2) + shortcut(slice(x, 2, gone, left))) * sigmoid(chunk(h, 1, 2));
  }

  FOGLIFT_CHILDREN(conv, shortcut);
};

/// Layer normalization over the nodes and channels of each time, with a gain and a shift for each
/// node and channel: x [B, N, L, C].
template <Scalar T = float>
class NodeNorm {
 public:
  using value_type = T;

  LayerNorm<T> norm;  ///< of N C channels

  explicit NodeNorm(Index nodes, Index channels) : norm({.channels = nodes * channels}) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const Shape s = value_of(x).shape();
    const X h = norm(reshape(transpose(x, 1, 2), {s[0], s[2], s[1] * s[3]}));
    return transpose(reshape(h, {s[0], s[2], s[1], s[3]}), 1, 2);
  }

  FOGLIFT_CHILDREN(norm);
};

struct StgcnOptions {
  Index in = 1;                       ///< channels of a node at a time
  Index out = 1;                      ///< numbers said of each node
  Index length = 12;                  ///< times that it sees
  Index temporal = 64, spatial = 16;  ///< channels of the layers along time and over the graph
  Index blocks = 2;
  Index kernel = 3;  ///< times that a layer sees
  Index hops = 2;    ///< Chebyshev polynomials T_0 to T_hops
};

/// Block of two gated convolutions along time with one over the graph between them, of fewer
/// channels (Yu et al. 2018, eq. 8): x [B, N, L, in] -> [B, N, L - 2 (kernel - 1), temporal].
template <Scalar T = float>
class StgcnBlock {
 public:
  using value_type = T;

  GatedTimeConv<T> before, after;
  detail::Shortcut<T> shortcut;
  GraphConv<T> graph;
  NodeNorm<T> norm;

  explicit StgcnBlock(Index in, const StgcnOptions& o, const Csr<T>& laplacian, Rng& rng)
      : before({.in = in, .out = o.temporal, .kernel = o.kernel}, rng),
        after({.in = o.spatial, .out = o.temporal, .kernel = o.kernel}, rng),
        shortcut(o.temporal, o.spatial, rng),
        graph({.in = o.temporal, .out = o.spatial, .hops = o.hops, .chebyshev = true, .axis = 1},
              {laplacian}, rng),
        norm(laplacian.rows(), o.temporal) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X h = before(x);
    return norm(after(relu(graph(h) + shortcut(h))));
  }

  FOGLIFT_CHILDREN(before, after, shortcut, graph, norm);
};

/// Spatio-temporal graph convolution network (STGCN, Yu, Yin & Zhu 2018) of N nodes: x [B, N,
/// length, in] -> [B, N, out], what follows at each node. The graph is a matrix of Chebyshev
/// polynomials, most often scaled_laplacian(A); it is no parameter and in no checkpoint.
/// Residuals, normalization over nodes and the output layers are those of the authors' program,
/// where the last layer has a bias for each node and the second convolution of a block no gate.
///
///   const auto roads = Csr<float>::of(Tensor<float>({3, 3}, {0, 1, 0, 1, 0, 1, 0, 1, 0}));
///   nn::Stgcn<float> net({.in = 1, .out = 1}, nn::scaled_laplacian(roads), rng);
///   const Tensor<float> next = net(rng.normal({8, 3, 12, 1}));  // [8, 3, 1]
template <Scalar T = float>
class Stgcn : public Layer<T, StgcnOptions> {
 public:
  std::vector<StgcnBlock<T>> blocks;
  GatedTimeConv<T> last;  ///< over all times that are left
  NodeNorm<T> norm;
  Linear<T> hidden, output;

  /// Throws ArgumentError for an extent that is not positive, a matrix that is not square, or a
  /// length of which the blocks leave no time.
  explicit Stgcn(const StgcnOptions& o, const Csr<T>& laplacian, Rng& rng)
      : last({.in = o.temporal, .out = o.temporal, .kernel = left(o)}, rng),
        norm(laplacian.rows(), o.temporal),
        hidden({.in = o.temporal, .out = o.temporal}, rng),
        output({.in = o.temporal, .out = o.out}, rng),
        options_(o),
        nodes_(laplacian.rows()) {
    for (Index i = 0; i < o.blocks; ++i)
      blocks.emplace_back(i == 0 ? o.in : o.temporal, o, laplacian, rng);
  }

  const StgcnOptions& options() const { return options_; }

  /// Throws ShapeError unless x is [B, N, length, in].
  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const Shape& s = value_of(x).shape();
    if (s.rank() != 4 || s != Shape{s[0], nodes_, options_.length, options_.in})
      raise<ShapeError>("Stgcn: input ", s, ", expected [batch, ", nodes_, ", ", options_.length,
                        ", ", options_.in, "]");
    X h = x;
    for (const auto& block : blocks) h = block(h);
    const X y = output(sigmoid(hidden(norm(last(h)))));
    return reshape(y, {s[0], nodes_, options_.out});
  }

  FOGLIFT_CHILDREN(blocks, last, norm, hidden, output);

 private:
  /// Times that the blocks leave.
  static Index left(const StgcnOptions& o) {
    detail::need_positive("Stgcn",
                          {{"blocks", o.blocks}, {"spatial", o.spatial}, {"kernel", o.kernel}});
    const Index n = o.length - 2 * o.blocks * (o.kernel - 1);
    if (n < 1)
      raise<ArgumentError>("Stgcn: length ", o.length, ", of which ", o.blocks,
                           " blocks of kernel ", o.kernel, " leave no time; needed at least ",
                           o.length - n + 1);
    return n;
  }

  StgcnOptions options_;
  Index nodes_;
};

}  // namespace foglift::inline v0::nn
