// Covers: mlp pointwise/sinusoids
#include "foglift/nn/nets/mlp.hpp"
#include "nn/denoiser_checks.hpp"

#include <cmath>

using namespace foglift;

namespace {

template <Scalar T>
nn::Mlp<T> small() {
  Rng rng(1);
  nn::Mlp<T> net(
      {.in = 3, .out = 2, .width = 6, .depth = 2, .embedding = {.classes = 2, .vector = 2}}, rng);
  test::randomize(net, 1);
  return net;
}

template <Scalar T>
nn::Condition<T> told(Index B) {
  nn::Condition<T> c;
  for (Index b = 0; b < B; ++b) c.labels.push_back(b % 3 - 1);
  c.vector = Rng(7).normal<T>({B, 2});
  return c;
}

}  // namespace

TEST_CASE("mlp: gradients are right", "[nn][mlp]") {
  test::check_gradients(small<double>(), {3, 3}, told<double>(3), 0);
}

TEST_CASE("mlp: a sample has the same bits in any batch and on any threads", "[nn][mlp]") {
  test::check_bits(small<float>(), {3}, told<float>(33));
}

TEST_CASE("mlp: hooks see every layer and a copy is a deep copy", "[nn][mlp]") {
  CHECK(small<float>().block_names() == std::vector<std::string>{"layers.0", "layers.1"});
  test::check_blocks(small<float>(), {4, 3}, told<float>(4));
  test::check_copy(small<float>(), {2, 3});
}

TEST_CASE("mlp: errors say what does not fit", "[nn][mlp]") {
  CHECK_THROWS_WITH(small<float>()(Tensor<float>({4, 2}), Tensor<float>({4})),
                    "Mlp: input [4, 2], expected [batch, 3]");
  CHECK_THROWS_AS(small<float>()(Tensor<float>({4, 3}), Tensor<float>({3})), ShapeError);
  Rng rng(1);
  CHECK_THROWS_AS(nn::Mlp<float>({.in = 2, .width = 7}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Mlp<float>({.in = 2, .depth = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Mlp<float>({.in = 2, .embedding = {.layers = 3}}, rng), ArgumentError);
}

TEST_CASE("embedding: sinusoids are cosines then sines of falling frequency", "[nn][embedding]") {
  const auto f = nn::sinusoidal_features(Tensor<double>({2}, {0, 0.5}), 4, 1000);
  // Frequencies 1 and 1 / 100: angles 500 and 5.
  const double expected[] = {1,           1, 0, 0, std::cos(500.), std::cos(5.), std::sin(500.),
                             std::sin(5.)};
  // An angle of 500 carries a rounding error of 500 * 2^-53.
  for (Index i = 0; i < 8; ++i) CHECK_THAT(f[i], WithinAbs(expected[i], 1e-12));
  CHECK_THROWS_AS(nn::sinusoidal_features(Tensor<double>({2}), 3), ArgumentError);
}

TEST_CASE("embedding: sinusoids are exact to the rounding of their angle", "[nn][embedding]") {
  // Times up to 1 by 1000, times up to 1000 by 1 and by 1000; one beyond the fast reduction.
  std::vector<double> times{0, 1e-3, 0.1, 0.25, 0.9999, 1, 3.14159265358979, 17, 500.5, 999, 1000};
  for (const double scale : {1., 1000.}) {
    for (const double last : {-1000., 1e9}) {
      times.push_back(last);
      const Index n = static_cast<Index>(times.size()), half = 64;
      const Tensor<double> t({n}, std::span<const double>(times));
      const auto wide = nn::sinusoidal_features(t, 2 * half, scale);
      const auto narrow = nn::sinusoidal_features(t.cast<float>(), 2 * half, scale);
      double error = 0, narrow_error = 0;
      for (Index b = 0; b < n; ++b)
        for (Index i = 0; i < half; ++i) {
          const double f = std::exp(-std::log(1e4) * static_cast<double>(i) / half);
          const double angle = scale * t[b] * f, same = scale * static_cast<float>(t[b]) * f;
          error = std::max({error, std::abs(wide(b, i) - std::cos(angle)),
                            std::abs(wide(b, half + i) - std::sin(angle))});
          narrow_error = std::max({narrow_error, std::abs(narrow(b, i) - std::cos(same)),
                                   std::abs(narrow(b, half + i) - std::sin(same))});
        }
      CHECK(error <= 4e-16);          // two units in the last place
      CHECK(narrow_error <= 3.1e-8);  // the rounding to float, 2^-25, and little more
      times.pop_back();
    }
  }
}

TEST_CASE("embedding: equal times share a row of the same bits", "[nn][embedding]") {
  Rng rng(1);
  const nn::TimeEmbedding<float> embed({.features = 16, .width = 24, .classes = 2, .vector = 2},
                                       rng);
  const Tensor<float> like, equal({7}, 0.3F), mixed = test::times<float>(7);
  nn::Condition<float> none, alike, apart, vector;
  alike.labels.assign(7, 1);
  apart.labels = {0, 1, 1, 1, 1, 1, 1};
  vector.vector = Rng(2).normal<float>({7, 2});
  for (const auto* c : {&none, &alike}) {
    const Tensor<float> all = embed(equal, *c, like), one = embed.rows(equal, *c, like);
    REQUIRE(one.shape() == Shape{1, 24});
    for (Index b = 0; b < 7; ++b) CHECK(test::same_bits(all.rows(b, 1), one));
    CHECK(test::same_bits(embed.rows(mixed, *c, like), embed(mixed, *c, like)));
  }
  CHECK(test::same_bits(embed.rows(equal, apart, like), embed(equal, apart, like)));
  CHECK(test::same_bits(embed.rows(equal, vector, like), embed(equal, vector, like)));
  const nn::Mlp<float> net({.in = 3, .width = 24}, rng);
  const Tensor<float> x = Rng(3).normal<float>({7, 3}), y = net(x, equal);
  for (Index b = 0; b < 7; ++b)
    CHECK(test::same_bits(net(x.rows(b, 1), equal.rows(b, 1)), y.rows(b, 1)));
}

TEST_CASE("embedding: Fourier features of random frequencies", "[nn][embedding]") {
  Rng rng(1);
  const nn::FourierFeatures<double> fourier({.width = 2000, .bandwidth = 3}, rng);
  const auto& w = fourier.frequencies.value;
  const auto f = fourier(Tensor<double>({1}, {0.25}));
  double square = 0;
  double error = 0;
  for (Index i = 0; i < 1000; ++i) {
    const double angle = 2 * std::acos(-1.) * w[i] * 0.25;
    error = std::max(error, std::abs(f(0, i) - std::cos(angle)));
    error = std::max(error, std::abs(f(0, 1000 + i) - std::sin(angle)));
    square += w[i] * w[i];
  }
  CHECK(error < 1e-13);
  // A variance from n = 1000 normals has relative deviation sqrt(2 / n) = 4.5 %: four of those.
  CHECK_THAT(square / 1000, WithinRel(9.0, 0.18));
  nn::TimeEmbedding<float> time({.features = 4, .width = 3, .fourier = 2}, rng);
  CHECK(nn::parameter_count(time) == 2 + 4 * 3 + 3 + 3 * 3 + 3);
}

TEST_CASE("embedding: no class has a row of its own", "[nn][embedding]") {
  Rng rng(1);
  const nn::ClassEmbedding<float> classes({.classes = 2, .width = 3}, rng);
  const std::vector<Index> labels{1, -1, 0};
  const auto rows = classes(labels, Tensor<float>());
  CHECK(rows.rows(0, 1) == classes.weight.value.rows(1, 1));
  CHECK(rows.rows(1, 1) == classes.weight.value.rows(2, 1));
  CHECK(rows.rows(2, 1) == classes.weight.value.rows(0, 1));
  const std::vector<Index> wrong{2};
  CHECK_THROWS_AS(classes(wrong, Tensor<float>()), ArgumentError);
}
