// Covers: blocks/spade layers/spade
#include "foglift/nn/blocks/spade.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

TEST_CASE("spade block: is its formula, and a module", "[nn][spade]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 6, 4}), map = Rng(3).normal<double>({2, 3, 2}),
             e = Rng(4).normal<double>({2, 3});
  const nn::SpadeBlock<1, double> block(
      {.in = 4, .out = 2, .map = 2, .hidden = 3, .embedding = 3, .groups = 2}, rng);
  auto h = block.conv1(silu(block.spade1(x, map))) + nn::per_sample((*block.embed)(e), 3);
  h = (*block.skip)(x) + block.conv2(silu(block.spade2(h, map)));
  const auto y = block(x, map, &e);
  REQUIRE(y.shape() == h.shape());
  for (Index i = 0; i < y.size(); ++i) CHECK_THAT(y[i], WithinAbs(h[i], 1e-13));
  test::check_module(block, [&](const auto& m, const auto& in) {
    const auto embedded = in(e);
    return m(in(x), in(map), &embedded);
  });
  const auto x2 = Rng(2).normal<double>({1, 4, 3, 4}), map2 = Rng(3).normal<double>({1, 2, 2, 1});
  test::check_module(
      nn::SpadeBlock<2, double>({.in = 4, .out = 4, .map = 1, .hidden = 2, .groups = 2}, rng),
      [&](const auto& m, const auto& in) { return m(in(x2), in(map2)); });
  CHECK_THROWS_WITH(block(x, map), "SpadeBlock: built with an embedding, called without");
}
