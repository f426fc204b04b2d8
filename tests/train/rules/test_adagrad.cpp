// Covers: adagrad
#include "foglift/train/rules/adagrad.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <cmath>

using namespace foglift;

namespace {
/// As the documentation of torch.optim.Adagrad prints it.
struct Naive {
  double lr, lr_decay, eps, decay;
  double s = 0;
  int t = 0;
  double step(double w, double g) {
    ++t;
    g += decay * w;
    s += g * g;
    return w - lr / (1 + (t - 1) * lr_decay) * g / (std::sqrt(s) + eps);
  }
};
}  // namespace

TEMPLATE_TEST_CASE("adagrad: 50 steps agree with the scalar rule", "[train][adagrad]", float,
                   double) {
  using T = TestType;
  CHECK(toy::distance_to_naive<T>(train::Adagrad<T>({.lr = 0.1}), Naive{0.1, 0, 1e-10, 0}) <
        toy::tolerance<T>);
  CHECK(toy::distance_to_naive<T>(
            train::Adagrad<T>({.lr = 0.1, .lr_decay = 0.2, .eps = 1e-3, .weight_decay = 0.3}),
            Naive{0.1, 0.2, 1e-3, 0.3}) < toy::tolerance<T>);
}

TEST_CASE("adagrad: a constant gradient moves by lr / sqrt(k)", "[train][adagrad]") {
  auto model = toy::make_pair<double>(1, {1}, {1});
  double expected = model.a.value[0];
  train::Adagrad<double> opt({.lr = 0.1});
  for (int k = 1; k <= 10; ++k) {
    opt.step(model, toy::gradients(model, Tensor<double>({1}, -3.0), Tensor<double>({1}, 0.0)));
    expected += 0.1 / std::sqrt(k);
    CHECK_THAT(model.a.value[0], WithinRel(expected, 1e-9));  // eps / g is 3e-11
  }
  CHECK(model.b.value[0] == toy::make_pair<double>(1, {1}, {1}).b.value[0]);
}

TEST_CASE("adagrad: options outside their range are refused", "[train][adagrad]") {
  CHECK_THROWS_AS(train::Adagrad<float>({.lr = -1}), ArgumentError);
  CHECK_THROWS_AS(train::Adagrad<float>({.lr_decay = -1}), ArgumentError);
  CHECK_THROWS_AS(train::Adagrad<float>({.eps = 0}), ArgumentError);
  CHECK_THROWS_AS(train::Adagrad<float>({.weight_decay = std::nan("")}), ArgumentError);
}
