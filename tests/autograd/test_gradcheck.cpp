// Covers: autograd/gradcheck
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/nn/gradcheck.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

/// y = x^3 elementwise, with a backward pass that may be told to be wrong.
Var<double> cube(const Var<double>& x, double factor = 3) {
  Tensor<double> y = x.value();
  for (double& v : y) v = v * v * v;
  return x.tape().record(std::move(y), {x},
                         [x, factor](const Tensor<double>& dy, const auto& grad) {
                           Tensor<double> dx = dy;
                           for (Index i = 0; i < dx.size(); ++i)
                             dx[i] *= factor * x.value()[i] * x.value()[i];
                           grad(x, std::move(dx));
                         });
}

struct Cubes {
  Parameter<double> first{Tensor<double>({2}, {0.3, -0.7})}, unused{Tensor<double>({1}, 2.0)};
  static void each(auto& self, auto&& f) {
    f("first", self.first);
    f("unused", self.unused);
  }
};

}  // namespace

TEST_CASE("gradcheck: accepts a right gradient with 2 and 4 points", "[autograd][gradcheck]") {
  const Tensor<double> x({2, 2}, {0.5, -1.5, 2.0, 0.0});
  const auto f = [](std::span<const Var<double>> in) { return cube(in[0]); };
  // x^3 at h = 1e-5: truncation h^2 = 1e-10, rounding 2^-52 * |f| / h = 2e-10.
  const GradcheckReport two = gradcheck(f, {x});
  CHECK(two.max_error < 1e-9);
  CHECK(two.checked == 4);
  // The 4-point rule is exact for cubics: rounding alone, 2^-52 * |f| / h = 2e-12.
  CHECK(gradcheck(f, {x}, {.points = 4, .step = 1e-3}).max_error < 1e-11);
}

TEST_CASE("gradcheck: finds a wrong gradient and says where", "[autograd][gradcheck]") {
  const Tensor<double> x({3}, {0.0, 2.0, 0.0});
  const auto wrong = [](std::span<const Var<double>> in) { return cube(in[0], 3.3); };
  const GradcheckReport r = gradcheck(wrong, {x});
  CHECK_THAT(r.max_error, WithinAbs(0.3 / 3.3, 1e-6));  // |3.3 - 3| / 3.3 of 4 r, all above 1
  CHECK(r.entry == 1);
  CHECK(r.input == "input 0");
  std::ostringstream text;
  text << r;
  CHECK_THAT(text.str(), ContainsSubstring("input 0[1]"));
}

TEST_CASE("gradcheck: what is no number agrees with nothing", "[autograd][gradcheck]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto gradient = [nan](std::span<const Var<double>> in) { return cube(in[0], nan); };
  CHECK(std::isinf(gradcheck(gradient, {Tensor<double>({2}, 1.0)}).max_error));
  // The gradient of x^3 at 1e103 is a number; its difference is one of infinities.
  const auto value = [](std::span<const Var<double>> in) { return cube(in[0]); };
  CHECK(std::isinf(gradcheck(value, {Tensor<double>({1}, 1e103)}).max_error));
}

TEST_CASE("gradcheck: perturbs at most max_entries entries", "[autograd][gradcheck]") {
  const auto f = [](std::span<const Var<double>> in) { return cube(in[0]); };
  CHECK(gradcheck(f, {Tensor<double>({50}, 0.5)}, {.max_entries = 7}).checked == 7);
  CHECK(gradcheck(f, {Tensor<double>({0})}).checked == 0);
  CHECK_THROWS_AS(gradcheck(f, {Tensor<double>({1})}, {.points = 3}), ArgumentError);
}

TEST_CASE("gradcheck: checks the parameters of a model", "[autograd][gradcheck]") {
  const auto loss = [](const Cubes& m, Tape<double>& tape) {
    return cube(tape.parameter(m.first));
  };
  const GradcheckReport right = nn::gradcheck(Cubes{}, loss);
  CHECK(right.max_error < 1e-9);
  CHECK(right.checked == 3);  // the parameter that the loss does not use has gradient zero
  const auto bad = [](const Cubes& m, Tape<double>& tape) {
    return cube(tape.parameter(m.first), 2);
  };
  CHECK(nn::gradcheck(Cubes{}, bad).max_error > 0.1);
  CHECK(nn::gradcheck(Cubes{}, bad).input == "first");
}
