#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_sde.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/er_sde.hpp"
#include "foglift/diffusion/solver/lms.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "foglift/diffusion/verify/identities.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <string_view>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto noise = Prediction::noise;
constexpr auto lower = Start::lower_order;

/// f of the deterministic solvers with a clock in lambda, of all their starts and forms.
template <class F>
void each_exponential(const F& f) {
  f(DpmSingle<2>{});
  f(DpmSingle<3, Weights::exact>{.prediction = noise});
  f(DpmMulti<2>{});
  f(DpmMulti<3>{});
  f(DpmMulti<3>{.prediction = noise, .begin = lower});
  f(DpmMulti<3, Weights::as_published>{.end = Ending::lower_order});
  f(Deis<4>{});
  f(UniPc<2>{});
  f(UniPc<3>{.prediction = noise});
  f(UniPc<4>{.begin = lower, .end = Ending::lower_order});
  f(UniP<2, Weights::bh1>{});
}
template <class F>
void each_stochastic(const F& f) {
  f(SdeDpmMulti<1>{.eta = 0.4});
  f(SdeDpmMulti<2>{});
  f(SdeDpmMulti<3>{.eta = 2});
  f(DpmSde<>{.eta = 0.4});
  f(DpmSde<Weights::midpoint>{});
  f(DpmSde<Weights::midpoint, StageNoise::independent>{.eta = 2});
  f(SaSolver<2, 0>{.tau = {.inside = 0.7}});
  f(SaSolver<3, 4>{.tau = {.inside = 1.2}});
}
template <class F>
void each_other(const F& f) {
  f(Lms<4>{});
  f(Lms<3>{.begin = lower});
  f(Pndm{});
  f(Ipndm{});
}

/// But for `except`.
template <class S>
void holds(const S& solver, std::string_view except = "") {
  for (const auto& f : verify::identities(solver)) {
    INFO(S::name << " of order " << S::order << ": " << f.name << ": " << f.found);
    CHECK(f.holds == (f.name != except));
  }
}

}  // namespace

TEST_CASE("exponential family: identities of right solvers", "[diffusion][solver]") {
  // Any process and unit of time and data, alone or in a batch, from pure noise and to clean data
  // in one, two and three steps.
  const auto check = [](const auto& solver) { holds(solver); };
  each_exponential(check);
  each_stochastic(check);
  each_other(check);
  holds(SdeDpmMulti<2>{.prediction = noise});
}

TEST_CASE("exponential family: er-sde has a unit of its own", "[diffusion][solver]") {
  // phi(s) = s (e^(s^0.3) + 10) is not a power of s.
  holds(ErSde<1>{}, "scales with the data");
  holds(ErSde<3>{}, "scales with the data");
}

TEST_CASE("exponential family: a first step from pure noise leaves no output behind",
          "[diffusion][solver]") {
  // It is DDIM's, and the rest of the run is one from its end, bit for bit.
  TimeGrid g = runs::irregular(verify::Family::flow, 7);
  g.front() = {1, 0, 1};
  const TimeGrid rest(g.begin() + 1, g.end());
  const double first = runs::end_of(Ddim{}, runs::mixture(), 0.7, {g[0], g[1]});
  const auto check = [&](const auto& solver) {
    INFO(std::remove_cvref_t<decltype(solver)>::name);
    CHECK_THAT(runs::end_of(solver, runs::mixture(), 0.7, {g[0], g[1]}), WithinAbs(first, 1e-15));
    CHECK(runs::end_of(solver, runs::mixture(), 0.7, g) ==
          runs::end_of(solver, runs::mixture(), first, rest));
  };
  each_exponential(check);
  each_other(check);
}

TEST_CASE("exponential family: a last step to clean data returns x0", "[diffusion][solver]") {
  TimeGrid g = runs::irregular(verify::Family::variance_preserving, 6);
  g.push_back(grid::clean);
  const auto check = [&](const auto& solver) {
    using S = std::remove_cvref_t<decltype(solver)>;
    INFO(S::name);
    Tensor<float> x({3, 1}, {-1.5f, 0.2f, 2.0f}), x0;
    const auto recorded = [&](const Tensor<float>& at, const Level& l) {
      return x0 = runs::mixture()(at, l);
    };
    x = sample_from(solver, recorded, std::move(x), g, Rng(1));
    CHECK(x == x0);
  };
  each_exponential(check);
  each_stochastic(check);
  check(ErSde<3>{});
}

TEST_CASE("exponential family: lms keeps its order to clean data", "[diffusion][solver]") {
  // eps = s^3, whatever x: z' = z - s^4 / 4 in a last step from s, by a rule of four outputs.
  TimeGrid g = runs::irregular(verify::Family::flow, 5);
  g.push_back(grid::clean);
  const auto cubic = [](const Tensor<double>& x, const Level& l) {
    return affine(1 / l.alpha, x, -l.ratio(), Tensor<double>(x.shape(), std::pow(l.ratio(), 3)));
  };
  const double z = runs::end_of(Lms<4>{}, cubic, g[0].alpha * 2, g);
  // powers of s up to 12^4 cancel
  CHECK_THAT(z, WithinAbs(2 - std::pow(g[0].ratio(), 4) / 4, 1e-10));
}

TEST_CASE("exponential family: data at one point is reached with the right variance at any noise",
          "[diffusion][solver]") {
  // x0 is known, so every rule is exact: N(alpha m, sigma^2) at all levels.
  const auto point = analytic::gaussian({.mean = 1.5, .variance = 0});
  const TimeGrid g = runs::irregular(verify::Family::variance_preserving, 5);
  const auto check = [&](const auto& solver) {
    INFO(std::remove_cvref_t<decltype(solver)>::name);
    const auto m = verify::moments(solver, point, g, {1.5 * g[0].alpha, g[0].sigma * g[0].sigma});
    CHECK_THAT(m.mean, WithinRel(1.5 * g.back().alpha, 1e-12));
    CHECK_THAT(m.variance, WithinRel(g.back().sigma * g.back().sigma, 1e-12));
  };
  each_stochastic(check);
  check(ErSde<1>{});
  check(ErSde<2>{});
  check(ErSde<3>{});
}

TEST_CASE("exponential family: sa-solver has its tabulated weak orders", "[diffusion][solver]") {
  // Slopes from 160 to 320 steps, two digits; those above 2 come down to it.
  const auto slope = [](const auto& solver) {
    return verify::weak_order(solver, {.coarsest = 160, .doublings = 1}).slope();
  };
  CHECK_THAT(slope(SaSolver<1, 0>{}), WithinAbs(0.98, 0.01));
  CHECK_THAT(slope(SaSolver<2, 0>{}), WithinAbs(2.01, 0.01));
  CHECK_THAT(slope(SaSolver<3, 0>{}), WithinAbs(2.03, 0.01));
  CHECK_THAT(slope(SaSolver<1, 2>{}), WithinAbs(1.99, 0.01));
  CHECK_THAT(slope(SaSolver<2, 2>{}), WithinAbs(2.89, 0.02));
  CHECK_THAT(slope(SaSolver<2, 3>{}), WithinAbs(2.18, 0.03));
  CHECK_THAT(slope(SaSolver<3, 4>{}), WithinAbs(2.00, 0.02));
}
