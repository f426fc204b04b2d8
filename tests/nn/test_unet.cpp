// Covers: nn/condition unet
#include "foglift/nn/nets/unet.hpp"
#include "nn/denoiser_checks.hpp"

using namespace foglift;

namespace {

template <Scalar T>
nn::UNet1d<T> small_1d(std::uint64_t seed = 1) {
  Rng rng(seed);
  nn::UNet1d<T> net({.in = 2,
                     .out = 3,
                     .width = 4,
                     .multipliers = {1, 2},
                     .blocks = 1,
                     .attention = {1},
                     .heads = 2,
                     .groups = 2,
                     .padding = Padding::circular,
                     .sequence = 3,
                     .embedding = {.width = 6, .classes = 3, .vector = 2}},
                    rng);
  test::randomize(net, seed);
  return net;
}

template <Scalar T>
nn::UNet2d<T> small_2d() {
  Rng rng(2);
  nn::UNet2d<T> net({.in = 1,
                     .width = 4,
                     .multipliers = {1, 2},
                     .blocks = 1,
                     .heads = 2,
                     .groups = 2,
                     .scale_shift = true},
                    rng);
  test::randomize(net, 2);
  return net;
}

/// With the options of checkpoints from TensorFlow.
template <Scalar T>
nn::UNet2d<T> padded_2d() {
  Rng rng(2);
  nn::UNet2d<T> net({.in = 1,
                     .width = 4,
                     .multipliers = {1, 2},
                     .blocks = 1,
                     .head_width = 4,
                     .groups = 2,
                     .norm_eps = 0.1,
                     .same_padding = true,
                     .embedding = {.time_offset = -1, .frequency_shift = 1, .sines_first = true}},
                    rng);
  test::randomize(net, 2);
  return net;
}

}  // namespace

TEST_CASE("unet: gradients are right in one dimension with every condition", "[nn][unet]") {
  test::check_gradients(small_1d<double>(), {2, 7, 2}, test::told<double>(2, 3, 5), 3);
}

TEST_CASE("unet: gradients are right in two dimensions", "[nn][unet]") {
  test::check_gradients(small_2d<double>(), {2, 5, 4, 1}, {}, 3);
}

TEST_CASE("unet: a sample has the same bits in any batch and on any threads", "[nn][unet]") {
  test::check_bits(small_1d<float>(), {9, 2}, test::told<float>(33, 3, 5));
  test::check_bits(small_2d<float>(), {6, 5, 1}, {});
}

TEST_CASE("unet: hooks see every block", "[nn][unet]") {
  const auto net = small_1d<float>();
  CHECK(net.block_names() == std::vector<std::string>{"input", "down.0.0", "down.1.0", "middle",
                                                      "up.0.0", "up.0.1", "up.1.0", "up.1.1"});
  test::check_blocks(net, {2, 8, 2}, test::told<float>(2, 3, 5));
}

TEST_CASE("unet: a copy is a deep copy", "[nn][unet]") {
  test::check_copy(small_2d<float>(), {1, 4, 4, 1});
}

TEST_CASE("unet: any extent keeps its size", "[nn][unet]") {
  Rng rng(3);
  const nn::UNet1d<float> net({.in = 1, .width = 4, .multipliers = {1, 1, 2}, .groups = 2}, rng);
  for (const Index L : {1, 2, 3, 4, 5, 7, 8, 13}) {
    const auto y = net(Rng(1).normal<float>({2, L, 1}), test::times<float>(2));
    CHECK(y.shape() == Shape{2, L, 1});
  }
}

// With circular padding and extents that every level halves evenly, rolling the input by the
// coarsest level's stride rolls the output: convolutions, norms and attention without positions all
// commute with it.
TEST_CASE("unet: levels may be halved with TensorFlow's padding", "[nn][unet]") {
  Rng rng(2);
  const auto net = padded_2d<double>();
  test::check_gradients(net, {2, 5, 4, 1}, {}, 3);
  test::check_bits(padded_2d<float>(), {6, 5, 1}, {});
  for (const Index n : {1, 2, 3, 7, 8})
    CHECK(net(Rng(1).normal<double>({2, n, 4, 1}), test::times<double>(2)).shape() ==
          Shape{2, n, 4, 1});
  CHECK_THROWS_WITH((nn::UNet2d<double>({.padding = Padding::circular, .same_padding = true}, rng)),
                    "UNet: same_padding is of zeros, the padding is not");
  CHECK_THROWS_WITH((nn::UNet2d<double>({.width = 8, .head_width = 6}, rng)),
                    "UNet: heads of 6 channels do not divide 32");
  CHECK_THROWS_WITH((nn::UNet2d<double>({.width = 8, .norm_eps = -1}, rng)),
                    "GroupNorm: eps = -1, must not be negative");
  CHECK_THROWS_WITH((nn::UNet2d<double>({.width = 8, .embedding = {.frequency_shift = 4}}, rng)),
                    "TimeEmbedding: frequency_shift = 4 of 4 frequencies, must be in [0, 4)");
}

TEST_CASE("unet: TensorFlow's padding has one zero more at the end", "[nn][unet]") {
  // tf.nn.conv's "SAME": ceil(n / stride) positions, half of the zeros in front, rounded down.
  const auto padded = [](Index n, Index kernel, Index stride) {
    const Tensor<float> y = nn::padded_same(Tensor<float>({1, n, 1}, 1.f), kernel, stride);
    Index front = 0;
    while (front < y.size() && y[front] == 0) ++front;
    return std::pair(front, y.size() - n - front);
  };
  CHECK(padded(8, 3, 2) == std::pair<Index, Index>(0, 1));
  CHECK(padded(7, 3, 2) == std::pair<Index, Index>(1, 1));
  CHECK(padded(8, 3, 1) == std::pair<Index, Index>(1, 1));
  CHECK(padded(8, 5, 2) == std::pair<Index, Index>(1, 2));
  CHECK(padded(8, 1, 2) == std::pair<Index, Index>(0, 0));
  CHECK(padded(1, 3, 2) == std::pair<Index, Index>(1, 1));
  const Tensor<float> x({1, 2, 2, 1}, {1, 2, 3, 4});
  CHECK(nn::padded_same(x, 3, 2) == Tensor<float>({1, 3, 3, 1}, {1, 2, 0, 3, 4, 0, 0, 0, 0}));
}

TEST_CASE("unet: circular padding makes it equivariant to shifts", "[nn][unet]") {
  const auto net = small_1d<double>();
  const Index L = 12, shift = 4;
  const auto x = Rng(1).normal<double>({1, L, 2});
  auto rolled = x;
  for (Index l = 0; l < L; ++l)
    for (Index c = 0; c < 2; ++c) rolled(0, (l + shift) % L, c) = x(0, l, c);
  const auto t = test::times<double>(1);
  const auto y = net(x, t), z = net(rolled, t);
  for (Index l = 0; l < L; ++l)
    for (Index c = 0; c < 3; ++c)
      CHECK_THAT(z(0, (l + shift) % L, c), WithinAbs(y(0, l, c), 1e-12));
}

TEST_CASE("unet: conditions act, and absent ones do not", "[nn][unet]") {
  const auto net = small_1d<float>();
  const auto x = Rng(1).normal<float>({2, 8, 2});
  const auto t = test::times<float>(2);
  const auto plain = net(x, t);
  nn::Condition<float> none;
  none.labels = {-1, -1};
  CHECK(test::same_bits(net(x, t, none), plain));
  nn::Condition<float> c;
  c.labels = {0, -1};
  const auto labelled = net(x, t, c);
  CHECK_FALSE(test::same_bits(labelled.rows(0, 1), plain.rows(0, 1)));
  CHECK(test::same_bits(labelled.rows(1, 1), plain.rows(1, 1)));
  c = {};
  c.vector = Tensor<float>({2, 2}, 1.f);
  CHECK_FALSE(test::same_bits(net(x, t, c), plain));
  c = {};
  c.sequence = Rng(2).normal<float>({2, 3, 3});
  const auto attended = net(x, t, c);
  CHECK_FALSE(test::same_bits(attended, plain));
  // What the mask hides has no influence.
  c.mask = Tensor<float>({2, 3}, {1, 1, 0, 1, 1, 0});
  const auto masked = net(x, t, c);
  for (Index b = 0; b < 2; ++b)
    for (Index i = 0; i < 3; ++i) (*c.sequence)(b, 2, i) = 100;
  CHECK(test::same_bits(net(x, t, c), masked));
  CHECK_FALSE(test::same_bits(masked, attended));
  test::hide_nan(c);
  CHECK(test::same_bits(net(x, t, c), masked));
  CHECK(test::finite_gradients(net, x, t, c));
}

TEST_CASE("unet: dropout acts in training alone and follows the sample", "[nn][unet]") {
  Rng rng(3);
  nn::UNet1d<float> net({.in = 1, .width = 4, .multipliers = {1}, .groups = 2, .dropout = 0.5},
                        rng);
  const auto x = Rng(1).normal<float>({3, 8, 1});
  const auto t = test::times<float>(3);
  const auto run = [&](Index first, std::uint64_t sample, Index step) {
    const nn::Call call(nn::DropoutNoise{.rng = Rng(5), .first_sample = sample, .step = step});
    return net(x.rows(first, 3 - first), t.rows(first, 3 - first), {}, call);
  };
  const auto dropped = run(0, 10, 2);
  CHECK_FALSE(test::same_bits(dropped, net(x, t)));
  CHECK(test::same_bits(run(1, 11, 2), dropped.rows(1, 2)));
  CHECK_FALSE(test::same_bits(run(1, 11, 3), dropped.rows(1, 2)));
}

TEST_CASE("unet: a zero output starts at zero", "[nn][unet]") {
  Rng rng(3);
  const nn::UNet1d<float> net(
      {.in = 1, .width = 4, .multipliers = {1, 2}, .groups = 2, .zero_out = true}, rng);
  CHECK(net(Rng(1).normal<float>({2, 8, 1}), test::times<float>(2)) == Tensor<float>({2, 8, 1}));
}

TEST_CASE("unet: errors say what does not fit", "[nn][unet]") {
  const auto net = small_1d<float>();
  const Tensor<float> x({2, 8, 2}), t({2}, 0.5f);
  CHECK_THROWS_WITH(net(Tensor<float>({2, 8, 1}), t),
                    "UNet: input [2, 8, 1], expected [batch, length, 2]");
  CHECK_THROWS_AS(net(Tensor<float>({2, 2}), t), ShapeError);
  CHECK_THROWS_AS(net(x, Tensor<float>({3})), ShapeError);
  nn::Condition<float> c;
  c.labels = {1, 3};
  CHECK_THROWS_AS(net(x, t, c), ArgumentError);
  c.labels = {1};
  CHECK_THROWS_AS(net(x, t, c), ShapeError);
  c = {};
  c.sequence = Tensor<float>({2, 5, 4});
  CHECK_THROWS_WITH(net(x, t, c), "UNet: condition sequence [2, 5, 4], expected [2, 5, 3]");
  c = {};
  c.mask = Tensor<float>({2, 5});
  CHECK_THROWS_AS(net(x, t, c), ArgumentError);

  Rng rng(1);
  using Net = nn::UNet1d<float>;
  CHECK_THROWS_AS(Net({.in = 1, .width = 12}, rng), ArgumentError);  // 8 groups
  CHECK_THROWS_AS(Net({.in = 1, .multipliers = {}}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.in = 1, .attention = {3}}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.in = 1, .kernel = 4}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.in = 1, .dropout = 1.0}, rng), ArgumentError);
  CHECK_THROWS_AS(Net({.in = 1, .middle_attention = false, .sequence = 2}, rng), ArgumentError);
  const Net plain({.in = 1, .width = 8}, rng);
  c = {};
  c.vector = Tensor<float>({1, 2});
  CHECK_THROWS_AS(plain(Tensor<float>({1, 8, 1}), Tensor<float>({1}), c), ArgumentError);
}
