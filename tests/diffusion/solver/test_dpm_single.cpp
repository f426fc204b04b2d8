// Covers: dpm_single exponential
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/dpm2.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto exactly = Weights::exact;
constexpr auto noise = Prediction::noise;

/// A step of variance-preserving levels as published, in scalars.
struct Published {
  Level from, to;
  const analytic::Mixture& data = runs::mixture();
  double h = to.lambda() - from.lambda();

  static double E(double h) { return std::expm1(-h); }
  Level at(double r) const {
    return verify::level(verify::Family::variance_preserving, std::exp(-from.lambda() - r * h));
  }
  double m(double x, const Level& l) const { return runs::denoised(data, x, l); }
  double e(double x, const Level& l) const { return (x - l.alpha * m(x, l)) / l.sigma; }

  /// Lu et al. 2022b, algorithm 1, and its Taylor form.
  double second_data(double x, double r, bool taylor) const {
    const Level l = at(r);
    const double m0 = m(x, from), u = l.sigma / from.sigma * x - l.alpha * E(r * h) * m0,
                 m1 = m(u, l);
    if (taylor)
      return to.sigma / from.sigma * x - to.alpha * E(h) * m0 +
             to.alpha * (E(h) / h + 1) * (m1 - m0) / r;
    return to.sigma / from.sigma * x - to.alpha * E(h) * (m0 + (m1 - m0) / (2 * r));
  }
  /// Lu et al. 2022a, algorithm 1 (DPM-Solver-2) with any r.
  double second_noise(double x, double r) const {
    const Level l = at(r);
    const double e0 = e(x, from), u = l.alpha / from.alpha * x - l.sigma * std::expm1(r * h) * e0;
    return to.alpha / from.alpha * x - to.sigma * std::expm1(h) * e0 -
           to.sigma / (2 * r) * std::expm1(h) * (e(u, l) - e0);
  }
  /// Lu et al. 2022b in order 3; u2 counts m1 - m0 `lead` times.
  double third_data(double x, double r1, double r2, bool taylor, double lead = 1) const {
    const Level l1 = at(r1), l2 = at(r2);
    const double m0 = m(x, from), u1 = l1.sigma / from.sigma * x - l1.alpha * E(r1 * h) * m0,
                 m1 = m(u1, l1),
                 u2 = l2.sigma / from.sigma * x - l2.alpha * E(r2 * h) * m0 +
                      lead * r2 / r1 * l2.alpha * (E(r2 * h) / (r2 * h) + 1) * (m1 - m0),
                 m2 = m(u2, l2), base = to.sigma / from.sigma * x - to.alpha * E(h) * m0,
                 phi2 = E(h) / h + 1;
    if (!taylor) return base + to.alpha / r2 * phi2 * (m2 - m0);
    const double a = (m1 - m0) / r1, b = (m2 - m0) / r2, d1 = (r2 * a - r1 * b) / (r2 - r1),
                 d2 = 2 * (b - a) / (r2 - r1);
    return base + to.alpha * phi2 * d1 - to.alpha * (phi2 / h - 0.5) * d2;
  }
  /// Lu et al. 2022a, algorithm 2 (DPM-Solver-3).
  double third_noise(double x, double r1, double r2) const {
    const Level l1 = at(r1), l2 = at(r2);
    const double e0 = e(x, from),
                 u1 = l1.alpha / from.alpha * x - l1.sigma * std::expm1(r1 * h) * e0,
                 d1 = e(u1, l1) - e0,
                 u2 = l2.alpha / from.alpha * x - l2.sigma * std::expm1(r2 * h) * e0 -
                      l2.sigma * r2 / r1 * (std::expm1(r2 * h) / (r2 * h) - 1) * d1,
                 d2 = e(u2, l2) - e0;
    return to.alpha / from.alpha * x - to.sigma * std::expm1(h) * e0 -
           to.sigma / r2 * (std::expm1(h) / h - 1) * d2;
  }
};

/// Calls f(published step, x) on long and short steps at all noise levels.
template <class F>
void each_step(const F& f) {
  for (const auto& [first, last] :
       {std::pair{-2.5, -1.0}, {-1.0, -0.2}, {-0.2, 2.0}, {2.0, 2.3}, {-2.0, 2.0}})
    for (const double x : {-1.7, 0.1, 2.2})
      f(Published{verify::level(verify::Family::variance_preserving, std::exp(-first)),
                  verify::level(verify::Family::variance_preserving, std::exp(-last))},
        x);
}

template <class S>
double one(const S& solver, const Published& p, double x) {
  return solver.step(Tensor<double>({1, 1}, x), p.from, p.to, p.data, StepRng(Rng(1), 0, 0)).item();
}

// Values below 10 after at most 30 operations, and phi in forms that lose 1 / h of its digits, h >=
// 0.3: 1e-13 leaves a factor of 5.
constexpr double rounding = 1e-13;

}  // namespace

TEST_CASE("dpm single: second-order steps as published", "[diffusion][solver]") {
  each_step([](const Published& p, double x) {
    CHECK_THAT(one(DpmSingle<2>{}, p, x), WithinAbs(p.second_data(x, 0.5, false), rounding));
    CHECK_THAT(one(DpmSingle<2, exactly>{}, p, x),
               WithinAbs(p.second_data(x, 0.5, true), rounding));
    CHECK_THAT(one(DpmSingle<2>{.stages = {.r1 = 0.3}}, p, x),
               WithinAbs(p.second_data(x, 0.3, false), rounding));
    CHECK_THAT(one(DpmSingle<2>{.prediction = noise}, p, x),
               WithinAbs(p.second_noise(x, 0.5), 5 * rounding));
    CHECK_THAT(one(DpmSingle<2>{.prediction = noise, .stages = {.r1 = 0.8}}, p, x),
               WithinAbs(p.second_noise(x, 0.8), 5 * rounding));
  });
}

TEST_CASE("dpm single: third-order steps as published", "[diffusion][solver]") {
  each_step([](const Published& p, double x) {
    const double r1 = 1.0 / 3, r2 = 2.0 / 3;
    CHECK_THAT(one(DpmSingle<3>{}, p, x), WithinAbs(p.third_data(x, r1, r2, false), rounding));
    CHECK_THAT(one(DpmSingle<3>{.stages = {.r1 = 0.2}}, p, x),
               WithinAbs(p.third_data(x, 0.2, r2, false), rounding));
    CHECK_THAT(one(DpmSingle<3, exactly>{}, p, x),
               WithinAbs(p.third_data(x, r1, r2, true), rounding));
    CHECK_THAT(one(DpmSingle<3, exactly>{.stages = {.r1 = 0.5}}, p, x),
               WithinAbs(p.third_data(x, 0.5, r2, true), rounding));
    // Kutta's conditions at r1 = 0.4, r2 = 0.9: a = r2 (r2 - r1) / (r1 (2 - 3 r1)) = 0.45 / 0.32
    // where the integral has r2^2 / (2 r1) = 0.81 / 0.8.
    CHECK_THAT(one(DpmSingle<3, exactly>{.stages = {.r1 = 0.4, .r2 = 0.9}}, p, x),
               WithinAbs(p.third_data(x, 0.4, 0.9, true, 0.45 / 0.32 / (0.81 / 0.8)), rounding));
    CHECK_THAT(one(DpmSingle<3>{.prediction = noise}, p, x),
               WithinAbs(p.third_noise(x, r1, r2), 5 * rounding));
  });
}

TEST_CASE("dpm single: first order is ddim in both forms", "[diffusion][solver]") {
  each_step([](const Published& p, double x) {
    const double expected = one(Ddim{}, p, x);
    CHECK_THAT(one(DpmSingle<1>{}, p, x), WithinAbs(expected, rounding));
    CHECK_THAT(one(DpmSingle<1>{.prediction = noise}, p, x), WithinAbs(expected, rounding));
  });
}

TEST_CASE("dpm single: measured orders", "[diffusion][solver]") {
  // Slopes of the last doubling, to 160 steps, whose next-order terms are some percent; errors
  // there at most twice the tabulated ones.
  const auto check = [](const auto& solver, double most) {
    for (const auto spacing : {verify::Spacing::log_snr, verify::Spacing::karras})
      for (const auto family : {verify::Family::variance_preserving, verify::Family::flow}) {
        const auto c = verify::order(
            solver, {.family = family, .spacing = spacing, .coarsest = 80, .doublings = 1});
        CHECK_THAT(c.slope(), WithinAbs(solver.order, 0.1));
        CHECK(c.errors.back() < 2 * most);
      }
  };
  check(DpmSingle<1>{}, 9.2e-3);
  check(DpmSingle<2>{}, 6.5e-5);
  check(DpmSingle<2, exactly>{}, 1.8e-5);
  check(DpmSingle<3>{}, 6.2e-7);
  check(DpmSingle<3, exactly>{}, 4.8e-7);
  check(DpmSingle<2>{.prediction = noise}, 7.9e-5);
  check(DpmSingle<3>{.prediction = noise}, 6.2e-7);
  check(DpmSingle<3, exactly>{.prediction = noise}, 4.8e-7);
}

TEST_CASE("dpm single: the order holds for all stages", "[diffusion][solver]") {
  // Slopes of the doubling to 320 steps; next-order terms grow with the distance of the stages from
  // the best ones. A stage state of order too low shows as a whole order.
  const auto slope = [](const auto& solver) {
    return verify::order(solver, {.coarsest = 160, .doublings = 1}).slope();
  };
  for (const auto prediction : {Prediction::data, noise}) {
    for (const double r1 : {0.1, 0.3, 0.5, 0.8, 1.0}) {
      INFO("r1 = " << r1);
      CHECK_THAT(slope(DpmSingle<2>{prediction, {.r1 = r1}}), WithinAbs(2, 0.1));
      CHECK_THAT(slope(DpmSingle<2, exactly>{prediction, {.r1 = r1}}), WithinAbs(2, 0.1));
    }
    for (const auto& [r1, r2] : {std::pair{0.3, 0.8},
                                 {0.1, 0.2},
                                 {0.2, 0.5},
                                 {0.5, 1.0},
                                 {1.0 / 3, 1.0},
                                 {0.6, 0.9},
                                 {0.8, 1.0},
                                 {0.5, 2.0 / 3},
                                 {0.66, 2.0 / 3}}) {
      INFO("r1 = " << r1 << ", r2 = " << r2);
      CHECK_THAT(slope(DpmSingle<3, exactly>{prediction, {r1, r2}}), WithinAbs(3, 0.15));
    }
    CHECK_THAT(slope(DpmSingle<3>{prediction, {.r1 = 0.1}}), WithinAbs(3, 0.15));
    CHECK_THAT(slope(DpmSingle<3>{prediction, {.r1 = 0.6}}), WithinAbs(3, 0.15));
  }
  for (const double stage : {0.1, 0.3, 0.5, 2.0 / 3, 0.9, 1.0})
    CHECK_THAT(slope(Heun{.stage = stage}), WithinAbs(2, 0.1));
  for (const auto middle : {Dpm2::Middle::logarithm, Dpm2::Middle::cube_root})
    CHECK_THAT(slope(Dpm2{.middle = middle}), WithinAbs(2, 0.1));
}

TEST_CASE("dpm single: stages out of order are refused", "[diffusion][solver]") {
  const Published p{{0.6, 0.6, 0.8}, {0.4, 0.8, 0.6}};
  CHECK_THROWS_AS(one(DpmSingle<2>{.stages = {.r1 = 0}}, p, 0), ArgumentError);
  CHECK_THROWS_AS(one(DpmSingle<2>{.stages = {.r1 = 1.1}}, p, 0), ArgumentError);
  CHECK_THROWS_AS(one(DpmSingle<3>{.stages = {.r1 = 0.3, .r2 = 0.5}}, p, 0), ArgumentError);
  CHECK_THROWS_AS(one(DpmSingle<3, exactly>{.stages = {.r1 = 0.5, .r2 = 0.5}}, p, 0),
                  ArgumentError);
  CHECK_THROWS_AS(one(DpmSingle<3, exactly>{.stages = {.r1 = 0.5, .r2 = 1.5}}, p, 0),
                  ArgumentError);
  CHECK_THROWS_AS(one(DpmSingle<3, exactly>{.stages = {.r1 = 2.0 / 3, .r2 = 0.9}}, p, 0),
                  ArgumentError);
}

TEST_CASE("dpm fast: plan of orders for a number of evaluations", "[diffusion][solver]") {
  const std::vector<std::vector<int>> plans = {{1},       {2},       {2, 1},    {3, 1},      {3, 2},
                                               {3, 2, 1}, {3, 3, 1}, {3, 3, 2}, {3, 3, 2, 1}};
  for (std::size_t n = 1; n <= plans.size(); ++n) {
    const auto budget = static_cast<Index>(n);
    const std::vector<int>& plan = plans[n - 1];
    CHECK(DpmFast::steps(budget) == static_cast<Index>(plan.size()));
    Index spent = 0, calls = 0;
    for (std::size_t i = 0; i < plan.size(); ++i) {
      CHECK(DpmFast::order_of(static_cast<Index>(i), budget) == plan[i]);
      spent += plan[i];
    }
    CHECK(spent == budget);
    const auto counted = [&](const Tensor<double>& x, const Level& l) {
      ++calls;
      return runs::mixture()(x, l);
    };
    const TimeGrid g = runs::irregular(verify::Family::flow, DpmFast::steps(budget));
    double x = 0.4;
    const double y = runs::end_of(DpmFast{.budget = budget}, counted, x, g);
    CHECK(calls == budget);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      const TimeGrid step{g[i], g[i + 1]};
      if (plan[i] == 1) x = runs::end_of(DpmSingle<1>{}, runs::mixture(), x, step);
      if (plan[i] == 2) x = runs::end_of(DpmSingle<2>{}, runs::mixture(), x, step);
      if (plan[i] == 3) x = runs::end_of(DpmSingle<3>{}, runs::mixture(), x, step);
    }
    CHECK(y == x);
  }
  const TimeGrid g = runs::irregular(verify::Family::flow, 4);
  CHECK_THROWS_AS(runs::end_of(DpmFast{.budget = 8}, runs::mixture(), 0, g), ArgumentError);
  CHECK_THROWS_AS(DpmFast::steps(0), ArgumentError);
}

TEST_CASE("dpm fast: second order with one evaluation left", "[diffusion][solver]") {
  // 3 (n - 1) + 1 evaluations on n steps: third order but for the last step, whose local error of
  // second order is small and dominates late.
  const auto error = [](Index steps, Index rest) {
    const TimeGrid g = verify::time_grid(verify::Family::variance_preserving,
                                         verify::Spacing::log_snr, steps, 12, 1 / 12.0);
    const Tensor<double> x({1, 1}, 0.5);
    const auto exact = verify::exact_flow(runs::mixture(), x, g.front(), g.back());
    return std::abs(
        runs::end_of(DpmFast{.budget = 3 * (steps - 1) + rest}, runs::mixture(), 0.5, g) -
        exact.item());
  };
  CHECK_THAT(std::log2(error(320, 1) / error(640, 1)), WithinAbs(2, 0.1));
  CHECK_THAT(std::log2(error(80, 2) / error(160, 2)), WithinAbs(3, 0.15));
}
