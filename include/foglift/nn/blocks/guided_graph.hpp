#pragma once

#include "foglift/autograd/ops/attention.hpp"
#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <vector>

namespace foglift::inline v0::nn {

struct GuidedGraphOptions {
  Index width = 0, heads = 8;
  Index hops = 2;       ///< of the messages along edges
  Index embedding = 0;  ///< features of the time embedding, of GuidedGraphBlock
  Index condition = 0;  ///< channels of a condition at every position, of GuidedGraphBlock
};

/// Attention whose weights come from a guide (Liu et al. 2023, eq. 7): norm(x + attention) of x [A,
/// B, N, width] along its third axis, queries and keys of the guide, of x's shape, and values of x.
template <Scalar T = float>
class GuidedAttention {
 public:
  using value_type = T;

  Linear<T> qk, v, proj;
  LayerNorm<T> norm;

  /// Throws ArgumentError unless heads divides width.
  explicit GuidedAttention(Index width, Index heads, Rng& rng)
      : qk({.in = width, .out = 2 * width}, rng),
        v({.in = width, .out = width}, rng),
        proj({.in = width, .out = width}, rng),
        norm({.channels = width}),
        heads_(heads) {
    detail::need_positive("GuidedAttention", "heads", heads);
    if (width % heads != 0)
      raise<ArgumentError>("GuidedAttention: ", heads, " heads do not divide width ", width);
  }

  template <ValueOf<T> X>
  X operator()(const X& x, const X& guide) const {
    const Shape s = value_of(x).shape();
    const auto rows = [&](const X& h) { return reshape(h, {s[0] * s[1], s[2], s[3]}); };
    const X by = qk(guide);
    const X y = attention(rows(chunk(by, 0, 2)), rows(chunk(by, 1, 2)), rows(v(x)), heads_);
    return norm(x + proj(reshape(y, s)));
  }
  /// The same along the second axis.
  template <ValueOf<T> X>
  X along_second(const X& x, const X& guide) const {
    return transpose((*this)(transpose(x, 1, 2), transpose(guide, 1, 2)), 1, 2);
  }

  FOGLIFT_CHILDREN(qk, v, proj, norm);

 private:
  Index heads_;
};

/// What nodes hear of each other (Liu et al. 2023, eq. 8): guided attention over all of them beside
/// diffusion convolution along edges, then a feed-forward half: x [B, L, N, width].
template <Scalar T = float>
class GuidedNodes {
 public:
  using value_type = T;

  GuidedAttention<T> attention;
  GraphConv<T> graph;
  LayerNorm<T> graph_norm, norm;
  FeedForward<T> ff;

  explicit GuidedNodes(const GuidedGraphOptions& o, const std::vector<Csr<T>>& matrices, Rng& rng)
      : attention(o.width, o.heads, rng),
        graph({.in = o.width, .out = o.width, .hops = o.hops}, matrices, rng),
        graph_norm({.channels = o.width}),
        norm({.channels = o.width}),
        ff({.width = o.width, .hidden = 2 * o.width}, rng) {}

  /// `more`, if any, is added to what the two say.
  template <ValueOf<T> X>
  X operator()(const X& x, const X& guide, const X* more = nullptr) const {
    X h = attention(x, guide) + graph_norm(x + graph(x));
    if (more) h = h + *more;
    return norm(h + ff(h));
  }

  FOGLIFT_CHILDREN(attention, graph, graph_norm, norm, ff);
};

/// The guide of PriSTI (Liu et al. 2023, eq. 5): features x [B, L, N, width] of what is known,
/// attended along times and over nodes by themselves and sent along edges.
template <Scalar T = float>
class GraphGuide : public Layer<T, GuidedGraphOptions> {
 public:
  GuidedAttention<T> times;
  GuidedNodes<T> nodes;

  explicit GraphGuide(const GuidedGraphOptions& o, const std::vector<Csr<T>>& matrices, Rng& rng)
      : times(o.width, o.heads, rng), nodes(o, matrices, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X along = times.along_second(x, x);
    return nodes(x, x, &along);
  }

  FOGLIFT_CHILDREN(times, nodes);
};

/// Residual block of PriSTI (Liu et al. 2023, eqs. 6 to 8): attention along the times of each node,
/// then over nodes and along edges, its weights those of a guide, in the frame of GatedResidual.
/// x, guide [B, L, N, width], e [B, embedding], c [B, L, N, condition] or what broadcasts to that.
/// Norms are over the channels of a place, where the authors' program has groups of channels of a
/// sample, and attention is over all nodes, where it has a projection of them.
template <Scalar T = float>
class GuidedGraphBlock : public Layer<T, GuidedGraphOptions> {
 public:
  GatedResidual<T> gated;
  GuidedAttention<T> times;
  GuidedNodes<T> nodes;
  Linear<T> middle;

  explicit GuidedGraphBlock(const GuidedGraphOptions& o, const std::vector<Csr<T>>& matrices,
                            Rng& rng)
      : gated({.width = o.width, .embedding = o.embedding, .condition = o.condition}, rng),
        times(o.width, o.heads, rng),
        nodes(o, matrices, rng),
        middle({.in = o.width, .out = 2 * o.width}, rng) {}

  /// Throws ShapeError unless x has four axes, and the guide its shape.
  template <ValueOf<T> X>
  SkipOutput<X> operator()(const X& x, const X& guide, const X* e = nullptr,
                           const X* c = nullptr) const {
    if (x.rank() != 4 || value_of(guide).shape() != value_of(x).shape())
      raise<ShapeError>("GuidedGraphBlock: input ", value_of(x).shape(), " and guide ",
                        value_of(guide).shape(), ", expected [batch, times, nodes, width] twice");
    return gated(x, e, c,
                 [&](const X& h) { return middle(nodes(times.along_second(h, guide), guide)); });
  }

  FOGLIFT_CHILDREN(gated, times, nodes, middle);
};

}  // namespace foglift::inline v0::nn
