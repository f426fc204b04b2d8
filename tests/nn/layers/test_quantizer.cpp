// Covers: quantizer
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/nn/layers/quantizer.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

TEST_CASE("quantizer: takes the nearest code of each vector", "[nn][quantizer]") {
  Rng rng(1);
  nn::Quantizer<double> q({.codes = 37, .width = 3}, rng);
  q.codebook.value = Rng(4).normal<double>({37, 3});
  const auto z = Rng(2).normal<double>({2, 5, 4, 3});
  const auto out = q(z);
  REQUIRE(out.codes.shape() == Shape{2, 5, 4});
  REQUIRE(out.quantized.shape() == z.shape());
  double distance = 0;
  for (Index i = 0; i < 40; ++i) {
    double least = HUGE_VAL;
    Index nearest = -1;
    for (Index k = 0; k < 37; ++k) {
      double d = 0;
      for (Index c = 0; c < 3; ++c) d += std::pow(z[3 * i + c] - q.codebook.value(k, c), 2);
      if (d < least) least = d, nearest = k;
    }
    CHECK(out.codes[i] == nearest);
    for (Index c = 0; c < 3; ++c) CHECK(out.quantized[3 * i + c] == q.codebook.value(nearest, c));
    distance += least / 120;
  }
  CHECK_THAT(out.loss.item(), WithinRel(1.25 * distance, 1e-13));
  CHECK(q.decode(out.codes) == out.quantized);
}

TEST_CASE("quantizer: gradients are those of the two losses and the estimator", "[nn][quantizer]") {
  Rng rng(1);
  nn::Quantizer<double> q({.codes = 2, .width = 2, .commitment = 0.5}, rng);
  q.codebook.value = Tensor<double>({2, 2}, {0, 0, 1, 1});
  Tape<double> tape;
  const auto z = tape.variable(Tensor<double>({1, 2}, {0.75, 1.5}));
  const auto out = q(z);
  CHECK(out.codes == Tensor<Index>({1}, {1}));
  // d/dz of mean (z - e)^2 is z - e for two numbers, beta of it counts; d/de is e - z.
  const auto losses = tape.backward(out.loss);
  CHECK(losses[z] == Tensor<double>({1, 2}, {-0.125, 0.25}));
  CHECK(losses[q.codebook] == Tensor<double>({2, 2}, {0, 0, 0.25, -0.5}));
  const auto through = tape.backward(sum(out.quantized * 3.0));
  CHECK(through[z] == Tensor<double>({1, 2}, {3, 3}));
  CHECK(through.find(q.codebook) == nullptr);
}

TEST_CASE("quantizer: is a module", "[nn][quantizer]") {
  Rng rng(1);
  const auto z = Rng(2).normal<double>({4, 3});
  // Differences of the whole loss also move z - sg(e), so only the part of the codebook is
  // compared.
  test::check_module(nn::Quantizer<double>({.codes = 5, .width = 3, .commitment = 0}, rng),
                     [&](const auto& m, const auto& in) { return m(in(z)).loss; });
}

TEST_CASE("quantizer: usage and perplexity", "[nn][quantizer]") {
  const Tensor<Index> codes({4}, {0, 2, 2, 0});
  const auto usage = nn::code_usage(codes, 3);
  CHECK(usage == Tensor<Index>({3}, {2, 0, 2}));
  CHECK_THAT(nn::code_perplexity(usage), WithinRel(2.0, 1e-15));
  CHECK(nn::code_perplexity(Tensor<Index>({2}, {0, 0})) == 0);
  CHECK_THROWS_AS(nn::code_usage(codes, 2), ArgumentError);
}

TEST_CASE("quantizer: errors say what does not fit", "[nn][quantizer]") {
  Rng rng(1);
  const nn::Quantizer<float> q({.codes = 4, .width = 3}, rng);
  CHECK_THROWS_WITH(q(Tensor<float>({2, 4})), "Quantizer: input [2, 4], expected [..., 3]");
  CHECK_THROWS_AS(q.decode(Tensor<Index>({1}, {4})), ArgumentError);
  CHECK_THROWS_AS(nn::Quantizer<float>({.codes = 4, .width = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Quantizer<float>({.codes = 4, .width = 1, .commitment = -1}, rng),
                  ArgumentError);
}
