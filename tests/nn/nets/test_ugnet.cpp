// Covers: ugnet
#include "foglift/nn/nets/ugnet.hpp"
#include "nn/denoiser_checks.hpp"

#include <vector>

using namespace foglift;

namespace {

const nn::UGnetOptions small{.in = 2, .out = 3, .width = 4, .multipliers = {1, 2}, .blocks = 1};

/// Edges 0 -> 1 -> 2, there and back; 3 is apart.
template <Scalar T>
std::vector<Csr<T>> roads() {
  const std::vector<typename Csr<T>::Entry> edges{{0, 1, T(1)}, {0, 2, T(2)}, {1, 2, T(1)}};
  return nn::walks_both_ways(Csr<T>(4, 4, edges));
}

template <Scalar T>
nn::UGnet<T> made(const std::vector<Csr<T>>& matrices, const nn::UGnetOptions& o = small) {
  Rng rng(1);
  nn::UGnet<T> net(o, matrices, rng);
  test::randomize(net, 3);
  return net;
}

/// Which entries of an axis of y change where one of x does.
std::vector<Index> changed(const Tensor<double>& a, const Tensor<double>& b, int axis) {
  std::vector<Index> out;
  for (Index i = 0; i < a.dim(axis); ++i)
    if (!(slice(a, axis, i, 1) == slice(b, axis, i, 1))) out.push_back(i);
  return out;
}

}  // namespace

TEST_CASE("ugnet: any length, halved and doubled", "[nn][ugnet]") {
  for (const std::vector<Index>& multipliers :
       {std::vector<Index>{1}, std::vector<Index>{1, 2}, std::vector<Index>{1, 2, 3}})
    for (const Index blocks : {1, 2})
      for (const Index length : {1, 5, 8}) {
        nn::UGnetOptions o = small;
        o.multipliers = multipliers, o.blocks = blocks;
        const auto y =
            made(roads<float>(), o)(Rng(2).normal<float>({2, 4, length, 2}), test::times<float>(2));
        CHECK(y.shape() == Shape{2, 4, length, 3});
      }
}

TEST_CASE("ugnet: is a module, and a sample does not depend on its batch", "[nn][ugnet]") {
  const auto x = Rng(2).normal<double>({2, 4, 5, 2});
  const auto time = test::times<double>(2);
  test::check_module(made(roads<double>()),
                     [&](const auto& m, const auto& in) { return m(in(x), time); });
  const auto net = made(roads<float>());
  test::check_batches(
      [&](const Tensor<float>& in) { return net(in, Tensor<float>({in.dim(0)}, 0.4F)); },
      Rng(2).normal<float>({5, 4, 5, 2}));
}

TEST_CASE("ugnet: features are what the output is a linear layer of", "[nn][ugnet]") {
  const auto net = made(roads<double>());
  const auto x = Rng(2).normal<double>({2, 4, 5, 2});
  const auto time = test::times<double>(2);
  const auto features = net.features(x, time);
  REQUIRE(features.shape() == Shape{2, 4, 5, small.width});
  CHECK(net.output(features) == net(x, time));
}

TEST_CASE("ugnet: a node hears those that the graph joins it to", "[nn][ugnet]") {
  const auto net = made(roads<double>()),
             deaf = made(std::vector<Csr<double>>(2, Csr<double>(4, 4, {})));
  const auto x = Rng(2).normal<double>({1, 4, 6, 2});
  const auto time = test::times<double>(1);
  for (const Index node : {0, 3}) {
    auto moved = x;
    moved(0, node, 2, 1) += 1;
    CHECK(changed(net(x, time), net(moved, time), 1) ==
          (node == 3 ? std::vector<Index>{3} : std::vector<Index>{0, 1, 2}));
    CHECK(changed(deaf(x, time), deaf(moved, time), 1) == std::vector<Index>{node});
  }
}

TEST_CASE("ugnet: nodes in another order are said in that order", "[nn][ugnet]") {
  const std::vector<Index> place{2, 0, 3, 1};  // of node i in the other network
  const auto at = [&](Index i) { return place[static_cast<std::size_t>(i)]; };
  std::vector<Csr<double>> moved;
  for (const auto& m : roads<double>()) {
    auto entries = m.entries();
    for (auto& e : entries) e.row = at(e.row), e.column = at(e.column);
    moved.emplace_back(4, 4, entries);
  }
  const auto x = Rng(2).normal<double>({1, 4, 6, 2});
  auto x2 = x;
  for (Index i = 0; i < 4; ++i)
    for (Index t = 0; t < 6; ++t)
      for (Index c = 0; c < 2; ++c) x2(0, at(i), t, c) = x(0, i, t, c);
  const auto time = test::times<double>(1);
  const auto y = made(roads<double>())(x, time), y2 = made(moved)(x2, time);
  for (Index i = 0; i < 4; ++i)
    for (Index t = 0; t < 6; ++t)
      for (Index c = 0; c < 3; ++c) CHECK_THAT(y2(0, at(i), t, c), WithinAbs(y(0, i, t, c), 1e-12));
}

TEST_CASE("ugnet: a block hears no later time, and the time of the noise", "[nn][ugnet]") {
  Rng rng(1);
  nn::GraphResBlock<double> block({.in = 2, .out = 3, .embedding = 4}, roads<double>(), rng);
  test::randomize(block, 3);
  const auto x = Rng(2).normal<double>({1, 4, 9, 2}), e = Rng(3).normal<double>({1, 4});
  auto moved = x;
  moved(0, 1, 3, 0) += 1;
  // Two kernels of 3 reach four times on.
  CHECK(changed(block(x, e), block(moved, e), 2) == std::vector<Index>{3, 4, 5, 6, 7});
  CHECK(changed(block(x, e), block(x, Rng(4).normal<double>({1, 4})), 2).size() == 9);
}

TEST_CASE("ugnet: errors say what does not fit", "[nn][ugnet]") {
  CHECK_THROWS_WITH(made(roads<float>())(Tensor<float>({2, 4, 5, 1}), Tensor<float>({2})),
                    "UGnet: input [2, 4, 5, 1], time [2], expected [batch, nodes, length, 2] and "
                    "[batch]");
  CHECK_THROWS_AS(made(roads<float>())(Tensor<float>({2, 3, 5, 2}), Tensor<float>({2})),
                  ShapeError);
  Rng rng(1);
  CHECK_THROWS_AS(nn::UGnet<float>({.multipliers = {}}, roads<float>(), rng), ArgumentError);
  CHECK_THROWS_AS(nn::UGnet<float>({.multipliers = {0}}, roads<float>(), rng), ArgumentError);
  CHECK_THROWS_AS(nn::UGnet<float>({.blocks = 0}, roads<float>(), rng), ArgumentError);
  CHECK_THROWS_AS(nn::UGnet<float>({.width = 5}, roads<float>(), rng), ArgumentError);
}
