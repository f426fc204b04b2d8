// Covers: adaptive adaptive_rk45 arc curve dormand_prince flow_slope
// Alone: it takes long to compile.
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace foglift;
using solver::AdaptiveRk45, solver::StepReport;

namespace {

/// Three elements that depend on each other.
const analytic::FullGaussian correlated({1, -2, 0.5},
                                        Tensor<double>({3, 3}, {0.5, 0.2, 0, 0.2, 1.5, -0.1, 0,
                                                                -0.1, 0.02}));
const Level vp_high{1, 0.01, std::sqrt(1 - 1e-4)}, vp_low{0.1, std::sqrt(1 - 1e-4), 0.01};
const Level ve_high{1, 1, 80}, ve_low{0, 1, 0.01};
const Level flow_high{1, 0, 1}, flow_low{0.02, 0.98, 0.02};

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

Tensor<double> starts(const Level& at) {
  auto x = Rng(5).normal<double>({6, 3});
  for (double& v : x) v *= std::hypot(at.alpha, at.sigma);
  return x;
}

template <class D>
Tensor<double> solve(const D& denoise, const Tensor<double>& x, TimeGrid grid,
                     AdaptiveRk45 solver = {.rtol = 1e-10, .atol = 1e-10}) {
  Run<AdaptiveRk45, double> run(solver, grid);
  Tensor<double> out = x;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i)
    out = run.step(std::move(out), grid[i], grid[i + 1], denoise,
                   StepRng(Rng(0), 0, static_cast<Index>(i)));
  return out;
}

/// A denoiser that makes a sample the stiffer the further its element lies from 0.
struct Uneven {
  Tensor<double> operator()(const Tensor<double>& x, const Levels& levels) const {
    Tensor<double> out(x.shape());
    for (Index b = 0; b < x.dim(0); ++b) {
      const double z = x[b] / levels[b].alpha;
      out[b] = z > 20 ? std::sin(3 * z) : 0.3 * z;
    }
    return out;
  }
};

}  // namespace

TEST_CASE("adaptive rk45: ends of Gaussian flows within the tolerance", "[diffusion][adaptive]") {
  // Local errors of 1e-10 a step, some hundred steps, contracted or stretched by at most the norm
  // of the states: 1e-8.
  const std::array<std::array<Level, 2>, 3> ways{
      {{vp_high, vp_low}, {ve_high, ve_low}, {flow_high, flow_low}}};
  for (const auto& [high, low] : ways) {
    const auto noise = starts(high);
    const auto exact = correlated.flow(noise, high, low);
    CHECK(distance(solve(correlated, noise, {high, low}), exact) < 1e-8);
    // and back up, onto noise as large as the start
    const double size = std::hypot(high.alpha, high.sigma);
    CHECK(distance(solve(correlated, exact, {low, high}), noise) < 1e-7 * size);
  }
}

TEST_CASE("adaptive rk45: the levels of a grid are passed on the way", "[diffusion][adaptive]") {
  const auto noise = starts(vp_high);
  const Level middle{0.5, 0.6, 0.8};
  StepReport direct, with_stop;
  const auto a = solve(correlated, noise, {vp_high, vp_low},
                       {.rtol = 1e-10, .atol = 1e-10, .report = &direct});
  const auto b = solve(correlated, noise, {vp_high, middle, vp_low},
                       {.rtol = 1e-10, .atol = 1e-10, .report = &with_stop});
  CHECK(distance(a, b) < 1e-8);
  CHECK(distance(solve(correlated, noise, {vp_high, middle}),
                 correlated.flow(noise, vp_high, middle)) < 1e-8);
  // The step size is kept across the level: a first slope and at most two short steps more, not a
  // start from small steps. So it is across two levels close together, between which one step is
  // cut to nothing: 7 evaluations for that one, and at most one short step more.
  const Level near{0.5, 0.6001, std::sqrt(1 - 0.6001 * 0.6001)};
  StepReport two;
  solve(correlated, noise, {vp_high, middle, near, vp_low},
        {.rtol = 1e-10, .atol = 1e-10, .report = &two});
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(with_stop.evaluations[i] <= direct.evaluations[i] + 1 + 3 * 6);
    CHECK(two.evaluations[i] <= with_stop.evaluations[i] + 7 + 6);
  }
}

TEST_CASE("adaptive rk45: the pair is of order five", "[diffusion][adaptive]") {
  // One step of dy/dv = y cos v from y = 1 at v = 0.3: y = e^(sin v - sin 0.3). Local errors h^6
  // of the result, h^5 of the estimate.
  const auto slope = [](std::span<const Index>, std::span<const double> v,
                        const Tensor<double>& y) {
    return Tensor<double>({1, 1}, y[0] * std::cos(v[0]));
  };
  const auto step = [&](double h) {
    solver::detail::ActiveRows rows{{0}, {0.3}, {h}};
    solver::AdaptiveState state;
    state.begin(1);
    solver::detail::DormandPrince pair(slope, solver::Tolerance{.rtol = 0, .atol = 1}, state.work);
    const Tensor<double> y({1, 1}, 1.0);
    pair.begin(rows, y, state);
    pair.attempt(rows, y);
    const double exact = std::exp(std::sin(0.3 + h) - std::sin(0.3));
    const double factor = pair.verdict(0, 0).factor;  // 0.9 estimate^(-1/5), where not clamped
    return std::array{std::abs(pair.next()[0] - exact), std::pow(0.9 / factor, 5)};
  };
  const auto coarse = step(0.4), fine = step(0.2);
  CHECK_THAT(std::log2(coarse[0] / fine[0]), WithinAbs(6, 0.4));
  CHECK(fine[0] < 1e-7);
}

TEST_CASE("adaptive rk45: the error estimate is of order five and not too small",
          "[diffusion][adaptive]") {
  // dy/dv = v^4: fifth order is exact, and the fourth-order result misses by the pair's own
  // h^5 (sum_j b*_j c_j^4 - 1/5), with Dormand and Prince's b* of order 4.
  const auto slope = [](std::span<const Index>, std::span<const double> v, const Tensor<double>&) {
    return Tensor<double>({1, 1}, std::pow(v[0], 4));
  };
  const std::array<double, 7> low{
      5179.0 / 57600, 0, 7571.0 / 16695, 393.0 / 640, -92097.0 / 339200, 187.0 / 2100, 1.0 / 40},
      node{0, 0.2, 0.3, 0.8, 8.0 / 9, 1, 1};
  double missed = -0.2;
  for (std::size_t j = 0; j < 7; ++j) missed += low[j] * std::pow(node[j], 4);
  // A step of length 1 whose estimate is `missed` / atol: just refused and just accepted.
  const auto accepted = [&](double atol) {
    solver::detail::ActiveRows rows{{0}, {0}, {1}};
    solver::AdaptiveState state;
    state.begin(1);
    solver::detail::DormandPrince pair(slope, solver::Tolerance{.rtol = 0, .atol = atol},
                                       state.work);
    const Tensor<double> y({1, 1}, 0.0);
    pair.begin(rows, y, state);
    pair.attempt(rows, y);
    CHECK_THAT(pair.next()[0], WithinAbs(0.2, 1e-15));
    return pair.verdict(0, 0).accept;
  };
  CHECK(accepted(std::abs(missed) * 1.0001));
  CHECK_FALSE(accepted(std::abs(missed) * 0.9999));
}

TEST_CASE("adaptive rk45: a sample does not see its companions", "[diffusion][adaptive]") {
  const TimeGrid grid{{1, 1, 50}, {0.5, 1, 2}, {0, 1, 0.01}};
  const Tensor<double> easy({3, 1}, {0.5, -3, 12}), hard({1, 1}, 60.0);
  Tensor<double> all({4, 1}, {0.5, 60, -3, 12});
  StepReport alone, together, stiff;
  const AdaptiveRk45 rule{.rtol = 1e-7, .atol = 1e-7};
  AdaptiveRk45 a = rule, b = rule, c = rule;
  a.report = &alone, b.report = &together, c.report = &stiff;
  const auto x = solve(Uneven{}, easy, grid, a), y = solve(Uneven{}, all, grid, b),
             z = solve(Uneven{}, hard, grid, c);
  CHECK(y[0] == x[0]);
  CHECK(y[1] == z[0]);
  CHECK(y[2] == x[1]);
  CHECK(y[3] == x[2]);
  CHECK(together.evaluations == std::vector<Index>{alone.evaluations[0], stiff.evaluations[0],
                                                   alone.evaluations[1], alone.evaluations[2]});
  CHECK(stiff.evaluations[0] > 2 * alone.evaluations[0]);
  CHECK(stiff.rejected[0] > 0);
}

TEST_CASE("adaptive rk45: reports the evaluations that were made", "[diffusion][adaptive]") {
  std::vector<Index> seen;
  Index rows = 0;
  const Alike counting([&](const Tensor<double>& x, const Levels& levels) {
    rows += x.dim(0);
    return correlated(x, levels);
  });
  StepReport report;
  const auto check = [&](const TimeGrid& grid) {
    rows = 0;
    solve(counting, starts(grid[0]), grid, {.rtol = 1e-4, .atol = 1e-4, .report = &report});
    Index sum = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      sum += report.evaluations[i];
      const Index steps = static_cast<Index>(grid.size()) - 1;
      const Index ends = grid.back().sigma == 0 ? 1 : 0;  // the x0 that ends at clean data
      CHECK(report.evaluations[i] == 6 * (report.accepted[i] + report.rejected[i]) + steps + ends);
    }
    CHECK(sum == rows);
  };
  check({vp_high, vp_low});
  check({vp_high, {0.5, 0.6, 0.8}, {0, 1, 0}});
  // A tighter tolerance takes more of them: about 100^(1/5) = 2.5 times at 1/100.
  const Index before = report.evaluations[0];
  solve(correlated, starts(vp_high), {vp_high, {0.5, 0.6, 0.8}, {0, 1, 0}},
        {.rtol = 1e-6, .atol = 1e-6, .report = &report});
  CHECK(report.evaluations[0] > before);
  CHECK(report.evaluations[0] < 4 * before);
}

TEST_CASE("adaptive rk45: clean data is reached by the last x0", "[diffusion][adaptive]") {
  // x0 at ratio r differs from the flow's end by r^2 / 2 times the score, which is below 200 here.
  const auto noise = starts(vp_high);
  const Level clean{0, 1, 0};
  const auto exact = correlated.flow(noise, vp_high, clean);
  for (const double ratio : {1e-2, 1e-3}) {
    const double error = distance(solve(correlated, noise, {vp_high, clean},
                                        {.rtol = 1e-9, .atol = 1e-9, .clean_ratio = ratio}),
                                  exact);
    CHECK(error < 100 * ratio * ratio);
    CHECK(error > ratio * ratio / 100);
  }
  // From a level that is noisier than that, whatever its ratio, by steps too.
  const Level some{0.5, 1 / std::hypot(1.0, 0.5), 0.5 / std::hypot(1.0, 0.5)};
  const auto states = starts(some);
  CHECK(distance(solve(correlated, states, {some, clean}, {.rtol = 1e-9, .atol = 1e-9}),
                 correlated.flow(states, some, clean)) < 1e-4);
  // From a level that is cleaner than that, x0 itself.
  const Level near{0, 1, 1e-4};
  CHECK(solve(correlated, noise, {near, clean}) == correlated(noise, near));
}

TEST_CASE("adaptive rk45: asks at levels of the process", "[diffusion][adaptive]") {
  const double clean_ratio = 0.3;
  const auto on = [&](TimeGrid grid, auto belongs) {
    const auto watching = [&](const Tensor<double>& x, const Levels& levels) {
      for (Index b = 0; b < x.dim(0); ++b) {
        CHECK(belongs(levels[b]));
        CHECK(levels[b].ratio() <= grid.front().ratio());
        CHECK(levels[b].ratio() >= clean_ratio * (1 - 1e-12));
      }
      return correlated(x, levels);
    };
    solve(watching, starts(grid.front()), grid,
          {.rtol = 1e-4, .atol = 1e-4, .clean_ratio = clean_ratio});
  };
  const auto one = [](double v) { return std::abs(v - 1) < 1e-12; };
  // Times go with asinh(alpha / sigma), to 0 at the ratio of the last level.
  const auto variable = [](const Level& l) { return std::asinh(l.alpha / l.sigma); };
  const double first = variable(vp_high), last = std::asinh(1 / clean_ratio);
  on({vp_high, {0, 1, 0}}, [&](const Level& l) {
    return one(l.alpha * l.alpha + l.sigma * l.sigma) &&
           std::abs(l.t - (last - variable(l)) / (last - first)) < 1e-12;
  });
  on({ve_high, {0, 1, 0}}, [&](const Level& l) { return one(l.alpha); });
  on({flow_high, {0.5, 0.4, 0.6}, {0, 1, 0}},
     [&](const Level& l) { return one(l.alpha + l.sigma); });
}

TEST_CASE("adaptive rk45: elements apart have errors of their own", "[diffusion][adaptive]") {
  // One hundred elements that stand still, and the integral of cos(30 v), which only its own error
  // makes small steps for: 1e-9 a step in some hundred.
  const auto slope = [](std::span<const Index>, std::span<const double> v,
                        const Tensor<double>& y) {
    Tensor<double> out(y.shape());
    out[100] = std::cos(30 * v[0]);
    return out;
  };
  solver::AdaptiveState state;
  state.begin(1);
  const auto y = solver::dormand_prince(Tensor<double>({1, 101}), 0, 3, slope,
                                        {.rtol = 0, .atol = 1e-9}, state, 1);
  CHECK_THAT(y[100], WithinAbs(std::sin(90.0) / 30, 1e-8));
  CHECK(y[0] == 0);
}

TEST_CASE("adaptive rk45: runs under sample with an observer", "[diffusion][adaptive]") {
  Index steps = 0;
  const auto x = sample<double>(AdaptiveRk45{}, correlated, {6, 3}, {vp_high, vp_low}, Rng(9), {},
                                [&](const StepView<double>& step) {
                                  ++steps;
                                  CHECK(step.x0.shape() == Shape{6, 3});
                                  CHECK(step.level == vp_low);
                                });
  CHECK(steps == 1);
  CHECK(sample<double>(AdaptiveRk45{}, correlated, {2, 3}, {vp_high, vp_low}, Rng(9),
                       {.first_sample = 3}) == x.rows(3, 2));
}

TEST_CASE("adaptive rk45: float states take the same way", "[diffusion][adaptive]") {
  const auto noise = starts(vp_high);
  const auto x = integrate(AdaptiveRk45{}, correlated, noise.cast<float>(), {vp_high, vp_low});
  const auto exact = correlated.flow(noise, vp_high, vp_low);
  // Local errors of 1e-5 in some ten steps.
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(double{x[i]}, WithinAbs(exact[i], 1e-4));
}

TEST_CASE("adaptive rk45: refuses what it can not solve", "[diffusion][adaptive]") {
  const auto noise = starts(vp_high);
  const auto nan = [](const Tensor<double>& x, const Levels&) {
    return Tensor<double>(x.shape(), std::numeric_limits<double>::quiet_NaN());
  };
  CHECK_THROWS_AS(solve(nan, noise, {vp_high, vp_low}), NumericError);
  CHECK_THROWS_AS(solve(correlated, noise, {vp_high, vp_low}, {.max_evaluations = 20}),
                  NumericError);
  CHECK_THROWS_AS(solve(correlated, noise, {{0, 1, 0}, vp_high}), ArgumentError);
  CHECK_THROWS_AS(solve(correlated, noise, {vp_high, vp_low}, {.rtol = 0, .atol = 0}),
                  ArgumentError);
  CHECK_THROWS_AS(solve(correlated, noise, {vp_high, vp_low}, {.clean_ratio = 0}), ArgumentError);
  CHECK(integrate(AdaptiveRk45{}, correlated, Tensor<double>({0, 3}), {vp_high, vp_low}).empty());
}
