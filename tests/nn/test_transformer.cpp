// Covers: patch
#include "foglift/nn/nets/dit.hpp"
#include "nn/denoiser_checks.hpp"

using namespace foglift;

namespace {

template <Scalar T>
nn::Dit1d<T> small_1d() {
  Rng rng(1);
  nn::Dit1d<T> net({.in = 2,
                    .out = 1,
                    .patch = 2,
                    .width = 8,
                    .depth = 2,
                    .heads = 2,
                    .ratio = 2,
                    .extents = {10},
                    .sequence = 3,
                    .embedding = {.classes = 2, .vector = 2}},
                   rng);
  test::randomize(net, 1);
  return net;
}

template <Scalar T>
nn::Dit2d<T> small_2d() {
  Rng rng(2);
  nn::Dit2d<T> net({.in = 1, .patch = 2, .width = 8, .depth = 1, .heads = 2}, rng);
  test::randomize(net, 2);
  return net;
}

}  // namespace

TEST_CASE("dit: gradients are right in one dimension with every condition", "[nn][dit]") {
  test::check_gradients(small_1d<double>(), {2, 6, 2}, test::told<double>(2, 2, 4), 4);
}

TEST_CASE("dit: gradients are right in two dimensions", "[nn][dit]") {
  test::check_gradients(small_2d<double>(), {2, 4, 6, 1}, {}, 4);
}

TEST_CASE("dit: a sample has the same bits in any batch and on any threads", "[nn][dit]") {
  test::check_bits(small_1d<float>(), {10, 2}, test::told<float>(33, 2, 4));
  test::check_bits(small_2d<float>(), {4, 6, 1}, {});
}

TEST_CASE("dit: hooks see every block and a copy is a deep copy", "[nn][dit]") {
  const auto net = small_1d<float>();
  CHECK(net.block_names() == std::vector<std::string>{"input", "blocks.0", "blocks.1"});
  test::check_blocks(net, {2, 8, 2}, test::told<float>(2, 2, 4));
  test::check_copy(small_2d<float>(), {1, 4, 4, 1});
}

TEST_CASE("patches: hold the pixels that they cover, and go back", "[nn][patch]") {
  Tensor<float> x({2, 4, 6, 3});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const Shape grid = nn::patch_grid<2>("test", x.shape(), 2);
  CHECK(grid == Shape{2, 3});
  const auto patches = nn::to_patches<2>(x, grid, 2);
  REQUIRE(patches.shape() == Shape{2, 6, 12});
  for (Index b = 0; b < 2; ++b)
    for (Index i = 0; i < 4; ++i)
      for (Index j = 0; j < 6; ++j)
        for (Index c = 0; c < 3; ++c)
          CHECK(patches(b, i / 2 * 3 + j / 2, (i % 2 * 2 + j % 2) * 3 + c) == x(b, i, j, c));
  CHECK(nn::from_patches<2>(patches, grid, 2, 3) == x);

  const Tensor<float> line({1, 4, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto pairs = nn::to_patches<1>(line, {2}, 2);
  CHECK(pairs == Tensor<float>({1, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(nn::from_patches<1>(pairs, {2}, 2, 2) == line);
}

TEST_CASE("positions: a smaller grid takes the learned rows of its corner", "[nn][patch]") {
  Rng rng(1);
  const nn::PositionEmbedding<2, float> learned({.width = 2, .grid = {3, 4}}, rng);
  const Tensor<float> like;
  const auto rows = learned({2, 3}, like);
  REQUIRE(rows.shape() == Shape{1, 6, 2});
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j)
      for (Index k = 0; k < 2; ++k) CHECK(rows(0, i * 3 + j, k) == learned.weight->value(i, j, k));
  CHECK_THROWS_AS(learned({4, 4}, like), ShapeError);

  // Sinusoids: cos and sin of the row in the first half, of the column in the second.
  const nn::PositionEmbedding<2, double> fixed({.width = 4}, rng);
  const auto waves = fixed({2, 3}, Tensor<double>());
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) {
      const double r = static_cast<double>(i), c = static_cast<double>(j);
      const double expected[] = {std::cos(r), std::sin(r), std::cos(c), std::sin(c)};
      for (Index k = 0; k < 4; ++k)
        CHECK_THAT(waves(0, i * 3 + j, k), WithinAbs(expected[k], 1e-15));
    }
}

TEST_CASE("dit: a block with adaLN-zero starts as the identity", "[nn][dit]") {
  Rng rng(1);
  const nn::DitBlock<float> block({.width = 8, .heads = 2, .hidden = 16}, rng);
  const auto x = Rng(1).normal<float>({2, 5, 8});
  CHECK(block(x, Rng(2).normal<float>({2, 8})) == x);
  const nn::Dit1d<float> net({.in = 1, .width = 8, .depth = 1, .heads = 2}, rng);
  CHECK(net(Rng(1).normal<float>({2, 5, 1}), test::times<float>(2)) == Tensor<float>({2, 5, 1}));
}

TEST_CASE("dit: without positions it commutes with permutations of the patches", "[nn][dit]") {
  auto net = small_1d<double>();
  net.position.weight->value.fill(0);
  const auto x = Rng(1).normal<double>({1, 6, 2}), t = test::times<double>(1);
  auto swapped = x;  // the first and the last patch
  for (Index l = 0; l < 2; ++l)
    for (Index c = 0; c < 2; ++c) {
      swapped(0, l, c) = x(0, 4 + l, c);
      swapped(0, 4 + l, c) = x(0, l, c);
    }
  const auto y = net(x, t), z = net(swapped, t);
  for (Index l = 0; l < 6; ++l)
    CHECK_THAT(z(0, l < 2 ? l + 4 : l >= 4 ? l - 4 : l, 0), WithinAbs(y(0, l, 0), 1e-12));
}

TEST_CASE("dit: what the mask hides has no influence", "[nn][dit]") {
  const auto net = small_1d<float>();
  const auto x = Rng(1).normal<float>({2, 6, 2});
  const auto t = test::times<float>(2);
  auto c = test::told<float>(2, 2, 4);
  const auto y = net(x, t, c);
  for (Index k = 0; k < 3; ++k) (*c.sequence)(1, 1, k) = 100;  // sample 1 hides position 1
  CHECK(test::same_bits(net(x, t, c), y));
  test::hide_nan(c);
  CHECK(test::same_bits(net(x, t, c), y));
  CHECK(test::finite_gradients(net, x, t, c));
  (*c.sequence)(1, 2, 0) += 1;
  CHECK_FALSE(test::same_bits(net(x, t, c), y));
}

TEST_CASE("dit: errors say what does not fit", "[nn][dit]") {
  const auto net = small_1d<float>();
  const Tensor<float> t({2}, 0.5f);
  CHECK_THROWS_WITH(net(Tensor<float>({2, 7, 2}), t),
                    "Dit: extent 7 of input [2, 7, 2], must be a multiple of the patch, 2");
  CHECK_THROWS_AS(net(Tensor<float>({2, 12, 2}), t), ShapeError);  // positions for 10
  CHECK_THROWS_AS(net(Tensor<float>({2, 6, 3}), t), ShapeError);
  Rng rng(1);
  using Net = nn::Dit1d<float>;
  CHECK_THROWS_AS(Net({.width = 8, .heads = 3}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.patch = 2, .width = 8, .extents = {7}}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.width = 8, .extents = {4, 4}}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.width = 8, .depth = 0}, rng), ArgumentError);
}
