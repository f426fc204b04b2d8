// Covers: ops/loss
#include "foglift/autograd/ops/loss.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace foglift;

TEST_CASE("losses: hand-computed values", "[autograd][loss]") {
  const Tensor<double> p({4}, {1, 2, 3, 4}), t({4}, {1, 0, 3.5, 1});  // differences 0, 2, -0.5, 3
  CHECK(mse(p, t).item() == (4 + 0.25 + 9) / 4);
  CHECK(l1(p, t).item() == (2 + 0.5 + 3) / 4);
  CHECK(huber(p, t, 1).item() == (1.5 + 0.125 + 2.5) / 4);
  CHECK(huber(p, t, 2).item() == (2 + 0.125 + 4) / 4);
  CHECK(weighted_mse(p, t, Tensor<double>({4}, {1, 1, 0, 6})).item() == (4 + 54) / 8.0);
}

TEST_CASE("losses: cross entropy is the mean negative log probability", "[autograd][loss]") {
  const double l2 = std::log(2.0), l5 = std::log(5.0);  // rows of odds 1:2:5 and 1:1:2
  const Tensor<double> logits({2, 3}, {0, l2, l5, 0, 0, l2});
  const std::vector<Index> ids = {2, 0};
  CHECK_THAT(cross_entropy(logits, ids).item(),
             WithinAbs((std::log(8.0 / 5) + std::log(4.0)) / 2, 1e-15));
  const std::vector<Index> wrong = {3, 0};
  CHECK_THROWS_AS(cross_entropy(logits, wrong), ArgumentError);
  const Tensor<float> far({1, 2}, {0, 1000});
  CHECK(cross_entropy(far, std::vector<Index>{0}).item() == 1000);
}

TEST_CASE("losses: pinball weighs under- and overestimates", "[autograd][loss]") {
  const Tensor<double> p({2, 2}, {1, 3, 5, 5}), t({2}, {2, 4});
  const std::vector<double> levels = {0.25, 0.75};
  // d = target - pred: 1, -1 and -1, -1, at levels 0.25, 0.75: 0.25, 0.25, 0.75, 0.25.
  CHECK_THAT(pinball(p, t, levels).item(), WithinAbs(1.5 / 4, 1e-15));
  CHECK_THROWS_AS(pinball(p, t, std::vector<double>{0.5}), ShapeError);
  CHECK_THROWS_AS(pinball(p, t, std::vector<double>{0.5, 1}), ArgumentError);
}

TEST_CASE("losses: weight 0 hides missing values from value and gradient", "[autograd][loss]") {
  const Tensor<float> t({2, 2}, {1, std::nanf(""), 2, std::nanf("")}), w({2, 2}, {1, 0, 7, 0});
  Tape<float> tape;
  const Var<float> p = tape.variable(Tensor<float>({2, 2}, {2, 9, 4, 9}));
  const Var<float> loss = weighted_mse(p, t, w);
  CHECK(loss.value().item() == (1 + 7 * 4) / 8.0f);
  CHECK(tape.backward(loss)[p] == Tensor<float>({2, 2}, {0.25f, 0, 3.5f, 0}));
  CHECK(weighted_mse(p, t, Tensor<float>({1, 2}, 0.f)).value().item() == 0);
  CHECK_THROWS_AS(weighted_mse(p, t, Tensor<float>({2, 2}, -1.f)), ArgumentError);
}

TEST_CASE("losses: refuse other shapes and no elements", "[autograd][loss]") {
  CHECK_THROWS_WITH(mse(Tensor<float>({2, 3}), Tensor<float>({3, 2})),
                    ContainsSubstring("[2, 3]") && ContainsSubstring("[3, 2]"));
  CHECK_THROWS_AS(l1(Tensor<float>({0, 3}), Tensor<float>({0, 3})), ShapeError);
  CHECK_THROWS_AS(huber(Tensor<float>({2}), Tensor<float>({2}), 0), ArgumentError);
}

TEST_CASE("cross_entropy: weights count rows, and rows of weight 0 are not looked at",
          "[autograd][loss]") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor<double> logits({3, 2}, {0, std::log(3.0), 0, 0, -inf, inf});
  const std::vector<Index> ids{1, 0, 0};
  const std::vector<double> weights{2, 0.5, 0};
  // -log(3/4) and log 2
  CHECK_THAT(cross_entropy(logits, ids, weights).item(),
             Catch::Matchers::WithinRel((2 * std::log(4.0 / 3) + 0.5 * std::log(2.0)) / 3, 1e-14));
  const std::vector<double> few{1, 1}, negative{1, 1, -1}, infinite{1, inf, 1};
  CHECK_THROWS_AS(cross_entropy(logits, ids, few), ShapeError);
  CHECK_THROWS_AS(cross_entropy(logits, ids, negative), ArgumentError);
  CHECK_THROWS_AS(cross_entropy(logits, ids, infinite), ArgumentError);
}
