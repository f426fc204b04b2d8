#include "foglift/core/rng.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

struct NoTarget {
  Mix x0(const Level&) const { return {}; }
  Mix eps(const Level&) const { return {}; }
};
static_assert(Parameterization<predict::Epsilon> && Parameterization<predict::X0> &&
              Parameterization<predict::Velocity>);
static_assert(!Parameterization<NoTarget> && !Parameterization<Level>);

template <class F>
void for_each(const F& f) {
  f(predict::Epsilon{});
  f(predict::X0{});
  f(predict::Velocity{});
}

/// Random levels, most with alpha^2 + sigma^2 far from 1, between 0.1 and 3.
std::vector<Level> random_levels(Index n) {
  const auto u = Rng(17).uniform<double>({n, 2});
  std::vector<Level> out;
  for (Index i = 0; i < n; ++i) out.push_back({0.5, 0.1 + 2.9 * u(i, 0), 0.1 + 2.9 * u(i, 1)});
  return out;
}

double worst(const Tensor<double>& a, const Tensor<double>& b) {
  double w = 0;
  for (Index i = 0; i < a.size(); ++i) w = std::max(w, std::abs(a[i] - b[i]));
  return w;
}

}  // namespace

TEST_CASE("parameterization: targets give back data and noise at any level",
          "[diffusion][parameterization]") {
  const Index batch = 200;
  const auto levels = random_levels(batch);
  const auto x0 = Rng(1).normal<double>({batch, 3}), eps = Rng(2).normal<double>({batch, 3});
  auto x = x0;
  for (Index b = 0; b < batch; ++b)
    for (Index i = 0; i < 3; ++i) {
      const Level& l = levels[static_cast<std::size_t>(b)];
      x(b, i) = l.alpha * x0(b, i) + l.sigma * eps(b, i);
    }
  // |x|, |f| < 30, quotients by 0.1: 1e3 roundings of eps.
  for_each([&](const auto& p) {
    const auto f = predict::target(p, x0, eps, levels);
    CHECK(worst(predict::to_x0(p, x, f, levels), x0) < 1e-12);
    CHECK(worst(predict::to_eps(p, x, f, levels), eps) < 1e-12);
    for_each([&](const auto& q) {
      const auto g = predict::convert(p, q, x, f, levels);
      CHECK(worst(g, predict::target(q, x0, eps, levels)) < 1e-12);
      CHECK(worst(predict::convert(q, p, x, g, levels), f) < 1e-12);
    });
  });
}

TEST_CASE("parameterization: the definitions by hand", "[diffusion][parameterization]") {
  const Level l{0.3, 0.5, 2};
  const Tensor<double> x0({1, 1}, 3.0), eps({1, 1}, 7.0);
  CHECK(predict::target(predict::Epsilon{}, x0, eps, l).item() == 7);
  CHECK(predict::target(predict::X0{}, x0, eps, l).item() == 3);
  CHECK(predict::target(predict::Velocity{}, x0, eps, l).item() == 0.5 * 7 - 2 * 3);
}

TEST_CASE("parameterization: finite at both ends", "[diffusion][parameterization]") {
  for (const Level& l : {Level{1, 0, 1}, Level{0, 1, 0}})
    for_each([&](const auto& p) {
      for (const Mix& m : {p.target(l), p.x0(l), p.eps(l)})
        CHECK((std::isfinite(m.a) && std::isfinite(m.b)));
      CHECK(std::isfinite(predict::x0_weight(p, l)));
      CHECK(std::isfinite(predict::min_snr(p)(l)));
    });
}

TEST_CASE("parameterization: weights turn errors of f into errors of x0",
          "[diffusion][parameterization]") {
  for (const Level& l : random_levels(20))
    for_each([&](const auto& p) {
      const Tensor<double> x({1, 1}, 0.7), f({1, 1}, 0.2), wrong({1, 1}, 1.3);
      const double error =
          predict::to_x0(p, x, wrong, l).item() - predict::to_x0(p, x, f, l).item();
      CHECK_THAT(predict::x0_weight(p, l) * 1.1 * 1.1, WithinRel(error * error, 1e-11));
      CHECK_THAT(predict::min_snr(p, 2.0)(l),
                 WithinRel(std::min(l.snr(), 2.0) * predict::x0_weight(p, l), 1e-12));
    });
  // The published form for eps and VP: min(snr, gamma) / snr.
  const Level l{0.5, 0.8, 0.6};
  CHECK_THAT(predict::min_snr(predict::Epsilon{}, 1.0)(l), WithinRel(1 / l.snr(), 1e-14));
  CHECK_THAT(predict::min_snr(predict::Velocity{}, 5.0)(l),
             WithinRel(l.snr() / (l.snr() + 1), 1e-14));
  CHECK_THROWS_AS(predict::min_snr(predict::X0{}, 0), ArgumentError);
}

TEST_CASE("parameterization: shapes and level counts are checked",
          "[diffusion][parameterization]") {
  const Tensor<float> x({2, 3});
  const Level l{0.5, 0.8, 0.6};
  CHECK_THROWS_AS(predict::to_x0(predict::X0{}, x, Tensor<float>({3, 2}), l), ShapeError);
  CHECK_THROWS_AS(predict::to_x0(predict::X0{}, x, x, std::vector<Level>(3, l)), ShapeError);
  CHECK_THROWS_AS(predict::target(predict::X0{}, x, x, std::vector<Level>(1, l)), ShapeError);
}

TEST_CASE("affine: every element gets its row's coefficients", "[diffusion][affine]") {
  const auto x = Rng(4).normal<double>({5, 7}), y = Rng(5).normal<double>({5, 7}),
             z = Rng(6).normal<double>({5, 7});
  const auto by_row = affine(x, y, [](Index b) { return Mix{1.0 + static_cast<double>(b), -2}; });
  const auto three = affine(0.5, x, -2, y, 3, z);
  for (Index b = 0; b < 5; ++b)
    for (Index i = 0; i < 7; ++i) {
      CHECK_THAT(by_row(b, i),
                 WithinAbs((1.0 + static_cast<double>(b)) * x(b, i) - 2 * y(b, i), 1e-14));
      CHECK_THAT(three(b, i), WithinAbs(0.5 * x(b, i) - 2 * y(b, i) + 3 * z(b, i), 1e-14));
    }
  CHECK_THROWS_AS(affine(1, x, 1, Tensor<double>({5, 6})), ShapeError);
  CHECK_THROWS_AS(affine(1, x, 1, y, 1, Tensor<double>({7, 5})), ShapeError);
  CHECK(affine(2, Tensor<float>(Shape{}, 3.f), 1, Tensor<float>(Shape{}, 1.f)).item() == 7);
  CHECK(affine(2, Tensor<float>({0, 3}), 1, Tensor<float>({0, 3})).empty());
}
