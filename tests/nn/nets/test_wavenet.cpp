// Covers: blocks/wavenet nets/wavenet
#include "foglift/nn/nets/wavenet.hpp"
#include "nn/denoiser_checks.hpp"

using namespace foglift;

namespace {

template <Scalar T>
nn::Wavenet<T> small(bool causal = false) {
  Rng rng(1);
  nn::Wavenet<T> net({.in = 2,
                      .out = 3,
                      .width = 4,
                      .depth = 3,
                      .cycle = 2,
                      .causal = causal,
                      .map = 2,
                      .embedding = {.width = 6, .classes = 2, .vector = 2}},
                     rng);
  test::randomize(net, 1);
  return net;
}

/// Labels from -1 (none), a vector and a map of two features each.
template <Scalar T>
nn::Condition<T> told(Index B, Index L) {
  nn::Condition<T> c;
  for (Index b = 0; b < B; ++b) c.labels.push_back(b % 3 - 1);
  c.vector = Rng(7).normal<T>({B, 2});
  c.map = Rng(8).normal<T>({B, L, 2});
  return c;
}

}  // namespace

TEST_CASE("wavenet: gradients are right", "[nn][wavenet]") {
  for (const bool causal : {false, true})
    test::check_gradients(small<double>(causal), {2, 5, 2}, told<double>(2, 5), 10);
}

TEST_CASE("wavenet: a sample has the same bits in any batch and on any threads", "[nn][wavenet]") {
  test::check_bits(small<float>(), {7, 2}, told<float>(33, 7));
}

TEST_CASE("wavenet: hooks see every block, and a copy is a deep copy", "[nn][wavenet]") {
  CHECK(small<float>().block_names() ==
        std::vector<std::string>{"input", "blocks.0", "blocks.1", "blocks.2"});
  test::check_blocks(small<float>(), {3, 7, 2}, told<float>(3, 7));
  test::check_copy(small<float>(), {2, 7, 2});
}

TEST_CASE("wavenet: is a module", "[nn][wavenet]") {
  const auto x = Rng(2).normal<double>({2, 5, 2});
  const auto time = test::times<double>(2);
  test::check_module(small<double>(), [&](const auto& m, const auto& in) {
    return m(in(x), time, told<double>(2, 5));
  });
}

TEST_CASE("wavenet: dilations start over, and a causal one sees no future", "[nn][wavenet]") {
  // Kernel 3 at dilations 1, 2, 1: 1 + 2 + 1 positions to either side, or 8 before.
  const auto net = small<float>(), causal = small<float>(true);
  const auto reach = [](const nn::Wavenet<float>& n) {
    const Tensor<float> x({1, 31, 2}), time({1}, 0.5F);
    auto moved = x;
    moved(0, 15, 0) = 1;
    const auto a = n(x, time), b = n(moved, time);
    Index first = 31, last = -1;
    for (Index i = 0; i < 31; ++i)
      if (!(slice(a, 1, i, 1) == slice(b, 1, i, 1))) first = std::min(first, i), last = i;
    return std::pair(first, last);
  };
  CHECK(reach(net) == std::pair<Index, Index>(11, 19));
  CHECK(reach(causal) == std::pair<Index, Index>(15, 23));
}

TEST_CASE("wavenet: without a map it is told zeros", "[nn][wavenet]") {
  const auto net = small<float>();
  const auto x = Rng(3).normal<float>({2, 7, 2});
  const auto time = test::times<float>(2);
  nn::Condition<float> zeros;
  zeros.map = Tensor<float>({2, 7, 2});
  CHECK(net(x, time) == net(x, time, zeros));
  auto one = told<float>(2, 7);
  one.labels.clear();
  one.vector.reset();
  one.present = Tensor<float>({2}, {0, 1});
  CHECK(net(x, time, one).rows(0, 1) == net(x, time).rows(0, 1));
  CHECK_FALSE(net(x, time, one).rows(1, 1) == net(x, time).rows(1, 1));
}

TEST_CASE("wavenet: errors say what does not fit", "[nn][wavenet]") {
  CHECK_THROWS_WITH(small<float>()(Tensor<float>({4, 7, 3}), Tensor<float>({4})),
                    "Wavenet: input [4, 7, 3], expected [batch, length, 2]");
  nn::Condition<float> c;
  c.map = Tensor<float>({4, 6, 2});
  CHECK_THROWS_AS(small<float>()(Tensor<float>({4, 7, 2}), Tensor<float>({4}), c), ShapeError);
  Rng rng(1);
  CHECK_THROWS_AS(nn::Wavenet<float>({.in = 2, .width = 4, .depth = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Wavenet<float>({.in = 2, .width = 4, .cycle = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Wavenet<float>({.in = 2, .width = 5}, rng), ArgumentError);
}
