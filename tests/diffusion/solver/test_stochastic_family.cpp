// Covers: dpm_sde er_sde sa_solver
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_sde.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/er_sde.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <functional>

using namespace foglift;
using namespace foglift::solver;

namespace {

/// int_a^b f by Simpson's rule with 4000 cells: an error of some (b - a)^5 / 4000^4 = 1e-12.
double integral(const std::function<double(double)>& f, double a, double b) {
  double sum = 0;
  const double h = (b - a) / 4000;
  for (int i = 0; i < 4000; ++i)
    sum += h / 6 * (f(a + h * i) + 4 * f(a + h * (i + 0.5)) + f(a + h * (i + 1)));
  return sum;
}

double lagrange(const std::vector<double>& nodes, std::size_t j, double u) {
  double value = 1;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (i != j) value *= (u - nodes[i]) / (nodes[j] - nodes[i]);
  return value;
}

/// SA-Solver as published (Xue et al. 2023, eq. 15 to 18): predictor of P outputs, corrector of C
/// with the output at the end among them and the same noise; k = 1 + tau^2.
double sa_by_hand(std::size_t P, std::size_t C, double tau, double x, const TimeGrid& g) {
  std::vector<double> m, l;
  double corrected = x;
  const double k = 1 + tau * tau;
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    const Level &from = g[i], &to = g[i + 1];
    m.insert(m.begin(), runs::denoised(runs::mixture(), x, from));
    l.insert(l.begin(), from.lambda());
    if (i > 0 && C > 0) {
      // The step before again, from its corrected state, now with the output at its end.
      const Level& before = g[i - 1];
      const std::size_t used = 1 + std::min(C - 1, i);
      const std::vector<double> nodes(l.begin(), l.begin() + static_cast<std::ptrdiff_t>(used));
      const double a = before.lambda(), b = from.lambda();
      double y = std::exp(-tau * tau * (b - a)) * from.sigma / before.sigma * corrected;
      for (std::size_t j = 0; j < used; ++j)
        y += m[j] * k * from.sigma * std::exp(-tau * tau * b) *
             integral([&](double u) { return std::exp(k * u) * lagrange(nodes, j, u); }, a, b);
      corrected = y + from.sigma * std::sqrt(-std::expm1(-2 * tau * tau * (b - a))) *
                          (tau > 0 ? runs::normal(i - 1) : 0);
      // The corrected state is what the next step starts from; its output is that of the predicted
      // one.
      x = corrected;
    } else {
      corrected = x;
    }
    const std::size_t used = std::min(P, i + 1);
    const std::vector<double> nodes(l.begin(), l.begin() + static_cast<std::ptrdiff_t>(used));
    const double a = from.lambda(), b = to.lambda();
    double y = std::exp(-tau * tau * (b - a)) * to.sigma / from.sigma * x;
    for (std::size_t j = 0; j < used; ++j)
      y += m[j] * k * to.sigma * std::exp(-tau * tau * b) *
           integral([&](double u) { return std::exp(k * u) * lagrange(nodes, j, u); }, a, b);
    x = y + to.sigma * std::sqrt(-std::expm1(-2 * tau * tau * (b - a))) *
                (tau > 0 ? runs::normal(i) : 0);
  }
  return x;
}

/// ER-SDE by the integral of its docstring.
double er_by_hand(std::size_t stages, double x, const TimeGrid& g) {
  const auto phi = [](double s) { return s * (std::exp(std::pow(s, 0.3)) + 10); };
  const auto slope = [](double s) {
    return std::exp(std::pow(s, 0.3)) * (1 + 0.3 * std::pow(s, 0.3)) + 10;
  };
  std::vector<double> m, s;
  for (std::size_t i = 0; i + 1 < g.size(); ++i) {
    m.insert(m.begin(), runs::denoised(runs::mixture(), x, g[i]));
    s.insert(s.begin(), g[i].ratio());
    const double a = g[i].ratio(), b = g[i + 1].ratio(), r = phi(b) / phi(a);
    const std::size_t used = std::min(stages, i + 1);
    const std::vector<double> nodes(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(used));
    double z = r * x / g[i].alpha + std::sqrt(b * b - a * a * r * r) * runs::normal(i);
    for (std::size_t j = 0; j < used; ++j)
      z += m[j] * integral(
                      [&](double u) {
                        return phi(b) * slope(u) / phi(u) / phi(u) * lagrange(nodes, j, u);
                      },
                      b, a);
    x = g[i + 1].alpha * z;
  }
  return x;
}

const TimeGrid irregular = runs::irregular(verify::Family::variance_preserving, 9);

}  // namespace

TEST_CASE("sa-solver: runs as published", "[diffusion][solver]") {
  for (const double tau : {0.0, 0.6, 1.0, 1.3})
    for (const double x : {-1.2, 0.9}) {
      const TauInterval at{.inside = tau};
      const auto end = [&](const auto& solver) {
        return runs::end_of(solver, runs::mixture(), x, irregular);
      };
      CHECK_THAT(end(SaSolver<1, 0>{.tau = at}),
                 WithinAbs(sa_by_hand(1, 0, tau, x, irregular), 1e-10));
      CHECK_THAT(end(SaSolver<2, 2>{.tau = at}),
                 WithinAbs(sa_by_hand(2, 2, tau, x, irregular), 1e-10));
      CHECK_THAT(end(SaSolver<3, 4>{.tau = at}),
                 WithinAbs(sa_by_hand(3, 4, tau, x, irregular), 1e-10));
    }
}

TEST_CASE("sa-solver: what it is with tau 0 and tau 1", "[diffusion][solver]") {
  const auto gap = [&](const auto& a, const auto& b) {
    return runs::gap(a, b, runs::mixture(), irregular);
  };
  CHECK(gap(SaSolver<2, 0>{}, SdeDpmMulti<2, Weights::exact>{}) < 1e-13);
  CHECK(gap(SaSolver<3, 0>{}, SdeDpmMulti<3, Weights::exact>{}) < 1e-13);
  CHECK(gap(SaSolver<1, 0>{}, Ddim{.eta = 1}) < 1e-13);
  // Three outputs and four: UniPC's weights are then exact, but for the two of its first steps.
  CHECK(gap(SaSolver<3, 4>{.tau = {.inside = 0}},
            UniPc<3, Weights::exact>{.begin = Start::lower_order}) < 1e-13);
}

TEST_CASE("sa-solver: tau of an interval", "[diffusion][solver]") {
  // Steps that begin inside of the ratios are noisy, others are not: the run is one of each, in
  // turn.
  const SaSolver<1, 0> mixed{.tau = {.inside = 1, .min_ratio = 0.5, .max_ratio = 2}};
  Run<SaSolver<1, 0>, double> run(mixed, irregular);
  Tensor<double> x({2, 1}, {0.3, -1});
  int noisy = 0;
  for (std::size_t i = 0; i + 1 < irregular.size(); ++i) {
    const bool inside = irregular[i].ratio() >= 0.5 && irregular[i].ratio() <= 2;
    const auto expected = Ddim{.eta = inside ? 1.0 : 0.0}.step(x, irregular[i], irregular[i + 1],
                                                               runs::mixture(), runs::step_rng(i));
    x = run.step(std::move(x), irregular[i], irregular[i + 1], runs::mixture(), runs::step_rng(i));
    for (Index b = 0; b < 2; ++b) CHECK_THAT(x[b], WithinAbs(expected[b], 1e-13));
    noisy += inside;
  }
  CHECK(noisy > 1);
  CHECK(noisy < 8);
}

TEST_CASE("sa-solver: measured orders", "[diffusion][solver]") {
  // Relative errors of the variance as tabulated: weak order 2 for two and three outputs, at tau
  // = 1.
  CHECK_THAT(verify::weak_order(SaSolver<1, 0>{}).slope(), WithinAbs(1, 0.1));
  CHECK(verify::weak_order(SaSolver<2, 0>{}).slope() > 1.9);
  CHECK(verify::weak_order(SaSolver<3, 0>{}).slope() > 1.9);
  CHECK(verify::weak_order(SaSolver<2, 2>{}).slope() > 1.9);
  CHECK(verify::weak_order(SaSolver<3, 4>{}).slope() > 1.9);
  // Without noise, exact starts: min(P + 1, C).
  const auto order = [](const auto& solver) {
    return verify::order(solver, {.exact_starts = 3}).slope();
  };
  CHECK_THAT(order(SaSolver<2, 3>{.tau = {.inside = 0}}), WithinAbs(3, 0.2));
  CHECK(order(SaSolver<3, 4>{.tau = {.inside = 0}}) > 3.3);
}

TEST_CASE("er-sde: runs by quadrature", "[diffusion][solver]") {
  for (const double x : {-1.2, 0.9}) {
    const auto end = [&](const auto& solver) {
      return runs::end_of(solver, runs::mixture(), x, irregular);
    };
    CHECK_THAT(end(ErSde<1>{}), WithinAbs(er_by_hand(1, x, irregular), 1e-10));
    CHECK_THAT(end(ErSde<2>{}), WithinAbs(er_by_hand(2, x, irregular), 1e-10));
    CHECK_THAT(end(ErSde<3>{}), WithinAbs(er_by_hand(3, x, irregular), 1e-10));
  }
  CHECK_THAT(verify::weak_order(ErSde<1>{}).slope(), WithinAbs(1, 0.1));
  CHECK(verify::weak_order(ErSde<2>{}).slope() > 1.9);
  CHECK(verify::weak_order(ErSde<3>{}).slope() > 1.9);
}

TEST_CASE("dpm sde: one step by hand, with noises of one path", "[diffusion][solver]") {
  // Exact increments of x / sigma e^lambda in the clock e^(2 lambda): z_0 and z_1 over the halves.
  const Level from = verify::level(verify::Family::flow, 2.0),
              to = verify::level(verify::Family::flow, 0.7);
  const double h = to.lambda() - from.lambda();
  const Level mid = verify::level(verify::Family::flow, std::sqrt(2.0 * 0.7));
  const double z0 = runs::normal(3, 0), z1 = runs::normal(3, 1);
  for (const double x : {-0.8, 1.1}) {
    const double m0 = runs::denoised(runs::mixture(), x, from);
    // eta = 1: H = 2 h.
    const double x1 = mid.sigma / from.sigma * std::exp(-h / 2) * x -
                      mid.alpha * std::expm1(-h) * m0 + mid.sigma * std::sqrt(-std::expm1(-h)) * z0;
    const double m1 = runs::denoised(runs::mixture(), x1, mid);
    const double whole = std::sqrt(-std::expm1(-2 * h)), late = std::sqrt(-std::expm1(-h));
    // Noise of the first half is carried on by sigma' / sigma e^(-h / 2) over the second.
    const double carried = std::exp(-h / 2) * late;
    CHECK_THAT(carried * carried + late * late, WithinAbs(whole * whole, 1e-14));
    const double base = to.sigma / from.sigma * std::exp(-h) * x;
    const double e = -std::expm1(-2 * h), phi2 = 1 - e / (2 * h);
    const double exact =
        base + to.alpha * (e * m0 + phi2 * (m1 - m0) / 0.5) + to.sigma * (carried * z0 + late * z1);
    const double midpoint = base + to.alpha * e * m1 + to.sigma * (carried * z0 + late * z1);
    const Tensor<double> start({1, 1}, x);
    CHECK_THAT(DpmSde<>{}.step(start, from, to, runs::mixture(), runs::step_rng(3)).item(),
               WithinAbs(exact, 1e-13));
    CHECK_THAT(DpmSde<Weights::midpoint>{}
                   .step(start, from, to, runs::mixture(), runs::step_rng(3))
                   .item(),
               WithinAbs(midpoint, 1e-13));
    const double independent = base + to.alpha * e * m1 + to.sigma * whole * z1;
    CHECK_THAT((DpmSde<Weights::midpoint, StageNoise::independent>{}
                    .step(start, from, to, runs::mixture(), runs::step_rng(3))
                    .item()),
               WithinAbs(independent, 1e-13));
    const double without =
        DpmSde<>{.eta = 0}.step(start, from, to, runs::mixture(), runs::step_rng(3)).item();
    CHECK_THAT(without, WithinAbs((DpmSingle<2, Weights::exact>{}
                                       .step(start, from, to, runs::mixture(), runs::step_rng(3))
                                       .item()),
                                  1e-13));
  }
}

TEST_CASE("dpm sde: weak order 2 needs one path", "[diffusion][solver]") {
  // Tabulated at 320 steps, midpoint weights: 3.6e-5 and slope 2.06 with one path, 1.6e-2 and 0.97
  // with independent noises.
  const auto path = verify::weak_order(DpmSde<Weights::midpoint>{}),
             apart = verify::weak_order(DpmSde<Weights::midpoint, StageNoise::independent>{});
  CHECK(path.slope() > 1.9);
  CHECK_THAT(apart.slope(), WithinAbs(1, 0.1));
  CHECK(apart.errors.back() < 1.5 * 1.6e-2);
  CHECK(apart.errors.back() > 1.6e-2 / 1.5);
  CHECK(verify::weak_order(DpmSde<>{}).slope() > 1.9);
  CHECK(path.errors.back() < 1e-3);
}
