// Covers: dpm2 heun multistep
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/diffusion/verify.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <string>

using namespace foglift;
using namespace foglift::solver;

namespace {

/// The worst law of three kinds of data, by exact moments.
template <class S>
double worst(const S& solver, const TimeGrid& grid) {
  double out = 0;
  for (const verify::Moments data : {verify::Moments{1, 0.25}, {0.3, 1}, {1, 0.04}})
    out = std::max(out, verify::law_error(solver, data, grid));
  return out;
}

/// f(name, make) for grids with long steps and with steps that stay moderate.
template <class F>
void each_grid(const F& f) {
  f("Karras", [](Index n) { return grid::karras(schedule::Edm{}, n); });
  f("Karras of a chain",
    [](Index n) { return grid::karras(DiscreteSchedule::scaled_linear(1000), n); });
  f("uniform log-SNR",
    [](Index n) { return grid::log_snr(schedule::Linear{}, n, {.min = 0.01, .max = 80}); });
  f("cosine", [](Index n) { return grid::uniform(schedule::Cosine{}, n); });
  f("flow", [](Index n) { return grid::uniform(schedule::Flow{}, n); });
}

}  // namespace

TEST_CASE("few steps: defaults are no worse than DDIM in as many evaluations",
          "[diffusion][solver]") {
  // A step more or less is a fifth of DDIM's error at 5 steps, so a rule that is no better there
  // may be a tenth off; one that draws noise, or spends two evaluations a step, a half and a third.
  // With one rule for all lengths the factors are 2.5 to 18.
  each_grid([](const std::string& grid, const auto& make) {
    const auto check = [&](const std::string& name, const auto& solver, double factor) {
      for (const Index evaluations : {4, 5, 7, 9, 11, 15, 21}) {
        if (solver.evaluations == 2 && evaluations % 2 == 0) continue;  // the last step takes one
        const Index steps = solver.evaluations == 1 ? evaluations : (evaluations + 1) / 2;
        INFO(name << ", " << evaluations << " evaluations, " << grid);
        CHECK(worst(solver, make(steps)) < factor * worst(Euler{}, make(evaluations)));
      }
    };
    check("2M", DpmMulti<2>{}, 1.1);
    check("2M, exact", DpmMulti<2, Weights::exact>{}, 1.1);
    check("3M", DpmMulti<3>{}, 1.1);
    check("UniPC 2", UniPc<2>{}, 1.1);
    check("UniPC 3", UniPc<3>{}, 1.1);
    check("UniPC 4", UniPc<4>{}, 1.1);
    check("DEIS 3", Deis<3>{}, 1.1);
    check("LMS 4", Lms<4>{}, 1.1);
    check("2M SDE", SdeDpmMulti<2>{}, 1.5);
    check("3M SDE", SdeDpmMulti<3>{}, 1.5);
    check("SA-Solver 2, 2", SaSolver<2, 2>{}, 1.5);
    check("SA-Solver 3, 4", SaSolver<3, 4>{}, 1.5);
    check("Heun", Heun{}, 1.35);
    check("DPM2", Dpm2{}, 1.35);
  });
}

TEST_CASE("few steps: short steps take the published rule, bit for bit", "[diffusion][solver]") {
  const auto same = [](const auto& solver) {
    const auto data = analytic::gaussian({.mean = 0.7, .variance = 0.25});
    const TimeGrid grid = verify::time_grid(verify::Family::variance_preserving,
                                            verify::Spacing::log_snr, 20, 12, 1 / 12.0);
    const Tensor<double> x({3, 1}, {-1.0, 0.2, 1.4});
    return sample_from(solver, data, x, grid, Rng(1)) ==
           sample_from(at_any_length(solver), data, x, grid, Rng(1));
  };
  CHECK(same(DpmMulti<3>{}));
  CHECK(same(SdeDpmMulti<3>{}));
  CHECK(same(UniPc<3>{}));
  CHECK(same(Deis<3>{}));
  CHECK(same(Lms<4>{}));
  CHECK(same(SaSolver<3, 4>{}));
  CHECK(same(Heun{}));
  CHECK(same(Dpm2{}));
  CHECK(same(Churn<Heun>{}));
}

TEST_CASE("few steps: long steps take the rules that are said", "[diffusion][solver]") {
  const auto data = analytic::Mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
  const Tensor<double> x({3, 1}, {-1.0, 0.2, 1.4});
  const auto level = [](double lambda) {
    return verify::level(verify::Family::variance_preserving, std::exp(-lambda));
  };
  const auto run = [&](const auto& solver, const TimeGrid& g) {
    return sample_from(solver, data, x, g, Rng(1));
  };
  // Steps of 1 in lambda: third order is second order with the weights of its kind and an Euler
  // start, by request third order with single steps.
  TimeGrid g;
  for (const double lambda : {-2.0, -1.0, 0.0, 1.0, 2.0}) g.push_back(level(lambda));
  CHECK(run(DpmMulti<3, Weights::exact>{}, g) == run(DpmMulti<2>{.begin = Start::lower_order}, g));
  CHECK(run(DpmMulti<3>{.outputs = Outputs::all}, g) != run(DpmMulti<3>{}, g));
  CHECK(run(DpmMulti<3>{.begin = Start::single_step}, g) != run(DpmMulti<3>{}, g));
  CHECK(run(at_any_length(DpmMulti<3>{}), g) ==
        run(DpmMulti<3>{.begin = Start::single_step, .outputs = Outputs::all}, g));
  // eps keeps its outputs.
  const auto eps = [](Start begin) {
    return DpmMulti<3>{.prediction = Prediction::noise, .begin = begin, .outputs = Outputs::all};
  };
  CHECK(run(DpmMulti<3>{.prediction = Prediction::noise}, g) == run(eps(Start::lower_order), g));
  // From s to s / 10 Heun's rule is q z + (1 - q) D', D' the x0 at the end of Euler's step.
  const TimeGrid one{level(-1), level(-1 + std::log(10.0))};
  const auto euler = run(Euler{}, one);
  const auto x0 = data(euler, one[1]);
  const auto heun = run(Heun{}, one);
  for (Index i = 0; i < 3; ++i) {
    const double expected = one[1].alpha * (0.1 * x[i] / one[0].alpha + 0.9 * x0[i]);
    CHECK_THAT(heun[i], WithinAbs(expected, 1e-13));
  }
  CHECK_THROWS_AS(run(Heun{.least_ratio = 0.6}, one), ArgumentError);
  CHECK_THROWS_AS(run(Dpm2{.least_ratio = -1}, one), ArgumentError);
}
