// Covers: blocks/spade layers/norm layers/spade
#include "foglift/nn/layers/spade.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

TEST_CASE("spade: scales and shifts every position by the map", "[nn][spade]") {
  Rng rng(1);
  nn::Spade<1, double> layer({.channels = 2, .map = 1, .hidden = 1, .groups = 1, .kernel = 1}, rng);
  layer.shared.weight.value.fill(1);
  layer.shared.bias->value.fill(0);
  layer.scale.weight.value = Tensor<double>({1, 1, 2}, {1, 2});
  layer.shift.weight.value = Tensor<double>({1, 1, 2}, {10, 20});
  layer.scale.bias->value.fill(0);
  layer.shift.bias->value.fill(0);
  // x is normalized already, up to eps; the map counts where it is positive.
  const Tensor<double> x({1, 2, 2}, {1, -1, 1, -1}), map({1, 2, 1}, {3, -3});
  const auto y = layer(x, map);
  const Tensor<double> expected({1, 2, 2}, {34, 53, 1, -1});
  for (Index i = 0; i < 4; ++i) CHECK_THAT(y[i], WithinAbs(expected[i], 4e-5 * 7));  // eps / 2
  CHECK(layer(x, Tensor<double>({1, 1, 1}, {3})) == layer(x, Tensor<double>({1, 2, 1}, {3, 3})));
}

TEST_CASE("spade: is a module in one and two dimensions", "[nn][spade]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 5, 4}), map = Rng(3).normal<double>({2, 3, 2});
  test::check_module(nn::Spade<1, double>({.channels = 4, .map = 2, .hidden = 3, .groups = 2}, rng),
                     [&](const auto& m, const auto& in) { return m(in(x), in(map)); });
  const auto x2 = Rng(2).normal<double>({2, 3, 4, 4}), map2 = Rng(3).normal<double>({2, 6, 8, 2});
  test::check_module(nn::Spade<2, double>({.channels = 4, .map = 2, .hidden = 3, .groups = 2}, rng),
                     [&](const auto& m, const auto& in) { return m(in(x2), in(map2)); });
}

TEST_CASE("spade: errors say what does not fit", "[nn][spade]") {
  Rng rng(1);
  const nn::Spade<1, float> layer({.channels = 4, .map = 2, .groups = 2}, rng);
  const Tensor<float> x({2, 5, 4});
  CHECK_THROWS_WITH(layer(x, Tensor<float>({1, 5, 2})),
                    "Spade: input [2, 5, 4] with a map [1, 5, 2], needed are 1 spatial axes in "
                    "both, and equal batches");
  CHECK_THROWS_AS(layer(x, Tensor<float>({2, 5, 3})), ShapeError);
  CHECK_THROWS_AS((nn::Spade<1, float>({.channels = 4, .map = 2, .groups = 3}, rng)),
                  ArgumentError);
  CHECK_THROWS_AS((nn::Spade<1, float>({.channels = 4, .map = 2, .kernel = 2}, rng)),
                  ArgumentError);
}
