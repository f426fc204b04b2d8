// Covers: marginal pullback
#include "foglift/autograd/gradcheck.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

struct TensorsOnly {
  Tensor<double> operator()(const Tensor<double>& x, const Levels&) const { return x; }
};
static_assert(DifferentiableDenoiser<analytic::Gaussian, float> &&
              DifferentiableDenoiser<analytic::Mixture, double>);
static_assert(!DifferentiableDenoiser<TensorsOnly, double>);

const analytic::Gaussian gaussian({1, -2, 0.5}, {0.3, 2, 0});
const analytic::Mixture mixture({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.5}, {1, {-2, 0, 1}, 0}});
const std::vector<Level> each{{0.1, 0.99, 0.3}, {0.5, 0.7, 0.7}, {0.9, 0.1, 0.995}, {0.5, 2, 3}};

/// A curved network of Values, with a factor that depends on time [B].
struct Curved {
  template <Value X>
  X operator()(const X& x, const Tensor<scalar_of<X>>& time) const {
    return mul(square(x), constant(time.reshaped({time.dim(0), 1}), x)) + 0.3 * x;
  }
};

/// J^T v against central differences of <v, D>, whose error is h^2 f''' / 6 + eps |f| / h with h =
/// 1e-5: about 1e-9 for third derivatives up to 50.
template <class D>
void check_pullback(const D& d, const Tensor<double>& x, const Levels& levels) {
  const auto v = Rng(3).normal<double>(x.shape());
  const auto pulled = pullback(d, x, levels, [&](const Tensor<double>&) { return v; });
  CHECK(pulled.x0 == d(x, levels));
  for (Index i = 0; i < x.size(); ++i) {
    const auto along = [&](double h) {
      Tensor<double> moved = x;
      moved[i] += h;
      return foglift::detail::project(d(moved, levels), v);
    };
    const double difference = (along(1e-5) - along(-1e-5)) / 2e-5;
    CHECK_THAT(pulled.gradient[i], WithinAbs(difference, 1e-8 * (1 + std::abs(difference))));
  }
}

}  // namespace

TEST_CASE("pullback: gradients of the analytic denoisers are their differences",
          "[diffusion][pullback]") {
  const auto x = Rng(9).normal<double>({4, 3});
  check_pullback(gaussian, x, each);
  check_pullback(mixture, x, each);
  check_pullback(gaussian, x, each[1]);
  check_pullback(mixture, x, each[1]);
}

TEST_CASE("pullback: goes through a network and its preconditioning", "[diffusion][pullback]") {
  const auto x = Rng(9).normal<double>({4, 3});
  const auto check = [&](auto p) {
    const NetworkDenoiser d(Curved{}, p, schedule::Linear{});
    static_assert(DifferentiableDenoiser<decltype(d), double>);
    check_pullback(d, x, each[1]);
    check_pullback(d, x, each);
  };
  check(predict::Epsilon{});
  check(predict::X0{});
  check(predict::Velocity{});
}

TEST_CASE("pullback: the cotangent is a function of x0", "[diffusion][pullback]") {
  // d/dx |D - y|^2 / 2 of a Gaussian with gain g: g (D - y).
  const auto d = analytic::gaussian({.mean = 1, .variance = 2});
  const Tensor<double> x({2, 2}, {0.1, -1, 2, 3}), y({2, 2}, {1, 1, 0, 2});
  const Level l{0.5, 0.8, 0.6};
  const double gain = 0.8 * 2 / (0.64 * 2 + 0.36);
  const auto pulled = pullback(d, x, l, [&](const Tensor<double>& x0) { return x0 - y; });
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(pulled.gradient[i], WithinAbs(gain * (1 + gain * (x[i] - 0.8) - y[i]), 1e-14));
}

TEST_CASE("pullback: a denoiser that ignores x has gradient 0", "[diffusion][pullback]") {
  const auto constantly = [](const Var<double>& x, const Levels&) {
    return x.tape().constant(Tensor<double>(x.shape(), 2.0));
  };
  const Tensor<double> x({2, 3}, 1.0);
  const auto pulled = pullback(constantly, x, Level{}, [](const auto& x0) { return x0; });
  CHECK(pulled.x0 == Tensor<double>({2, 3}, 2.0));
  CHECK(pulled.gradient == Tensor<double>({2, 3}));
}

TEST_CASE("pullback: shapes are checked", "[diffusion][pullback]") {
  const Tensor<double> x({2, 3});
  CHECK_THROWS_AS(pullback(gaussian, x, each[0], [](const auto&) { return Tensor<double>({6}); }),
                  ShapeError);
  const auto other = [](const Var<double>& v, const Levels&) {
    return v.tape().constant(Tensor<double>({1}));
  };
  CHECK_THROWS_AS(pullback(other, x, each[0], [](const auto& x0) { return x0; }), ShapeError);
}
