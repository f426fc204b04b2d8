// Covers: graph_conv
#include "foglift/nn/layers/graph_conv.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

/// A ring of n nodes with weights 1, 2, ... to the next.
template <Scalar T>
Csr<T> ring(Index n) {
  std::vector<typename Csr<T>::Entry> entries;
  for (Index i = 0; i < n; ++i) entries.push_back({i, (i + 1) % n, static_cast<T>(i + 1)});
  return Csr<T>(n, n, entries);
}

}  // namespace

TEST_CASE("graph_conv: normalized graphs by hand", "[nn][graph_conv]") {
  Tensor<double> a({3, 3}, {0, 1, 3, 1, 0, 0, 0, 0, 0});
  const auto walk = nn::random_walk(Csr<double>::of(a));
  CHECK(std::vector<double>(walk.values().begin(), walk.values().end()) ==
        std::vector<double>{0.25, 0.75, 1});
  Tensor<double> s({2, 2}, {1, 4, 4, 0});
  const auto even = nn::symmetric_normalized(Csr<double>::of(s));  // degrees 5 and 4
  CHECK_THAT(even.values()[0], WithinRel(0.2, 1e-15));
  CHECK_THAT(even.values()[1], WithinRel(4 / std::sqrt(20.0), 1e-15));
  a(0, 1) = -1;
  CHECK_THROWS_AS(nn::random_walk(Csr<double>::of(a)), ArgumentError);
  CHECK_THROWS_AS(nn::random_walk(Csr<double>::of(Tensor<double>({2, 3}))), ArgumentError);
}

TEST_CASE("graph_conv: the scaled Laplacian has the eigenvalues of its path graph",
          "[nn][graph_conv]") {
  // 1 - D^-1/2 A D^-1/2 of a path of 3 nodes has 0, 1, 2 with vectors (1, sqrt 2, 1), (1, 0, -1),
  // (1, -sqrt 2, 1).
  const auto path = Csr<double>::of(Tensor<double>({3, 3}, {0, 1, 0, 1, 0, 1, 0, 1, 0}));
  const double r = std::sqrt(2.0);
  const std::vector<Tensor<double>> vectors{Tensor<double>({3}, {1, r, 1}),
                                            Tensor<double>({3}, {1, 0, -1}),
                                            Tensor<double>({3}, {1, -r, 1})};
  for (const double largest : {2.0, 4.0})
    for (std::size_t k = 0; k < 3; ++k) {
      const auto y = sparse_mix(nn::scaled_laplacian(path, largest), vectors[k], 0);
      for (Index i = 0; i < 3; ++i)
        CHECK_THAT(y[i],
                   WithinAbs((2 * static_cast<double>(k) / largest - 1) * vectors[k][i], 1e-15));
    }
  // A node that hears itself alone: L = 0.
  CHECK(nn::scaled_laplacian(Csr<double>::of(Tensor<double>({1, 1}, {5}))).values()[0] == -1);
  CHECK_THROWS_AS(nn::scaled_laplacian(path, 0), ArgumentError);
}

TEST_CASE("graph_conv: walks both ways are along the edges and against them", "[nn][graph_conv]") {
  const auto walks =
      nn::walks_both_ways(Csr<double>::of(Tensor<double>({3, 3}, {0, 1, 3, 0, 0, 1, 0, 0, 0})));
  REQUIRE(walks.size() == 2);
  const Tensor<double> x({3}, {1, 10, 100});
  CHECK(sparse_mix(walks[0], x, 0) == Tensor<double>({3}, {77.5, 100, 0}));
  CHECK(sparse_mix(walks[1], x, 0) == Tensor<double>({3}, {0, 1, 0.75 * 1 + 0.25 * 10}));
}

TEST_CASE("graph_conv: two hops over a ring by hand", "[nn][graph_conv]") {
  Rng rng(1);
  for (const bool chebyshev : {false, true}) {
    nn::GraphConv<double> layer({.in = 1, .out = 1, .hops = 2, .chebyshev = chebyshev},
                                {ring<double>(3)}, rng);
    layer.linear.weight.value = Tensor<double>({3, 1}, {1, 10, 100});
    layer.linear.bias->value.fill(0.5);
    // A x = (1 x1, 2 x2, 3 x0), A^2 x = (2 x2, 6 x0, 3 x1); T_2 = 2 A^2 - 1.
    const Tensor<double> x({1, 3, 1}, {1, 2, 3});
    CHECK(layer(x) == (chebyshev ? Tensor<double>({1, 3, 1}, {1121.5, 1062.5, 933.5})
                                 : Tensor<double>({1, 3, 1}, {621.5, 662.5, 633.5})));
  }
}

TEST_CASE("graph_conv: on one node Chebyshev polynomials are cosines, powers are powers",
          "[nn][graph_conv]") {
  Rng rng(1);
  for (const bool chebyshev : {false, true}) {
    const nn::GraphConv<double> layer(
        {.in = 1, .out = 1, .hops = 5, .chebyshev = chebyshev, .bias = false},
        {Csr<double>::of(Tensor<double>({1, 1}, {std::cos(0.3)}))}, rng);
    double y = 0;  // T_k(cos a) = cos(k a)
    for (int k = 0; k <= 5; ++k)
      y += layer.linear.weight.value[k] *
           (chebyshev ? std::cos(0.3 * k) : std::pow(std::cos(0.3), k));
    CHECK_THAT(layer(Tensor<double>({1, 1, 1}, {1}))[0], WithinAbs(y, 1e-14));
  }
}

TEST_CASE("graph_conv: is a module, over any leading axes", "[nn][graph_conv]") {
  const std::vector<Csr<double>> both{nn::random_walk(ring<double>(4)),
                                      Csr<double>::of(Rng(3).uniform<double>({4, 4}))};
  for (const bool chebyshev : {false, true})
    for (const Shape& s : {Shape{2, 4, 3}, Shape{2, 5, 4, 3}}) {
      Rng rng(1);
      const nn::GraphConv<double> layer({.in = 3, .out = 2, .hops = 3, .chebyshev = chebyshev},
                                        both, rng);
      CHECK(layer.linear.weight.value.shape() == Shape{21, 2});
      const auto x = Rng(2).normal<double>(s);
      CHECK(layer(x).shape() == s.with(-1, 2));
      test::check_module(layer, [&](const auto& m, const auto& in) { return m(in(x)); });
    }
  Rng rng(1), same(1);
  const auto walk = nn::random_walk(ring<float>(4));
  const nn::GraphConv<float> layer({.in = 3, .out = 2, .hops = 2}, {walk}, rng),
      before({.in = 3, .out = 2, .hops = 2, .axis = 1}, {walk}, same);
  const auto times = Rng(2).normal<float>({2, 4, 5, 3});
  CHECK(before(times) == transpose(layer(transpose(times, 1, 2)), 1, 2));
  CHECK_THROWS_AS(before(Tensor<float>({2, 4})), ShapeError);
  test::check_batches([&](const Tensor<float>& x) { return layer(x); },
                      Rng(2).normal<float>({7, 4, 3}));
}

TEST_CASE("graph_conv: errors say what does not fit", "[nn][graph_conv]") {
  Rng rng(1);
  const nn::GraphConv<float> layer({.in = 3, .out = 2}, {ring<float>(4)}, rng);
  CHECK_THROWS_WITH(layer(Tensor<float>({2, 5, 3})),
                    "GraphConv: input [2, 5, 3], expected 4 nodes at axis -2 and 3 channels");
  CHECK_THROWS_AS(nn::GraphConv<float>({.in = 3, .out = 2}, {}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::GraphConv<float>({.in = 3, .out = 2}, {ring<float>(4), ring<float>(3)}, rng),
                  ArgumentError);
  CHECK_THROWS_AS(nn::GraphConv<float>({.in = 3, .out = 2, .hops = 0}, {ring<float>(4)}, rng),
                  ArgumentError);
}
