// Covers: lion
#include "foglift/train/rules/lion.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <cmath>

using namespace foglift;

namespace {
/// Chen et al. 2023, algorithm 2, as it is printed there.
struct Naive {
  double lr, beta1, beta2, decay;
  double m = 0;
  double step(double w, double g) {
    const double c = beta1 * m + (1 - beta1) * g;
    w -= lr * ((c > 0 ? 1 : c < 0 ? -1 : 0) + decay * w);
    m = beta2 * m + (1 - beta2) * g;
    return w;
  }
};
}  // namespace

TEMPLATE_TEST_CASE("lion: 50 steps agree with the algorithm as printed", "[train][lion]", float,
                   double) {
  using T = TestType;
  CHECK(toy::distance_to_naive<T>(train::Lion<T>({.lr = 0.05}), Naive{0.05, 0.9, 0.99, 0}) <
        toy::tolerance<T>);
  CHECK(toy::distance_to_naive<T>(
            train::Lion<T>({.lr = 0.1, .beta1 = 0.5, .beta2 = 0.7, .weight_decay = 0.3}),
            Naive{0.1, 0.5, 0.7, 0.3}) < toy::tolerance<T>);
}

TEST_CASE("lion: steps are of one size, and a gradient of 0 makes none", "[train][lion]") {
  auto model = toy::make_pair<float>(1, {3}, {4});
  const auto start = model;
  train::Lion opt({.lr = 0.25});
  opt.step(model,
           toy::gradients(model, Tensor<float>({3}, {1e-30f, -1e30f, 0}), Tensor<float>({4}, 2.f)));
  CHECK(model.a.value[0] == start.a.value[0] - 0.25f);
  CHECK(model.a.value[1] == start.a.value[1] + 0.25f);
  CHECK(model.a.value[2] == start.a.value[2]);
  CHECK(model.b.value[3] == start.b.value[3] - 0.25f);
}

TEST_CASE("lion: options outside their range are refused", "[train][lion]") {
  CHECK_THROWS_AS(train::Lion<float>({.lr = -1}), ArgumentError);
  CHECK_THROWS_AS(train::Lion<float>({.beta1 = 1}), ArgumentError);
  CHECK_THROWS_AS(train::Lion<float>({.beta2 = std::nan("")}), ArgumentError);
  CHECK_THROWS_AS(train::Lion<float>({.weight_decay = -1}), ArgumentError);
  CHECK_THROWS_WITH(train::Lion<float>({.lr = 0.5, .beta1 = 1}),
                    ContainsSubstring("lr 0.5, beta1 1, beta2 0.99, weight_decay 0") &&
                        ContainsSubstring("needed beta1 in [0, 1)"));
  CHECK(train::Lion<float>({}).options().lr == 1e-4);
}
