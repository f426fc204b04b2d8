// Covers: basic convert parameterization preconditioned
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
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
static_assert(Parameterization<predict::Score> && Parameterization<predict::FlowVelocity> &&
              Parameterization<predict::Edm> && Parameterization<predict::VpNetwork> &&
              Parameterization<predict::VeNetwork>);
static_assert(!Parameterization<NoTarget> && !Parameterization<Level>);
static_assert(predict::needs_signal<predict::Epsilon> && predict::needs_signal<predict::Score> &&
              predict::needs_signal<predict::VpNetwork> &&
              predict::needs_signal<predict::VeNetwork> && !predict::needs_signal<predict::X0> &&
              !predict::needs_signal<predict::Velocity> &&
              !predict::needs_signal<predict::FlowVelocity> &&
              !predict::needs_signal<predict::Edm>);

template <class F>
void for_each(const F& f) {
  f(predict::Epsilon{});
  f(predict::X0{});
  f(predict::Velocity{});
  f(predict::Score{});
  f(predict::FlowVelocity{});
  f(predict::Edm({.sigma_data = 0.7}));
  f(predict::VpNetwork{});
  f(predict::VeNetwork{});
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
  CHECK(predict::target(predict::Score{}, x0, eps, l).item() == -7 / 2.0);
  CHECK(predict::target(predict::FlowVelocity{}, x0, eps, l).item() == 7 - 3);
  CHECK(predict::target(predict::VeNetwork{}, x0, eps, l).item() == -7);
}

TEST_CASE("parameterization: edm is its published formula", "[diffusion][parameterization]") {
  const double d = 0.7, f = 1.3;
  const predict::Edm edm({.sigma_data = d});
  for (const Level& l : random_levels(20)) {
    const double s = l.sigma / l.alpha, x = 0.9, root = std::sqrt(s * s + d * d);
    const double c_skip = d * d / (s * s + d * d), c_out = s * d / root, c_in = 1 / root;
    const Tensor<double> at({1, 1}, x), out({1, 1}, f);
    CHECK_THAT(predict::to_x0(edm, at, out, l).item(),
               WithinAbs(c_skip * x / l.alpha + c_out * f, 1e-13));
    CHECK_THAT(edm.scale(l), WithinRel(c_in / l.alpha, 1e-14));
    CHECK_THAT(edm.condition(l), WithinAbs(std::log(s) / 4, 1e-14));
    // unit variance of input and target for data of that variance
    const Mix t = edm.target(l);
    CHECK_THAT(t.a * t.a * d * d + t.b * t.b, WithinRel(1.0, 1e-13));
    CHECK_THAT((l.alpha * l.alpha * d * d + l.sigma * l.sigma) * std::pow(edm.scale(l), 2),
               WithinRel(1.0, 1e-13));
  }
  const Level vp{0.4, 0.8, 0.6};
  const Mix v = predict::Velocity{}.target(vp), F = predict::Edm({.sigma_data = 1}).target(vp);
  CHECK_THAT(F.a, WithinAbs(-v.a, 1e-15));
  CHECK_THAT(F.b, WithinAbs(-v.b, 1e-15));
  CHECK(predict::Edm{}.sigma_data() == 0.5);
  CHECK_THROWS_AS(predict::Edm({.sigma_data = 0}), ArgumentError);
  CHECK_THROWS_AS(predict::Edm({.sigma_data = std::nan("")}), ArgumentError);
}

TEST_CASE("parameterization: how networks of the score sdes are asked",
          "[diffusion][parameterization]") {
  const Level l{0.25, 0.5, 2};  // sigma / alpha = 4
  predict::VpNetwork vp;
  CHECK(predict::condition(vp, l) == 999 * 0.25);
  vp.steps = 101;
  CHECK(predict::condition(vp, l) == 25);
  CHECK_THAT(predict::input_scale(vp, l), WithinRel(1 / (0.5 * std::sqrt(17.0)), 1e-14));
  CHECK_THAT(predict::condition(predict::VeNetwork{}, l), WithinAbs(std::log(2.0), 1e-14));
  CHECK(predict::input_scale(predict::VeNetwork{}, l) == 2);
  CHECK(predict::input_scale(predict::Velocity{}, l) == 1);
  CHECK(predict::condition(predict::Velocity{}, l) == 0.25);
  const predict::Conditioned steps(predict::Velocity{}, [](const Level& at) { return 8 * at.t; });
  static_assert(Parameterization<decltype(steps)>);
  CHECK(predict::condition(steps, l) == 2);
  CHECK(steps.target(l).a == -2);
}

TEST_CASE("parameterization: a round of conversions ends where it began",
          "[diffusion][parameterization]") {
  // eps -> x0 -> v -> u -> score -> F -> eps. Each conversion divides by at least 0.1 what is below
  // 30: at most 300 roundings a step, 6 steps: 4e-13 in double. In float, 2e-4 of 30 in the worst
  // case and far less in the mean square, which is held to 1e-5 of the size of x.
  const auto round = [](const auto& x, const auto& eps, const Levels& levels) {
    using namespace predict;
    auto f = convert(Epsilon{}, X0{}, x, eps, levels);
    f = convert(X0{}, Velocity{}, x, f, levels);
    f = convert(Velocity{}, FlowVelocity{}, x, f, levels);
    f = convert(FlowVelocity{}, Score{}, x, f, levels);
    f = convert(Score{}, Edm{}, x, f, levels);
    return convert(Edm{}, Epsilon{}, x, f, levels);
  };
  const Index batch = 400;
  const auto levels = random_levels(batch);
  const auto x = Rng(1).normal<double>({batch, 3}), eps = Rng(2).normal<double>({batch, 3});
  CHECK(worst(round(x, eps, levels), eps) < 1e-12);
  const auto back = round(x.cast<float>(), eps.cast<float>(), levels);
  double square = 0;
  for (Index i = 0; i < x.size(); ++i)
    square += std::pow(static_cast<double>(back[i]) - eps[i], 2) / static_cast<double>(x.size());
  CHECK(std::sqrt(square) < 1e-5);
}

TEST_CASE("parameterization: the least squares fit of each is the posterior mean",
          "[diffusion][parameterization]") {
  // Data m +- d and noise +-1 have the first two moments of N(m, d^2) and N(0, 1), and linear
  // regression sees no others: f = w x + c fitted to the four points is the best linear network,
  // and its x0 is the posterior mean of Gaussian data.
  const double m = 0.8, d = 0.6;
  const auto data = analytic::gaussian({.mean = m, .variance = d * d});
  for_each([&](const auto& p) {
    for (const Level& l : random_levels(20)) {
      const Tensor<double> x0({4, 1}, {m + d, m + d, m - d, m - d}), eps({4, 1}, {1, -1, 1, -1});
      const auto x = affine(l.alpha, x0, l.sigma, eps), f = predict::target(p, x0, eps, l);
      double sx = 0, sf = 0, sxx = 0, sxf = 0;
      for (Index i = 0; i < 4; ++i) {
        sx += x[i] / 4;
        sf += f[i] / 4;
        sxx += x[i] * x[i] / 4;
        sxf += x[i] * f[i] / 4;
      }
      const double w = (sxf - sx * sf) / (sxx - sx * sx), c = sf - w * sx;
      const Tensor<double> at({3, 1}, {-1.0, 0.3, 2.5});
      auto fitted = at;
      for (double& v : fitted) v = w * v + c;
      CHECK(worst(predict::to_x0(p, at, fitted, l), data(at, l)) < 1e-10);
    }
  });
}

TEST_CASE("parameterization: finite at both ends", "[diffusion][parameterization]") {
  for (const Level& l : {Level{1, 0, 1}, Level{0, 1, 0}})
    for_each([&](const auto& p) {
      for (const Mix& m : {p.target(l), p.x0(l), p.eps(l)})
        CHECK((std::isfinite(m.a) && std::isfinite(m.b)));
      CHECK(std::isfinite(predict::x0_weight(p, l)));
      CHECK(std::isfinite(predict::min_snr(p)(l)));
      CHECK(std::isfinite(predict::input_scale(p, l)));
      CHECK(std::isfinite(predict::condition(p, l)));
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
