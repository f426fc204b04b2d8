#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/graph.hpp"
#include "foglift/nn/layers/linear.hpp"

#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {

namespace detail {

/// A square matrix of weights, none of them negative, and the sums of its rows.
template <Scalar T>
std::vector<double> degrees(const char* op, const Csr<T>& graph) {
  if (graph.rows() != graph.columns())
    raise<ArgumentError>(op, ": a matrix of ", graph.rows(), " x ", graph.columns(),
                         ", must be square");
  std::vector<double> sums(static_cast<std::size_t>(graph.rows()), 0);
  for (const auto& e : graph.entries()) {
    if (e.value < T(0))
      raise<ArgumentError>(op, ": the weight at (", e.row, ", ", e.column, ") is ", e.value,
                           ", must not be negative");
    sums[static_cast<std::size_t>(e.row)] += static_cast<double>(e.value);
  }
  return sums;
}

/// The matrix with weight(entry) in place of its weights.
template <Scalar T, class Weight>
Csr<T> reweighted(const Csr<T>& graph, const Weight& weight) {
  auto entries = graph.entries();
  for (auto& e : entries) e.value = static_cast<T>(weight(e));
  return Csr<T>(graph.rows(), graph.columns(), entries);
}

}  // namespace detail

/// D^-1 A: one step of a random walk over a graph of weights A, rows of sum 1 (or 0, where a node
/// has no neighbours). Throws ArgumentError for a matrix that is not square, or a negative weight.
template <Scalar T>
Csr<T> random_walk(const Csr<T>& graph) {
  const auto degree = detail::degrees("random_walk", graph);
  return detail::reweighted(graph, [&](const auto& e) {
    const double d = degree[static_cast<std::size_t>(e.row)];
    return d > 0 ? static_cast<double>(e.value) / d : 0;
  });
}

/// D^-1/2 A D^-1/2, for a symmetric A (Kipf & Welling 2017, who put ones on its diagonal first).
/// Throws as random_walk.
template <Scalar T>
Csr<T> symmetric_normalized(const Csr<T>& graph) {
  const auto degree = detail::degrees("symmetric_normalized", graph);
  return detail::reweighted(graph, [&](const auto& e) {
    const double d =
        degree[static_cast<std::size_t>(e.row)] * degree[static_cast<std::size_t>(e.column)];
    return d > 0 ? static_cast<double>(e.value) / std::sqrt(d) : 0;
  });
}

/// The random walks along the edges and against them, as diffusion convolution takes them. Throws
/// as random_walk.
template <Scalar T>
std::vector<Csr<T>> walks_both_ways(const Csr<T>& graph) {
  auto back = graph.entries();
  for (auto& e : back) std::swap(e.row, e.column);
  return {random_walk(graph), random_walk(Csr<T>(graph.columns(), graph.rows(), back))};
}

/// 2 L / largest - 1 of the normalized Laplacian L = 1 - D^-1/2 A D^-1/2 of a symmetric A, whose
/// eigenvalues are in [-1, 1], where Chebyshev polynomials are: `largest` is the largest eigenvalue
/// of L, or the 2 that none exceeds. Throws as random_walk, ArgumentError unless largest > 0.
template <Scalar T>
Csr<T> scaled_laplacian(const Csr<T>& graph, double largest = 2) {
  if (!(largest > 0)) raise<ArgumentError>("scaled_laplacian: largest eigenvalue ", largest);
  const double scale = 2 / largest;
  std::vector<double> diagonal(static_cast<std::size_t>(graph.rows()), scale - 1);
  pool::Vector<typename Csr<T>::Entry> entries;
  for (const auto& e : symmetric_normalized(graph).entries()) {
    const double w = -scale * static_cast<double>(e.value);
    if (e.row == e.column)
      diagonal[static_cast<std::size_t>(e.row)] += w;
    else
      entries.push_back({e.row, e.column, static_cast<T>(w)});
  }
  for (Index i = 0; i < graph.rows(); ++i)
    if (const double d = diagonal[static_cast<std::size_t>(i)]; d != 0)
      entries.push_back({i, i, static_cast<T>(d)});
  return Csr<T>(graph.rows(), graph.columns(), entries);
}

struct GraphConvOptions {
  Index in = 0;
  Index out = 0;
  Index hops = 1;          ///< K: powers 1 to K of each matrix
  bool chebyshev = false;  ///< Chebyshev polynomials T_1 to T_K in place of powers
  bool bias = true;
  int axis = -2;  ///< where the nodes stand
};

/// Graph convolution over nodes that stand at an axis, the last but one by default: x [..., N, in]
/// -> [..., N, out], y = x W_0 + sum over matrices S and k = 1..K of P_k(S) x W_{S,k} + b. With
/// powers P_k(S) = S^k of the random walks there and back it is the diffusion convolution of DCRNN
/// and Graph WaveNet (Li et al. 2018; Wu et al. 2019), with Chebyshev polynomials of a scaled
/// Laplacian that of STGCN (Yu et al. 2018). One linear layer takes [x | P_1(S_1) x | P_2(S_1) x |
/// ...]. The graph is no parameter and in no checkpoint: the program builds the layer with it.
template <Scalar T = float>
class GraphConv : public Layer<T, GraphConvOptions> {
 public:
  Linear<T> linear;

  /// Throws ArgumentError for an option that is not positive, no matrices, or one that is not N x
  /// N.
  explicit GraphConv(const GraphConvOptions& o, std::vector<Csr<T>> matrices, Rng& rng)
      : linear({.in = terms(o, matrices) * o.in, .out = o.out, .bias = o.bias}, rng),
        options_(o),
        matrices_(std::move(matrices)) {}

  const std::vector<Csr<T>>& matrices() const { return matrices_; }

  /// Throws ShapeError unless x is [..., in] and has N nodes at the axis.
  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const Shape& s = value_of(x).shape();
    const int axis = options_.axis < 0 ? s.rank() + options_.axis : options_.axis;
    if (axis < 0 || axis > s.rank() - 2 || s.dim(-1) != options_.in ||
        s[axis] != matrices_[0].columns())
      raise<ShapeError>("GraphConv: input ", s, ", expected ", matrices_[0].columns(),
                        " nodes at axis ", options_.axis, " and ", options_.in, " channels");
    pool::Vector<X> parts{x};
    for (const Csr<T>& m : matrices_) {
      X before = x, now = sparse_mix(m, x, axis);
      for (Index k = 1; k <= options_.hops; ++k) {
        parts.push_back(now);
        if (k == options_.hops) break;
        X next = sparse_mix(m, now, axis);
        if (options_.chebyshev) next = next * 2.0 - before;  // T_k = 2 S T_{k-1} - T_{k-2}
        before = now, now = next;
      }
    }
    return linear(concat(std::span<const X>(parts), -1));
  }

  FOGLIFT_CHILDREN(linear);

 private:
  static Index terms(const GraphConvOptions& o, const std::vector<Csr<T>>& matrices) {
    detail::need_positive("GraphConv", {{"in", o.in}, {"hops", o.hops}});
    if (matrices.empty()) raise<ArgumentError>("GraphConv: no matrices");
    for (const Csr<T>& m : matrices)
      if (m.rows() != matrices[0].rows() || m.columns() != m.rows())
        raise<ArgumentError>("GraphConv: a matrix of ", m.rows(), " x ", m.columns(), ", expected ",
                             matrices[0].rows(), " x ", matrices[0].rows());
    return 1 + static_cast<Index>(matrices.size()) * o.hops;
  }

  GraphConvOptions options_;
  std::vector<Csr<T>> matrices_;
};

}  // namespace foglift::inline v0::nn
