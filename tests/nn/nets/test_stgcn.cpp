// Covers: stgcn
#include "foglift/nn/nets/stgcn.hpp"
#include "nn/module_checks.hpp"

#include <cmath>

using namespace foglift;

namespace {

using T2 = Tensor<double>;

const nn::StgcnOptions small{
    .in = 2, .out = 2, .length = 11, .temporal = 4, .spatial = 3, .blocks = 2, .hops = 2};

/// A path of three nodes and one apart.
T2 roads() { return T2({4, 4}, {0, 1, 0, 0, 1, 0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0}); }

template <Scalar T = double>
nn::Stgcn<T> made(const T2& graph, const nn::StgcnOptions& o = small) {
  Rng rng(1);
  nn::Stgcn<T> net(o, nn::scaled_laplacian(Csr<T>::of(graph.template cast<T>())), rng);
  test::randomize(net, 3);
  return net;
}

double sigmoid_of(double v) { return 1 / (1 + std::exp(-v)); }

/// x [N, L, in] at a node and time times a weight [in, out], plus a bias.
double row(const T2& x, Index n, Index t, const nn::Linear<double>& layer, Index out) {
  double sum = layer.bias->value[out];
  for (Index c = 0; c < x.dim(2); ++c) sum += x(n, t, c) * layer.weight.value(c, out);
  return sum;
}

double shortcut(const T2& x, Index n, Index t, const nn::detail::Shortcut<double>& s, Index out) {
  if (s.linear) return row(x, n, t, *s.linear, out);
  return out < x.dim(2) ? x(n, t, out) : 0;
}

T2 naive(const nn::GatedTimeConv<double>& layer, const T2& x) {
  const T2 &w = layer.conv.weight.value, &b = layer.conv.bias->value;
  const Index k = w.dim(0), out = w.dim(2) / 2;
  T2 y({x.dim(0), x.dim(1) - k + 1, out});
  for (Index n = 0; n < y.dim(0); ++n)
    for (Index t = 0; t < y.dim(1); ++t)
      for (Index o = 0; o < out; ++o) {
        double p = b[o], q = b[out + o];
        for (Index j = 0; j < k; ++j)
          for (Index c = 0; c < x.dim(2); ++c) {
            p += x(n, t + j, c) * w(j, c, o);
            q += x(n, t + j, c) * w(j, c, out + o);
          }
        y(n, t, o) = (p + shortcut(x, n, t + k - 1, layer.shortcut, o)) * sigmoid_of(q);
      }
  return y;
}

T2 naive(const nn::NodeNorm<double>& norm, const T2& x) {
  T2 y = x;
  const Index N = x.dim(0), C = x.dim(2);
  for (Index t = 0; t < x.dim(1); ++t) {
    double mean = 0, square = 0;
    for (Index n = 0; n < N; ++n)
      for (Index c = 0; c < C; ++c) mean += x(n, t, c) / static_cast<double>(N * C);
    for (Index n = 0; n < N; ++n)
      for (Index c = 0; c < C; ++c)
        square += std::pow(x(n, t, c) - mean, 2) / static_cast<double>(N * C);
    for (Index n = 0; n < N; ++n)
      for (Index c = 0; c < C; ++c)
        y(n, t, c) =
            (x(n, t, c) - mean) / std::sqrt(square + 1e-5) * norm.norm.weight->value[n * C + c] +
            norm.norm.bias->value[n * C + c];
  }
  return y;
}

/// The layer of three Chebyshev polynomials of a dense matrix, with its residual.
T2 naive(const nn::StgcnBlock<double>& block, const T2& l, const T2& x) {
  const Index N = x.dim(0), C = x.dim(2);
  T2 one({N, N}), two({N, N});
  for (Index i = 0; i < N; ++i)
    for (Index j = 0; j < N; ++j) {
      one(i, j) = i == j;
      for (Index k = 0; k < N; ++k) two(i, j) += 2 * l(i, k) * l(k, j);
      two(i, j) -= i == j;
    }
  T2 terms({N, x.dim(1), 3 * C});
  for (Index n = 0; n < N; ++n)
    for (Index t = 0; t < x.dim(1); ++t)
      for (Index c = 0; c < C; ++c)
        for (Index m = 0; m < N; ++m) {
          terms(n, t, c) += one(n, m) * x(m, t, c);
          terms(n, t, C + c) += l(n, m) * x(m, t, c);
          terms(n, t, 2 * C + c) += two(n, m) * x(m, t, c);
        }
  const Index out = block.graph.linear.weight.value.dim(1);
  T2 y({N, x.dim(1), out});
  for (Index n = 0; n < N; ++n)
    for (Index t = 0; t < x.dim(1); ++t)
      for (Index o = 0; o < out; ++o)
        y(n, t, o) = std::max(
            0.0, row(terms, n, t, block.graph.linear, o) + shortcut(x, n, t, block.shortcut, o));
  return y;
}

T2 naive(const nn::Stgcn<double>& net, const T2& laplacian, T2 x) {
  for (const auto& block : net.blocks)
    x = naive(block.norm, naive(block.after, naive(block, laplacian, naive(block.before, x))));
  x = naive(net.norm, naive(net.last, x));
  T2 h = x, y({x.dim(0), net.options().out});
  for (Index n = 0; n < x.dim(0); ++n)
    for (Index c = 0; c < x.dim(2); ++c) h(n, 0, c) = sigmoid_of(row(x, n, 0, net.hidden, c));
  for (Index n = 0; n < x.dim(0); ++n)
    for (Index o = 0; o < y.dim(1); ++o) y(n, o) = row(h, n, 0, net.output, o);
  return y;
}

}  // namespace

TEST_CASE("stgcn: is what its formulas say", "[nn][stgcn]") {
  // 2 L / 2 - 1 = -D^-1/2 A D^-1/2 with degrees 1, 3 and 2; the node apart has D = 0, L = 1.
  T2 l({4, 4});
  l(0, 1) = l(1, 0) = -1 / std::sqrt(3.0);
  l(1, 2) = l(2, 1) = -2 / std::sqrt(6.0);
  const auto net = made(roads());
  const T2 x = Rng(2).normal<double>({2, 4, 11, 2});
  const T2 y = net(x);
  REQUIRE(y.shape() == Shape{2, 4, 2});
  for (Index b = 0; b < 2; ++b) {
    const T2 expected = naive(net, l, x.rows(b, 1).reshaped({4, 11, 2}));
    for (Index i = 0; i < expected.size(); ++i)
      CHECK_THAT(y[b * expected.size() + i], WithinAbs(expected[i], 1e-12));
  }
}

TEST_CASE("stgcn: is a module, and a sample does not depend on its batch", "[nn][stgcn]") {
  const T2 x = Rng(2).normal<double>({2, 4, 11, 2});
  test::check_module(made(roads()), [&](const auto& m, const auto& in) { return m(in(x)); });
  const auto net = made<float>(roads());
  test::check_batches([&](const Tensor<float>& in) { return net(in); },
                      Rng(2).normal<float>({5, 4, 11, 2}));
}

TEST_CASE("stgcn: nodes in another order are said in that order", "[nn][stgcn]") {
  const std::vector<Index> order{2, 3, 0, 1};  // node i of the second network is order[i]
  const T2 a = roads(), x = Rng(2).normal<double>({1, 4, 11, 2});
  T2 b = a, moved = x;
  for (Index i = 0; i < 4; ++i) {
    const Index from = order[static_cast<std::size_t>(i)];
    for (Index j = 0; j < 4; ++j) b(i, j) = a(from, order[static_cast<std::size_t>(j)]);
    for (Index t = 0; t < 11; ++t)
      for (Index c = 0; c < 2; ++c) moved(0, i, t, c) = x(0, from, t, c);
  }
  Rng rng(1), same(1);  // gains and shifts of nodes are still alike
  const nn::Stgcn<double> net(small, nn::scaled_laplacian(Csr<double>::of(a)), rng),
      other(small, nn::scaled_laplacian(Csr<double>::of(b)), same);
  const T2 y = net(x), z = other(moved);
  for (Index i = 0; i < 4; ++i)
    for (Index o = 0; o < 2; ++o)
      CHECK_THAT(z(0, i, o), WithinAbs(y(0, order[static_cast<std::size_t>(i)], o), 1e-13));
}

TEST_CASE("stgcn: the published size, and errors", "[nn][stgcn]") {
  // Blocks of 64, 16 and 64 channels with kernels of 3 (section 4.2), four times left of 12.
  const Index gate1 = 2 * 64 * (3 + 1), gate = 2 * 64 * (3 * 64 + 1), narrow = 64 * 16 + 16,
              graph = 3 * 64 * 16 + 16, after = 2 * 64 * (3 * 16 + 1), norm = 2 * 64 * 5,
              head = 2 * 64 * (4 * 64 + 1) + norm + 64 * 64 + 64 + 64 + 1;
  Rng rng(1);
  const auto identity = Csr<float>::of(Tensor<float>({5, 5}, 1.0F));
  CHECK(nn::parameter_count(nn::Stgcn<float>({}, identity, rng)) ==
        gate1 + gate + 2 * (narrow + graph + after + norm) + head);
  CHECK_THROWS_WITH(made<float>(roads())(Tensor<float>({2, 4, 10, 2})),
                    "Stgcn: input [2, 4, 10, 2], expected [batch, 4, 11, 2]");
  CHECK_THROWS_AS(nn::Stgcn<float>({.length = 8}, identity, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Stgcn<float>({.blocks = 0}, identity, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Stgcn<float>({.spatial = 0}, identity, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Stgcn<float>({}, Csr<float>::of(Tensor<float>({5, 4}, 1.0F)), rng),
                  ArgumentError);
}
