// Covers: uvit
#include "foglift/nn/nets/uvit.hpp"
#include "nn/denoiser_checks.hpp"

using namespace foglift;

namespace {

template <Scalar T>
nn::UVit1d<T> small_1d() {
  Rng rng(1);
  nn::UVit1d<T> net({.in = 2,
                     .out = 1,
                     .patch = 2,
                     .width = 8,
                     .depth = 3,
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
nn::UVit2d<T> small_2d() {
  Rng rng(2);
  nn::UVit2d<T> net({.in = 1, .patch = 2, .width = 8, .depth = 5, .heads = 2, .ratio = 1}, rng);
  test::randomize(net, 2);
  return net;
}

}  // namespace

TEST_CASE("uvit: gradients are right in one dimension with every condition", "[nn][uvit]") {
  test::check_gradients(small_1d<double>(), {2, 6, 2}, test::told<double>(2, 2, 4), 3);
}

TEST_CASE("uvit: gradients are right in two dimensions", "[nn][uvit]") {
  test::check_gradients(small_2d<double>(), {2, 4, 6, 1}, {}, 3);
}

TEST_CASE("uvit: a sample has the same bits in any batch and on any threads", "[nn][uvit]") {
  test::check_bits(small_1d<float>(), {10, 2}, test::told<float>(33, 2, 4));
  test::check_bits(small_2d<float>(), {4, 6, 1}, {});
}

TEST_CASE("uvit: hooks see every block and a copy is a deep copy", "[nn][uvit]") {
  const auto net = small_1d<float>();
  CHECK(net.block_names() == std::vector<std::string>{"input", "blocks.0", "blocks.1", "blocks.2"});
  test::check_blocks(net, {2, 8, 2}, test::told<float>(2, 2, 4));
  test::check_copy(small_2d<float>(), {1, 4, 4, 1});
}

// Five blocks: 0 and 1 feed 4 and 3. With every block silenced except for its skip layer, the
// tokens before the last norm are those of the skip layers alone.
TEST_CASE("uvit: each block of the second half mixes in its mirror image", "[nn][uvit]") {
  auto net = small_2d<double>();
  for (auto& block : net.blocks)
    for (auto* last : {&block.attention.proj, &block.ff.fc2}) {
      last->weight.value.fill(0);
      last->bias->value.fill(0);
    }
  CHECK((!net.blocks[2].skip && net.blocks[3].skip && net.blocks[4].skip));
  std::vector<Tensor<double>> seen;
  const nn::hooks::OnBlock look(
      [&](std::string_view, const Tensor<double>& h) { seen.push_back(h); });
  net(Rng(1).normal<double>({1, 4, 4, 1}), test::times<double>(1), {}, nn::Call(look));
  REQUIRE(seen.size() == 6);
  CHECK(seen[3] == seen[0]);  // blocks 0 to 2 pass the input on
  const auto mixed = [](const nn::Linear<double>& skip, const Tensor<double>& a,
                        const Tensor<double>& b) {
    Tensor<double> y(a.shape());
    for (Index n = 0; n < a.dim(1); ++n)
      for (Index o = 0; o < 8; ++o) {
        y(0, n, o) = skip.bias->value[o];
        for (Index i = 0; i < 8; ++i)
          y(0, n, o) +=
              a(0, n, i) * skip.weight.value(i, o) + b(0, n, i) * skip.weight.value(8 + i, o);
      }
    return y;
  };
  const auto third = mixed(*net.blocks[3].skip, seen[3], seen[2]);
  const auto fourth = mixed(*net.blocks[4].skip, third, seen[1]);
  for (Index i = 0; i < fourth.size(); ++i) CHECK_THAT(seen[5][i], WithinAbs(fourth[i], 1e-12));
}

TEST_CASE("uvit: what the mask hides has no influence", "[nn][uvit]") {
  // Hidden tokens still pass through their own residual stream, which no other token reads.
  const auto net = small_1d<float>();
  const auto x = Rng(1).normal<float>({2, 6, 2});
  const auto t = test::times<float>(2);
  auto c = test::told<float>(2, 2, 4);
  const auto y = net(x, t, c);
  for (Index k = 0; k < 3; ++k) (*c.sequence)(1, 1, k) = 100;
  CHECK(test::same_bits(net(x, t, c), y));
  test::hide_nan(c);
  CHECK(test::same_bits(net(x, t, c), y));
  CHECK(test::finite_gradients(net, x, t, c));
  (*c.sequence)(1, 2, 0) += 1;
  CHECK_FALSE(test::same_bits(net(x, t, c), y));
}

TEST_CASE("uvit: errors say what does not fit", "[nn][uvit]") {
  const auto net = small_1d<float>();
  const Tensor<float> t({2}, 0.5f);
  CHECK_THROWS_AS(net(Tensor<float>({2, 7, 2}), t), ShapeError);
  CHECK_THROWS_AS(net(Tensor<float>({2, 12, 2}), t), ShapeError);
  Rng rng(1);
  CHECK_THROWS_WITH(nn::UVit1d<float>({.width = 8, .depth = 4}, rng), "UVit: depth 4, must be odd");
}
