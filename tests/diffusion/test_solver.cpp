// Covers: ddim ddpm heun solver transfer
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using solver::Ddim, solver::Ddpm, solver::EulerAncestral, solver::Heun;

namespace {

constexpr auto small = Ddpm::Variance::small, large = Ddpm::Variance::large;

// Archetypes: the least that is a solver for one denoiser, and things that are not.
struct Identity {
  Tensor<double> operator()(const Tensor<double>& x, const Level&) const { return x; }
};
struct Least {
  static constexpr const char* name = "least";
  static constexpr int order = 0, weak_order = 0, evaluations = 0;
  Tensor<double> step(Tensor<double> x, const Level&, const Level&, const Identity&,
                      const StepRng&) const {
    return x;
  }
};
struct NoConstants {
  Tensor<double> step(Tensor<double> x, const Level&, const Level&, const Identity&,
                      const StepRng&) const {
    return x;
  }
};
static_assert(Solver<Least, Identity, double> && !Solver<NoConstants, Identity, double>);
static_assert(Solver<Heun, analytic::Mixture, float> && !Solver<Heun, int, float>);

// The mixture and the range of lambda on which the orders of many solvers are tabulated.
const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
const double most = std::exp(2.5);
const grid::RatioRange range{.min = 1 / most, .max = most, .end = grid::Last::keep};
const Tensor<double> starts({4, 1}, {-1.8, -0.3, 0.4, 1.5});

template <class S>
Tensor<double> integrate(S solver, const analytic::Mixture& d, Tensor<double> x,
                         const TimeGrid& g) {
  for (std::size_t i = 0; i + 1 < g.size(); ++i)
    x = solver.step(std::move(x), g[i], g[i + 1], d, StepRng(Rng(1), 0, static_cast<Index>(i)));
  return x;
}

/// The probability-flow ODE by the classical Runge-Kutta rule, with z = x / alpha: dz/dlambda = x0(
/// alpha z) - z. 4000 steps of h = 1/800: error below h^4 = 2e-12 times derivatives of order 1.
Tensor<double> exact(const analytic::Mixture& d, Tensor<double> x) {
  const auto level = [](double lambda) {
    const double s = std::exp(-lambda), alpha = 1 / std::sqrt(1 + s * s);
    return Level{0.5, alpha, s * alpha};
  };
  for (Index b = 0; b < x.size(); ++b) {
    const auto slope = [&](double lambda, double z) {
      const Level l = level(lambda);
      return d(Tensor<double>({1, 1}, l.alpha * z), l).item() - z;
    };
    const int n = 4000;
    const double h = 5.0 / n;
    double z = x[b] / level(-2.5).alpha;
    for (int i = 0; i < n; ++i) {
      const double at = -2.5 + h * i, k1 = slope(at, z), k2 = slope(at + h / 2, z + h / 2 * k1),
                   k3 = slope(at + h / 2, z + h / 2 * k2), k4 = slope(at + h, z + h * k3);
      z += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    x[b] = z * level(2.5).alpha;
  }
  return x;
}

template <class S, class MakeGrid>
double error(S solver, Index n, const MakeGrid& make) {
  static const Tensor<double> reference = exact(mixture, starts);
  const auto x = integrate(solver, mixture, starts, make(n));
  double worst = 0;
  for (Index i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - reference[i]));
  return worst;
}

/// log2 of the fall of the error from 80 to 160 steps.
template <class S, class MakeGrid>
double order(S solver, const MakeGrid& make) {
  return std::log2(error(solver, 80, make) / error(solver, 160, make));
}

/// One step on Gaussian data is x' = a x + b + c z: its coefficients, read off exact steps.
struct Line {
  double a, b, c;
  template <class S>
  Line(S solver, const analytic::Gaussian& d, const Level& from, const Level& to) {
    const auto step = [&](double x, Index seed) {
      return solver.step(Tensor<double>({1, 1}, x), from, to, d, StepRng(Rng(5), 0, seed)).item();
    };
    const auto z = [](Index seed) {
      return StepRng(Rng(5), 0, seed).normal<double>({1, 1}).item();
    };
    a = step(1, 0) - step(0, 0);
    c = (step(0, 0) - step(0, 1)) / (z(0) - z(1));
    b = step(0, 0) - c * z(0);
  }
};

struct Moments {
  double mean, variance;
};

/// Mean and variance after all steps of a grid, from those at its front: no Monte Carlo.
template <class S>
Moments propagate(S solver, const analytic::Gaussian& d, Moments m, const TimeGrid& g) {
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const Line line(solver, d, g[i], g[i + 1]);
    m = {line.a * m.mean + line.b, line.a * line.a * m.variance + line.c * line.c};
  }
  return m;
}

}  // namespace

TEST_CASE("solver: measured order is the documented one", "[diffusion][solver]") {
  const schedule::Linear s;
  const auto uniform = [&](Index n) { return grid::log_snr(s, n, range); };
  const auto karras = [&](Index n) { return grid::karras(s, n, range); };
  // Tolerance of the last doubling: next-order terms are a few percent of the leading one.
  const auto check = [&](auto solver, double tolerance) {
    CHECK_THAT(order(solver, uniform), WithinAbs(decltype(solver)::order, tolerance));
    CHECK_THAT(order(solver, karras), WithinAbs(decltype(solver)::order, tolerance));
  };
  check(Ddim{}, 0.1);
  check(EulerAncestral{.eta = 0}, 0.1);
  check(Heun{}, 0.2);
}

TEST_CASE("solver: first-order noisy solvers are one in disguise", "[diffusion][solver]") {
  // Against the published step in alpha_bar, on a coarse sub-grid: coefficients of order 1, so a
  // few dozen roundings.
  const auto s = DiscreteSchedule::linear(1000);
  const auto x = Rng(3).normal<double>({6, 1});
  const StepRng rng(Rng(4), 11, 2);
  const auto z = rng.normal<double>({6, 1});
  for (const auto& [i, j] : {std::pair{999, 899}, {500, 123}, {123, 1}, {7, 6}}) {
    const Level from = s.step(i), to = s.step(j);
    const double bar_s = s.alpha_bar(i), bar_t = s.alpha_bar(j), beta = 1 - bar_s / bar_t;
    const double variance[] = {beta * (1 - bar_t) / (1 - bar_s), beta};
    const auto x0 = mixture(x, from);
    const auto a = Ddpm{small}.step(x, from, to, mixture, rng),
               b = Ddim{.eta = 1}.step(x, from, to, mixture, rng),
               c = EulerAncestral{}.step(x, from, to, mixture, rng),
               wide = Ddpm{large}.step(x, from, to, mixture, rng);
    for (Index k = 0; k < 6; ++k) {
      const double mean = std::sqrt(bar_t) * beta / (1 - bar_s) * x0[k] +
                          std::sqrt(bar_s / bar_t) * (1 - bar_t) / (1 - bar_s) * x[k];
      CHECK_THAT(a[k], WithinAbs(mean + std::sqrt(variance[0]) * z[k], 1e-12));
      CHECK_THAT(wide[k], WithinAbs(mean + std::sqrt(variance[1]) * z[k], 1e-12));
      CHECK_THAT(b[k], WithinAbs(a[k], 1e-14));
      CHECK_THAT(c[k], WithinAbs(a[k], 1e-14));
    }
  }
}

TEST_CASE("solver: ddim with eta against its published form", "[diffusion][solver]") {
  const auto s = DiscreteSchedule::scaled_linear(1000);
  const auto x = Rng(3).normal<double>({4, 1});
  const StepRng rng(Rng(4), 0, 0);
  const auto z = rng.normal<double>({4, 1});
  for (const double eta : {0.0, 0.3, 0.8}) {
    const double from = s.alpha_bar(700), to = s.alpha_bar(300);
    const double spread = eta * std::sqrt((1 - to) / (1 - from)) * std::sqrt(1 - from / to);
    const auto x0 = mixture(x, s.step(700)),
               y = Ddim{eta}.step(x, s.step(700), s.step(300), mixture, rng);
    for (Index k = 0; k < 4; ++k) {
      const double eps = (x[k] - std::sqrt(from) * x0[k]) / std::sqrt(1 - from);
      const double expected =
          std::sqrt(to) * x0[k] + std::sqrt(1 - to - spread * spread) * eps + spread * z[k];
      CHECK_THAT(y[k], WithinAbs(expected, 1e-13));
    }
  }
  CHECK_THROWS_AS(Ddim{1.5}.step(x, s.step(7), s.step(3), mixture, rng), ArgumentError);
  CHECK_THROWS_AS(EulerAncestral{.eta = -1}.step(x, s.step(7), s.step(3), mixture, rng),
                  ArgumentError);
}

TEST_CASE("solver: heun against its published form in ratio coordinates", "[diffusion][solver]") {
  // Published for alpha = 1; for other alpha the step is taken on x / alpha.
  const StepRng rng(Rng(1), 0, 0);
  for (const double alpha : {1.0, 0.3}) {
    const double s = 2.5, t = 1.1;
    const Level from{0.7, alpha, alpha * s}, to{0.5, 2 * alpha, 2 * alpha * t};
    for (const double z : {-3.0, 0.2, 4.0}) {
      const auto x0 = [&](double at, double ratio) {
        return mixture(Tensor<double>({1, 1}, at), Level{0, 1, ratio}).item();
      };
      const double d = (z - x0(z, s)) / s, end = z + (t - s) * d, d_end = (end - x0(end, t)) / t;
      const double expected = z + (t - s) * (d + d_end) / 2;
      const double y = Heun{.least_ratio = 0}
                           .step(Tensor<double>({1, 1}, alpha * z), from, to, mixture, rng)
                           .item();
      CHECK_THAT(y, WithinAbs(2 * alpha * expected, 1e-13));
    }
  }
}

TEST_CASE("solver: weak order from exact moments of Gaussian data", "[diffusion][solver]") {
  // N(0.7, 0.5^2), alpha = 1, sigma from 10 to 0.05 in equal ratios: published relative variance
  // errors at 320 steps are 1.6e-2 (small) and 1.7e-2 (large), slopes 0.98 and 1.02.
  const auto d = analytic::gaussian({.mean = 0.7, .variance = 0.25});
  const auto variance_error = [&](auto solver, Index n) {
    TimeGrid g;
    for (Index i = 0; i <= n; ++i)
      g.push_back({0, 1, 10 * std::pow(0.005, static_cast<double>(i) / static_cast<double>(n))});
    const Moments m = propagate(solver, d, {0.7, 100.25}, g);
    return std::abs(m.variance / 0.2525 - 1);
  };
  const auto check = [&](auto solver, double published) {
    const double coarse = variance_error(solver, 160), fine = variance_error(solver, 320);
    CHECK_THAT(std::log2(coarse / fine), WithinAbs(decltype(solver)::weak_order, 0.1));
    CHECK(fine < 1.5 * published);
    CHECK(fine > published / 1.5);
  };
  check(Ddpm{small}, 1.6e-2);
  check(Ddpm{large}, 1.7e-2);
  check(Ddim{.eta = 1}, 1.6e-2);
  check(EulerAncestral{}, 1.6e-2);
}

TEST_CASE("solver: ancestral variances are exact where documented", "[diffusion][solver]") {
  const TimeGrid g = grid::uniform(schedule::Cosine{}, 7);
  const auto standard = analytic::gaussian({.mean = 0, .variance = 1});
  const auto point = analytic::gaussian({.mean = 1.5, .variance = 0});
  Moments wide{0, 1}, narrow{0, 1};
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const TimeGrid step{g[i], g[i + 1]};
    narrow = propagate(Ddpm{small}, point, narrow, step);
    CHECK_THAT(narrow.mean, WithinAbs(g[i + 1].alpha * 1.5, 1e-13));
    CHECK_THAT(narrow.variance, WithinAbs(g[i + 1].sigma * g[i + 1].sigma, 1e-13));
    if (i + 2 == g.size()) break;  // no noise is added on the way to clean data
    wide = propagate(Ddpm{large}, standard, wide, step);
    CHECK_THAT(wide.variance, WithinAbs(1, 1e-13));
  }
}

TEST_CASE("solver: noise-free steps follow the exact flow of Gaussian data",
          "[diffusion][solver]") {
  // x_t = alpha_t m + sqrt((alpha_t^2 v + sigma_t^2) / (alpha_s^2 v + sigma_s^2)) (x_s - alpha_s
  // m). Second order: 400 steps of Heun leave about 1e-5 of it (0.5 / 400^2 times a few units).
  const auto d = analytic::gaussian({.mean = 2, .variance = 0.25});
  const TimeGrid g =
      grid::log_snr(schedule::Cosine{}, 400, {.min = 0.01, .max = 50, .end = grid::Last::keep});
  Moments m{0, 1};
  m = propagate(Heun{}, d, m, g);
  const auto variance = [](const Level& l) { return l.alpha * l.alpha * 0.25 + l.sigma * l.sigma; };
  const double scale = std::sqrt(variance(g.back()) / variance(g.front()));
  CHECK_THAT(m.mean, WithinAbs(2 * g.back().alpha - scale * 2 * g.front().alpha, 1e-4));
  CHECK_THAT(std::sqrt(m.variance), WithinRel(scale, 1e-4));
}

TEST_CASE("solver: finite from pure noise and to clean data", "[diffusion][solver]") {
  const Level noise{1, 0, 1}, middle{0.5, 0.7, 0.7};
  const StepRng rng(Rng(1), 0, 0);
  const auto x = Rng(2).normal<float>({16, 1});
  const auto check = [&](auto solver) {
    for (const auto& [from, to] :
         {std::pair{noise, middle}, {middle, grid::clean}, {noise, grid::clean}}) {
      const auto y = solver.step(x, from, to, mixture, rng);
      for (const float v : y) CHECK(std::isfinite(v));
      if (to == grid::clean) {  // the posterior mean itself, without noise
        const auto x0 = mixture(x, from);
        for (Index i = 0; i < 16; ++i) CHECK_THAT(y[i], WithinAbs(x0[i], 1e-7));
      }
    }
  };
  check(Ddpm{small});
  check(Ddpm{large});
  check(Ddim{});
  check(Ddim{.eta = 1});
  check(EulerAncestral{.eta = 2, .noise_scale = 1.1});
  check(Heun{});
}

TEST_CASE("step rng: draws are independent and keyed by sample and step", "[diffusion][solver]") {
  const Rng rng(6);
  const auto all = StepRng(rng, 0, 3).normal<float>({33, 5});
  CHECK(StepRng(rng, 30, 3).normal<float>({3, 5}) == all.rows(30, 3));
  CHECK_FALSE(StepRng(rng, 0, 4).normal<float>({33, 5}) == all);
  CHECK_FALSE(StepRng(rng, 0, 3).normal<float>({33, 5}, 1) == all);
}
