#include "examples/support/solver_list.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#ifdef COUNTS_ALLOCATIONS

using namespace foglift;

TEST_CASE("sample: a step allocates nothing once it is warm", "[diffusion][sample]") {
  const analytic::Mixture data({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.1}});
  const TimeGrid g = grid::uniform(schedule::Linear{}, 8);
  const auto check = [&](auto solver) {
    const auto run = [&] { return sample(solver, data, {16, 3}, g, Rng(1)); };
    const auto warm = run();
    run();  // beside the result that is kept
    const long before = counted::calls;
    const auto x = run();
    const long made = counted::calls - before;  // the assertion itself allocates
    CHECK(made == 0);
    CHECK(x == warm);
  };
  check(solver::Ddpm{});
  check(solver::Ddim{});
  check(solver::Heun{});
}

TEST_CASE("guidance: a call allocates nothing once it is warm", "[diffusion][guidance]") {
  const auto model = [](const Tensor<float>& x, const Levels&) { return affine(0.5, x, 0, x); };
  const auto other = [](const Tensor<float>& x, const Levels&) { return affine(0.3, x, 0, x); };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 8);
  const auto check = [&](const auto& solver, const auto& denoise) {
    const auto run = [&] { return sample(solver, denoise, {16, 6, 4}, g, Rng(1)); };
    const auto warm = run();
    run();  // beside the result that is kept
    const long before = counted::calls;
    const auto x = run();
    const long made = counted::calls - before;
    CHECK(made == 0);
    CHECK(x == warm);
  };
  const auto guided = [&](const auto& guidance) { check(solver::Ddim{}, model | guidance); };
  const auto pair = [&](const auto& rule) { guided(guide::ClassifierFree{other, rule}); };
  guide::Momentum<float> memory(-0.5);
  pair(guide::Weight{2});
  pair(guide::Rescaled{2});
  pair(guide::ZeroStar{.weight = 2});
  pair(guide::WithMomentum{guide::AdaptiveProjected{.weight = 2}, memory});
  pair(guide::Tangential{.weight = 2});
  pair(guide::MagnitudeAware{.weight = 2});
  guided(guide::Interval{{.lo = 0.1, .hi = 2}, guide::ClassifierFree{other, 2.0}});
  guided(guide::DynamicThreshold{});
  guided(guide::TwoConditions{other, other, {.first = 2, .second = 3}});
  guided(guide::FrequencyDecoupled{other, {.low = 2, .high = 3}});
  guided(guide::ClassifierFree{other, 2.0} + guide::away_from(other, 2.0));
  guided(guide::SelfAttention{[](const Tensor<float>& x0) { return x0; }});
  guided(guide::Classifier{[](const Tensor<float>& x, const Levels&) { return x; }});
  const solver::Known<float> known{Tensor<float>({1, 6, 4}), Tensor<float>({1, 6, 4}, 0.5f)};
  check(solver::Replacement(solver::Ddpm{}, known), model);
}

TEST_CASE("solvers: no step allocates once it is warm", "[diffusion][solver]") {
  // What start() makes for a run is allowed; steps are counted from the sixth on, when histories
  // are full, in a third run, when the pool is.
  const analytic::Mixture data({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.1}});
  const TimeGrid g = grid::uniform(schedule::Linear{}, 14);
  for_each_solver([&](const char* name, const char*, const auto& solver) {
    using S = std::remove_cvref_t<decltype(solver)>;
    long made = 0;
    for (int round = 0; round < 3; ++round) {
      Run<S, float> run(solver, g);
      auto x = Rng(1).normal<float>({16, 3});
      made = 0;
      for (std::size_t i = 0; i + 1 < g.size(); ++i) {
        const long before = counted::calls;
        x = run.step(std::move(x), g[i], g[i + 1], data, StepRng(Rng(2), 0, static_cast<Index>(i)));
        if (i >= 5) made += counted::calls - before;
      }
    }
    INFO(name);
    CHECK(made == 0);
  });
}

#endif
