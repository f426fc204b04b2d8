// Covers: adaptive_dpm
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/adaptive_dpm.hpp"
#include "foglift/diffusion/verify/problem.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

using namespace foglift;
using solver::AdaptiveDpm, solver::StepReport;

namespace {

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
const Level high{1, 0.02, std::sqrt(1 - 4e-4)}, low{0.1, std::sqrt(1 - 4e-4), 0.02};
const Tensor<double> noise({4, 1}, {-1.8, -0.3, 0.4, 1.5});

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

template <class S, class D>
Tensor<double> solve(S solver, const D& denoise, const TimeGrid& grid, Tensor<double> x = noise) {
  Run<S, double> run(solver, grid);
  for (std::size_t i = 0; i + 1 < grid.size(); ++i)
    x = run.step(std::move(x), grid[i], grid[i + 1], denoise,
                 StepRng(Rng(0), 0, static_cast<Index>(i)));
  return x;
}

/// x0 = a + b lambda, whatever x is.
struct Line {
  double a, b;
  Tensor<double> operator()(const Tensor<double>& x, const Levels& levels) const {
    Tensor<double> out(x.shape());
    for (Index i = 0; i < x.dim(0); ++i) out[i] = a + b * levels[i].lambda();
    return out;
  }
};

/// One attempt of length h from lambda = 0.2 at z = 0.7 with x0 = f(lambda, z).
template <int Order, class F>
std::array<double, 3> attempt(const F& f, double h, double rtol = 0, double atol = 1) {
  const auto output = [&](const std::vector<Index>&, const std::vector<double>& lambda,
                          const Tensor<double>& z) {
    return Tensor<double>({1, 1}, f(lambda[0], z[0]));
  };
  solver::AdaptiveDpmState state;
  state.begin(1);
  solver::detail::DpmPair<Order, decltype(output)> pair(output, {}, rtol, atol, 1, state);
  const solver::detail::ActiveRows rows{{0}, {0.2}, {h}};
  pair.attempt(rows, Tensor<double>({1, 1}, 0.7));
  const auto [accept, factor] = pair.verdict(0, 0);
  return {pair.next()[0], factor, accept ? 1.0 : 0.0};
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("adaptive dpm: one attempt is exact for lines and of its order",
                       "[diffusion][adaptive]", ((int Order), Order), 2, 3) {
  // dz/dlambda = a + b lambda - z from z = 0.7 at 0.2: z = p + (0.7 - p(0.2)) e^-h with the
  // particular solution p = a - b + b lambda.
  const double h = 0.6, a = 0.5, b = -1.5;
  const auto line = attempt<Order>([&](double l, double) { return a + b * l; }, h);
  const auto p = [&](double l) { return a - b + b * l; };
  CHECK_THAT(line[0], WithinAbs(p(0.2 + h) + (0.7 - p(0.2)) * std::exp(-h), 1e-14));
  // x0 = z + z cos(lambda): z = 0.7 e^(sin - sin 0.2). Local errors h^(order + 1).
  const auto error = [&](double step) {
    const auto z = attempt<Order>([](double l, double x) { return x + x * std::cos(l); }, step);
    return std::abs(z[0] - 0.7 * std::exp(std::sin(0.2 + step) - std::sin(0.2)));
  };
  CHECK_THAT(std::log2(error(0.02) / error(0.01)), WithinAbs(Order + 1, 0.1));
}

TEMPLATE_TEST_CASE_SIG("adaptive dpm: the estimate is the pair's difference",
                       "[diffusion][adaptive]", ((int Order), Order), 2, 3) {
  // x0 = lambda^(Order - 1) is missed by the lower rule alone (order 2), or by both (order 3).
  const double h = 0.5;
  const auto power = [](double l, double) { return Order == 2 ? l : l * l; };
  // By hand, with I_n = int_0^h e^-(h - s) s^n ds: I_0 = 1 - e^-h, I_1 = h - I_0.
  const double keep = std::exp(-h), i0 = 1 - keep, i1 = h - i0;
  const auto rule = [&](double r) {  // the line through the outputs at 0.2 and 0.2 + r h
    const double m0 = power(0.2, 0), slope = r > 0 ? (power(0.2 + r * h, 0) - m0) / (r * h) : 0;
    return 0.7 * keep + i0 * m0 + i1 * slope;
  };
  const double lower = rule(Order == 2 ? 0 : 1.0 / 3), higher = rule(Order == 2 ? 0.5 : 2.0 / 3);
  const double to = 1 / std::hypot(1.0, std::exp(-(0.2 + h)));  // x / norm from z
  const double raw = to * std::abs(lower - higher), error = raw / 0.01;
  const auto found = attempt<Order>(power, h, 0, 0.01);
  CHECK_THAT(found[0], WithinAbs(higher, 1e-14));
  CHECK_THAT(found[1], WithinAbs(1 + std::atan(std::pow(error, -1.0 / Order) - 1), 1e-6));
  // It counts where the factor is 0.81 or more: f = 1 + tan(0.81 - 1).
  const double just = raw * std::pow(1 + std::tan(-0.19), Order);
  CHECK(attempt<Order>(power, h, 0, just * 1.001)[2] == 1);
  CHECK(attempt<Order>(power, h, 0, just * 0.999)[2] == 0);
  // Relative to the larger of the state before, 0.7 here, and the lower rule's after.
  const double before = 0.7 / std::hypot(1.0, std::exp(-0.2));
  const double size = std::max(before, to * std::abs(lower));
  const double relative = raw / (0.02 * size);
  CHECK_THAT(attempt<Order>(power, h, 0.02, 1e-9)[1],
             WithinAbs(1 + std::atan(std::pow(relative, -1.0 / Order) - 1), 1e-6));
  CHECK(before > to * std::abs(lower));
}

TEST_CASE("adaptive dpm: the controller looks at two errors before", "[diffusion][adaptive]") {
  // Errors that are known: x0 = c lambda has the difference of the pair proportional to c.
  double c = 1;
  const auto output = [&](const std::vector<Index>&, const std::vector<double>& lambda,
                          const Tensor<double>&) { return Tensor<double>({1, 1}, c * lambda[0]); };
  solver::AdaptiveDpmState state;
  state.begin(1);
  const double p = 0.2, i = 0.3, d = 0.1;
  const solver::StepController pid{p, i, d};
  solver::detail::DpmPair<2, decltype(output)> pair(output, pid, 0, 0.1, 1, state);
  const solver::detail::ActiveRows rows{{0}, {0}, {0.5}};
  std::vector<double> inverse;
  const double unit = 0.5 - (1 - std::exp(-0.5));  // I_1 of the test before
  for (const double size : {1.0, 0.7, 0.5, 0.9}) {
    c = size;
    pair.attempt(rows, Tensor<double>({1, 1}, 0.0));
    inverse.push_back(0.1 / (size * unit / std::hypot(1.0, std::exp(-0.5))));
    const auto verdict = pair.verdict(0, 0);
    const auto back = [&](std::size_t k) {
      return inverse.size() > k ? inverse[inverse.size() - 1 - k] : inverse[0];
    };
    const double f = std::pow(back(0), (p + i + d) / 2) * std::pow(back(1), -(p + 2 * d) / 2) *
                     std::pow(back(2), d / 2);
    CHECK(verdict.accept);
    CHECK_THAT(verdict.factor, WithinAbs(1 + std::atan(f - 1), 1e-6));
  }
}

TEMPLATE_TEST_CASE_SIG("adaptive dpm: follows the flow to the tolerance", "[diffusion][adaptive]",
                       ((int Order), Order), 2, 3) {
  const auto exact = verify::exact_flow(mixture, noise, high, low);
  Index before = 0;
  for (const double tolerance : {1e-3, 1e-5, 1e-6}) {
    StepReport report;
    const auto x =
        solve(AdaptiveDpm<Order>{.rtol = tolerance, .atol = tolerance, .report = &report}, mixture,
              {high, low});
    // Accepted local errors, some 1.5 tolerances in some hundred steps, stretched by the flow.
    CHECK(distance(x, exact) < 50 * tolerance);
    CHECK(report.evaluations[0] == Order * (report.accepted[0] + report.rejected[0]));
    CHECK(report.evaluations[0] > before);
    before = report.evaluations[0];
    const auto up = solve(AdaptiveDpm<Order>{.rtol = tolerance, .atol = tolerance}, mixture,
                          {low, high}, exact);
    CHECK(distance(up, noise) < 50 * tolerance);
  }
  StepReport report;
  const auto x = solve(AdaptiveDpm<Order>{.report = &report}, mixture, {high, low});
  CHECK(distance(x, exact) < 0.3);
  for (const Index n : report.evaluations) CHECK(n < 120);
}

TEST_CASE("adaptive dpm: starts at pure noise and ends at clean data", "[diffusion][adaptive]") {
  // A Gaussian of variance v: z at clean data is m + sqrt(v) x at pure noise.
  const auto data = analytic::gaussian({.mean = 0.5, .variance = 0.3});
  const Level pure{1, 0, 1}, clean{0, 1, 0};
  StepReport report;
  const AdaptiveDpm<3> solver{.rtol = 1e-6, .atol = 1e-6, .report = &report};
  std::vector<Level> seen;
  const Alike watching([&](const Tensor<double>& x, const Levels& levels) {
    for (Index b = 0; b < x.dim(0); ++b) seen.push_back(levels[b]);
    return data(x, levels);
  });
  const auto x = solve(solver, watching, {pure, clean});
  for (Index i = 0; i < 4; ++i) CHECK_THAT(x[i], WithinAbs(0.5 + std::sqrt(0.3) * noise[i], 1e-4));
  for (const Level& l : seen) CHECK(std::abs(l.alpha + l.sigma - 1) < 1e-12);
  CHECK(static_cast<Index>(seen.size()) == report.evaluations[0] + report.evaluations[1] +
                                               report.evaluations[2] + report.evaluations[3]);
  CHECK_THAT(seen[4].ratio(), WithinRel(1000, 1e-12));
  CHECK_THAT(seen.back().ratio(), WithinRel(1e-3, 1e-9));
}

TEST_CASE("adaptive dpm: a sample does not see its companions", "[diffusion][adaptive]") {
  const TimeGrid grid{high, {0.5, 0.6, 0.8}, {0, 1, 0}};
  StepReport together, alone;
  const auto all =
      solve(AdaptiveDpm<3>{.rtol = 1e-4, .atol = 1e-4, .report = &together}, mixture, grid);
  for (Index i = 0; i < 4; ++i) {
    const auto one = solve(AdaptiveDpm<3>{.rtol = 1e-4, .atol = 1e-4, .report = &alone}, mixture,
                           grid, noise.rows(i, 1));
    CHECK(one[0] == all[i]);
    CHECK(alone.evaluations[0] == together.evaluations[static_cast<std::size_t>(i)]);
  }
  CHECK(together.evaluations[0] != together.evaluations[2]);
}

TEST_CASE("adaptive dpm: refuses what it can not solve", "[diffusion][adaptive]") {
  const AdaptiveDpm<2> solver;
  CHECK_THROWS_AS(solve(solver, mixture, {{0, 1, 0}, high}), ArgumentError);
  CHECK_THROWS_AS(solve(solver, mixture, {low, {1, 0, 1}}), ArgumentError);
  CHECK_THROWS_AS(solve(AdaptiveDpm<2>{.rtol = -1}, mixture, {high, low}), ArgumentError);
  CHECK_THROWS_AS(solve(AdaptiveDpm<2>{.first_step = 0}, mixture, {high, low}), ArgumentError);
  CHECK_THROWS_AS(solve(AdaptiveDpm<2>{.max_evaluations = 9}, mixture, {high, low}), NumericError);
  CHECK_THROWS_AS(solve(solver, Line{std::nan(""), 0}, {high, low}), NumericError);
}
