// Covers: process process/affine variance_preserving
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/process.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

namespace {

const double pi = std::acos(-1.0);

/// Neither variance preserving nor exploding: alpha = e^(-t), sigma = t + t^2.
struct Grown {
  Level at(double t) const { return {t, std::exp(-t), t + t * t}; }
  double time(double) const { return 0; }
  LevelRate derivative(double t) const { return {-std::exp(-t), 1 + 2 * t}; }
};
/// sigma = sqrt(t): no derivative at t = 0, though sigma^2 has one.
struct Root {
  Level at(double t) const { return {t, 1, std::sqrt(t)}; }
  double time(double) const { return 0; }
  LevelRate derivative(double t) const { return {0, 0.5 / std::sqrt(t)}; }
};
struct NoDerivative {
  Level at(double t) const { return {t, 1 - t, t}; }
  double time(double) const { return 0; }
};
template <class S>
concept MakesProcess = requires { typename process::Affine<S>; };
static_assert(ForwardProcess<process::Affine<Grown>> && MakesProcess<schedule::Linear>);
static_assert(!MakesProcess<NoDerivative> && !ForwardProcess<Grown>);
static_assert(ForwardProcess<process::RectifiedFlow> && ForwardProcess<process::Edm>);

/// Mean factor and variance of x at t + h from those at t, for the SDE dx = f x dt + g dw over a
/// short time: d mean = f mean dt, d var = (2 f var + g^2) dt.
template <class P>
void check_sde(const P& p, double t) {
  // Central differences with h = 1e-5: h^2 f''' / 6 + eps / h ~ 1e-10 of the largest term.
  const double h = 1e-5;
  const Level before = p.at(t - h), l = p.at(t), after = p.at(t + h);
  const double growth = (after.alpha - before.alpha) / (2 * h);
  CHECK_THAT(p.drift(t) * l.alpha, WithinAbs(growth, 1e-7 * (1 + std::abs(growth))));
  const double spread = (after.sigma * after.sigma - before.sigma * before.sigma) / (2 * h);
  const double g = p.diffusion(t);
  CHECK_THAT(2 * p.drift(t) * l.sigma * l.sigma + g * g,
             WithinAbs(spread, 1e-7 * (1 + std::abs(spread))));
}

/// The state of one element under the ODE dx/dt = f(x, t), by Runge-Kutta of order 4 in `steps`.
template <class F>
double integrate(const F& f, double x, double from, double to, int steps) {
  const double h = (to - from) / steps;
  for (int i = 0; i < steps; ++i) {
    const double t = from + i * h, k1 = f(x, t), k2 = f(x + h / 2 * k1, t + h / 2);
    const double k3 = f(x + h / 2 * k2, t + h / 2), k4 = f(x + h * k3, t + h);
    x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return x;
}

const double m = 0.7, v = 0.3;
const auto data = analytic::gaussian({.mean = m, .variance = v});

/// Gaussian data moved by the process's own right sides from t = 0.9 to t = 0.1. Everything is
/// linear in x, so that right(0) and right(1) - right(0) give drift and slope exactly.
template <class P>
void check_transport(const P& p) {
  const double from = 0.9, to = 0.1;
  const Level a = p.at(from), b = p.at(to);
  const auto flow = [&](double x, double t) {
    const Tensor<double> state({1, 1}, x);
    return p.flow(state, data(state, p.at(t)), t).item();
  };
  // Errors of Runge-Kutta: h^4 = 1e-10 times derivatives of order 100.
  for (const double x : {-1.0, 0.5, 2.0})
    CHECK_THAT(integrate(flow, x, from, to, 250),
               WithinAbs(data.flow(Tensor<double>({1, 1}, x), a, b).item(), 1e-6));
  for (const double eta : {0.0, 0.6, 1.0}) {
    const auto drift = [&](double x, double t) {
      const Tensor<double> state({1, 1}, x);
      return p.reverse_drift(state, data(state, p.at(t)), t, eta).item();
    };
    // d mean = drift(mean) dt; backwards in time the noise adds eta^2 g^2 |dt|.
    CHECK_THAT(integrate(drift, a.alpha * m, from, to, 250), WithinAbs(b.alpha * m, 1e-6));
    const auto variance = [&](double w, double t) {
      return 2 * (drift(1, t) - drift(0, t)) * w - eta * eta * std::pow(p.diffusion(t), 2);
    };
    CHECK_THAT(integrate(variance, a.alpha * a.alpha * v + a.sigma * a.sigma, from, to, 250),
               WithinAbs(b.alpha * b.alpha * v + b.sigma * b.sigma, 1e-6));
  }
}

template <class F>
void for_each_process(const F& f) {
  f(process::VariancePreserving(schedule::Linear{}));
  f(process::VariancePreserving(schedule::ScaledLinear{}));
  f(process::VariancePreserving(schedule::Cosine{}));
  f(process::SubVariancePreserving<>{});
  f(process::VarianceExploding(schedule::Geometric({.min = 0.05, .max = 4})));
  f(process::Edm(schedule::Edm({.min = 0.05, .max = 4}, 3)));
  f(process::RectifiedFlow{});
  f(process::Trigonometric{});
  f(process::Affine(
      schedule::Custom([](auto t) { return 1 - 0.5 * t * t; }, [](auto t) { return t; })));
  f(process::Affine(Grown{}));
  f(process::Affine(Root{}));
}

}  // namespace

TEST_CASE("process: drift and diffusion are derivatives of the marginal moments",
          "[diffusion][process]") {
  for_each_process([](const auto& p) {
    for (const double t : {0.05, 0.3, 0.61, 0.95}) check_sde(p, t);
  });
}

TEST_CASE("process: the published coefficients", "[diffusion][process]") {
  const process::VariancePreserving vp(schedule::Linear{});
  const process::SubVariancePreserving<> sub;
  const process::VarianceExploding ve(schedule::Geometric({.min = 0.01, .max = 50}));
  const process::RectifiedFlow flow;
  const process::Trigonometric turn;
  for (const double t : {0.1, 0.4, 0.8}) {
    const double beta = 0.1 + 19.9 * t, B = 0.1 * t + 9.95 * t * t;
    CHECK_THAT(vp.drift(t), WithinRel(-beta / 2, 1e-14));
    CHECK_THAT(vp.diffusion(t), WithinRel(std::sqrt(beta), 1e-14));
    CHECK_THAT(sub.drift(t), WithinRel(-beta / 2, 1e-13));
    CHECK_THAT(sub.diffusion(t), WithinRel(std::sqrt(beta * (1 - std::exp(-2 * B))), 1e-13));
    CHECK(ve.drift(t) == 0);
    CHECK_THAT(ve.diffusion(t),
               WithinRel(0.01 * std::pow(5000, t) * std::sqrt(2 * std::log(5000.0)), 1e-13));
    CHECK_THAT(flow.drift(t), WithinRel(-1 / (1 - t), 1e-14));
    CHECK_THAT(std::pow(flow.diffusion(t), 2), WithinRel(2 * t / (1 - t), 1e-13));
    CHECK_THAT(std::pow(turn.diffusion(t), 2), WithinRel(pi * std::tan(pi * t / 2), 1e-13));
  }
  const process::Edm edm(schedule::Edm({.min = 0.002, .max = 80}, 1));  // sigma in a line
  const double sigma = 0.002 + 0.3 * 79.998;
  CHECK_THAT(std::pow(edm.diffusion(0.3), 2), WithinRel(2 * sigma * 79.998, 1e-12));
  CHECK(ve.prior_sigma() == 50);
  CHECK(edm.prior_sigma() == 80);
  CHECK(flow.prior_sigma() == 1);
}

TEST_CASE("process: flow and reverse SDEs carry Gaussian data along its marginals",
          "[diffusion][process]") {
  for_each_process([](const auto& p) { check_transport(p); });
}

TEST_CASE("process: velocity and score of a known path", "[diffusion][process]") {
  const process::Affine p(Grown{});
  const Tensor<double> x0({1, 2}, {0.7, -1.2}), eps({1, 2}, {-0.4, 1.9});
  const double t = 0.3, h = 1e-5;
  const Level l = p.at(t);
  const auto x = p.marginal(x0, eps, l), velocity = p.velocity(x0, eps, t);
  const auto before = p.marginal(x0, eps, p.at(t - h)), after = p.marginal(x0, eps, p.at(t + h));
  const auto score = p.score(x, x0, l), flow = p.flow(x, x0, t), back = p.reverse_drift(x, x0, t);
  for (Index i = 0; i < 2; ++i) {
    CHECK_THAT(x[i], WithinAbs(l.alpha * x0[i] + l.sigma * eps[i], 1e-15));
    CHECK_THAT(velocity[i], WithinAbs((after[i] - before[i]) / (2 * h), 1e-9));
    CHECK_THAT(score[i], WithinAbs(-eps[i] / l.sigma, 1e-13));
    CHECK_THAT(flow[i], WithinAbs(velocity[i], 1e-13));  // x tells eps, given x0
    const double g2 = std::pow(p.diffusion(t), 2);
    CHECK_THAT(flow[i], WithinAbs(p.drift(t) * x[i] - 0.5 * g2 * score[i], 1e-12));
    CHECK_THAT(back[i], WithinAbs(p.drift(t) * x[i] - g2 * score[i], 1e-12));
  }
  CHECK_THROWS_AS(p.score(x, x0, p.at(0)), ArgumentError);
  CHECK_THROWS_AS(p.flow(x, x0, 0), ArgumentError);
}

TEST_CASE("process: levels of samples and of groups", "[diffusion][process]") {
  const process::Affine p(Grown{});
  const std::vector<Level> levels{p.at(0.1), p.at(0.2), p.at(0.3), p.at(0.4)};
  const auto x0 = Rng(1).normal<double>({2, 6}), eps = Rng(2).normal<double>({2, 6});
  const auto x = p.marginal(x0, eps, Levels(levels, 2));
  const auto score = p.score(x, x0, Levels(levels, 2));
  for (Index i = 0; i < 12; ++i) {
    const Level& l = levels[static_cast<std::size_t>(i / 3)];
    CHECK_THAT(x[i], WithinAbs(l.alpha * x0[i] + l.sigma * eps[i], 1e-15));
    CHECK_THAT(score[i], WithinAbs(-eps[i] / l.sigma, 1e-11));
  }
  CHECK_THROWS_AS(p.marginal(x0, eps, levels), ShapeError);
}

TEST_CASE("process: finite at the ends or refused", "[diffusion][process]") {
  const process::VariancePreserving vp(schedule::Linear{});
  CHECK_THAT(vp.diffusion(0), WithinRel(std::sqrt(0.1), 1e-14));
  CHECK_THAT(vp.drift(1), WithinRel(-10.0, 1e-14));
  const process::RectifiedFlow flow;
  CHECK(flow.diffusion(0) == 0);
  CHECK(flow.drift(1) == -std::numeric_limits<double>::infinity());
  CHECK(flow.diffusion(1) == std::numeric_limits<double>::infinity());
  const Tensor<double> x({1, 1}, 0.5), x0({1, 1}, 0.2);
  CHECK_THAT(flow.flow(x, x0, 1).item(), WithinAbs(0.5 - 0.2, 1e-15));
  CHECK_THAT(flow.velocity(x0, x, 0).item(), WithinAbs(0.5 - 0.2, 1e-15));
  CHECK_THROWS_AS(flow.reverse_drift(x, x0, 1), ArgumentError);
  CHECK_THROWS_AS(process::Affine(Root{}).velocity(x, x0, 0), ArgumentError);
  const process::Affine grown(Grown{});
  CHECK(grown.diffusion(0) == 0);
  CHECK(grown.drift(0) == -1);
  CHECK_THROWS_AS(process::Affine(Root{}).diffusion(0), NumericError);
}

TEST_CASE("process: the prior has its variance and density", "[diffusion][process]") {
  const process::Affine p(Grown{});  // sigma(1) = 2
  const auto x = p.prior<double>({200, 50}, Rng(3), 7);
  CHECK(x == affine(2, Rng(3).normal<double>({200, 50}, 7), 0, x));
  // N(0, 4) in one dimension at 0, and at (3, 4): -25 / 8 below two of it
  const double top = p.prior_logp(Tensor<double>({1, 1}, 0.0)).item();
  CHECK_THAT(top, WithinAbs(-0.5 * std::log(2 * pi * 4), 1e-14));
  CHECK_THAT(p.prior_logp(Tensor<float>({1, 2}, {3.f, 4.f})).item(),
             WithinAbs(2 * top - 25 / 8.0, 1e-14));
  CHECK_THROWS_AS(p.prior_logp(Tensor<float>(Shape{})), ShapeError);
}

TEST_CASE("process: a variance preserving prior is standard normal", "[diffusion][process]") {
  const process::VariancePreserving p(schedule::Linear{});
  CHECK(p.prior<double>({20, 50}, Rng(3), 7) == Rng(3).normal<double>({20, 50}, 7));
  CHECK_THAT(p.prior_logp(Tensor<double>({1, 2}, {3, 4})).item(),
             WithinAbs(-std::log(2 * pi) - 12.5, 1e-14));
}
