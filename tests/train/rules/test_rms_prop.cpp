// Covers: rms_prop
#include "foglift/train/rules/rms_prop.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <cmath>

using namespace foglift;

namespace {
/// As the documentation of torch.optim.RMSprop prints it.
struct Naive {
  double lr, alpha, eps, momentum, decay;
  double v = 0, b = 0;
  double step(double w, double g) {
    g += decay * w;
    v = alpha * v + (1 - alpha) * g * g;
    b = momentum * b + g / (std::sqrt(v) + eps);
    return w - lr * b;
  }
};
}  // namespace

TEMPLATE_TEST_CASE("rmsprop: 50 steps agree with the scalar rule", "[train][rms_prop]", float,
                   double) {
  using T = TestType;
  CHECK(toy::distance_to_naive<T>(train::RmsProp<T>({.lr = 0.02}), Naive{0.02, 0.99, 1e-8, 0, 0}) <
        toy::tolerance<T>);
  CHECK(toy::distance_to_naive<T>(
            train::RmsProp<T>(
                {.lr = 0.01, .alpha = 0.9, .eps = 1e-3, .momentum = 0.5, .weight_decay = 0.2}),
            Naive{0.01, 0.9, 1e-3, 0.5, 0.2}) < toy::tolerance<T>);
}

TEST_CASE("rmsprop: a constant gradient is divided by the root of 1 - alpha^k",
          "[train][rms_prop]") {
  // v_k = (1 - alpha^k) g^2.
  auto model = toy::make_pair<double>(1, {1}, {1});
  double expected = model.a.value[0];
  train::RmsProp<double> opt({.lr = 0.1, .alpha = 0.8, .eps = 0});
  for (int k = 1; k <= 10; ++k) {
    opt.step(model, toy::gradients(model, Tensor<double>({1}, -3.0), Tensor<double>({1}, 1.0)));
    expected += 0.1 / std::sqrt(1 - std::pow(0.8, k));
    CHECK_THAT(model.a.value[0], WithinRel(expected, 1e-14));
  }
}

TEST_CASE("rmsprop: options outside their range are refused", "[train][rms_prop]") {
  CHECK_THROWS_AS(train::RmsProp<float>({.lr = -1}), ArgumentError);
  CHECK_THROWS_AS(train::RmsProp<float>({.alpha = 1}), ArgumentError);
  CHECK_THROWS_AS(train::RmsProp<float>({.eps = -1}), ArgumentError);
  CHECK_THROWS_AS(train::RmsProp<float>({.momentum = 1}), ArgumentError);
  CHECK_THROWS_AS(train::RmsProp<float>({.weight_decay = std::nan("")}), ArgumentError);
}
