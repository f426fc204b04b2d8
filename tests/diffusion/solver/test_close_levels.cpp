// Covers: multistep
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/er_sde.hpp"
#include "foglift/diffusion/solver/lms.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

constexpr auto family = verify::Family::variance_preserving;
const Tensor<float> starts({4, 1}, {-1.8f, -0.3f, 0.4f, 1.5f});

/// Seven steps, the fourth of length `gap` in lambda.
TimeGrid with_pair(double gap) {
  TimeGrid out;
  for (const double lambda : {-2.5, -1.5, -0.8, -0.8 + gap, -0.2, 0.5, 1.0, 2.5})
    out.push_back(verify::level(family, std::exp(-lambda)));
  return out;
}

/// f(solver) for every rule that interpolates past outputs.
template <class F>
void each_rule(const F& f) {
  f(DpmMulti<2>{});
  f(DpmMulti<3>{});
  f(DpmMulti<3>{.begin = Start::lower_order});
  f(DpmMulti<3, Weights::exact>{.prediction = Prediction::noise});
  f(SdeDpmMulti<3>{});
  f(UniPc<1>{});
  f(UniPc<2>{});
  f(UniPc<3>{});
  f(UniPc<4>{});
  f(UniP<3>{});
  f(Deis<3>{});
  f(Deis<4>{});
  f(SaSolver<3, 4>{});
  f(SaSolver<3, 4>{.tau = {.inside = 0}});
  f(Lms<4>{});
  f(ErSde<3>{});
}

double apart(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("close levels: a run in float is the run in double", "[diffusion][solver]") {
  // Seven steps of states below 3, weights of outputs whose sizes add up to less than 10, each
  // rounded to 6e-8: 1.3e-5. Levels 1e-6 apart would multiply that by 1e6.
  each_rule([](const auto& rule) {
    const auto solver = at_any_length(rule);
    for (const double gap : {1e-3, 1e-5, 1e-6, 1e-7, 1e-9, 1e-12}) {
      const TimeGrid g = with_pair(gap);
      const Tensor<float> x = sample_from(solver, runs::mixture(), starts, g, Rng(1));
      const auto y = sample_from(solver, runs::mixture(), starts.cast<double>(), g, Rng(1));
      INFO(solver.name << ", gap " << gap);
      CHECK(apart(x.cast<double>(), y) < 1.3e-5);
    }
  });
}

TEST_CASE("close levels: runs are continuous in the gap", "[diffusion][solver]") {
  // Nothing happens in between but noise of a size sqrt(2 gap), on slopes of up to 10.
  each_rule([](const auto& rule) {
    const auto solver = at_any_length(rule);
    const auto end = [&](double gap) {
      return sample_from(solver, runs::mixture(), starts.cast<double>(), with_pair(gap), Rng(1));
    };
    INFO(solver.name);
    CHECK(apart(end(1e-5), end(1e-9)) < 10 * std::sqrt(2e-5));
    CHECK(apart(end(1e-5), end(1e-9)) > 0);
  });
}

TEST_CASE("close levels: the order stays", "[diffusion][solver]") {
  // Pairs of levels 1e-9 apart: at the start, where a rule of full order begins with single steps,
  // and on the way, where one or two steps are of one order less.
  const auto slope = [](const auto& solver, bool at_start) {
    const auto error = [&](Index steps) {
      TimeGrid g = verify::time_grid(family, verify::Spacing::log_snr, steps, 12, 1 / 12.0);
      for (const std::size_t i : {std::size_t{0}, g.size() / 3}) {
        if ((i == 0) != at_start) continue;
        const Level l = verify::level(family, g[i].ratio() * (1 - 1e-9));
        g.insert(g.begin() + static_cast<std::ptrdiff_t>(i) + 1, l);
      }
      const auto x = starts.cast<double>();
      return apart(integrate(solver, runs::mixture(), x, g),
                   verify::exact_flow(runs::mixture(), x, g.front(), g.back()));
    };
    return std::log2(error(80) / error(160));
  };
  for (const bool at_start : {true, false}) {
    CHECK_THAT(slope(DpmMulti<2>{}, at_start), WithinAbs(2, 0.15));
    CHECK_THAT(slope(DpmMulti<3>{}, at_start), WithinAbs(3, 0.2));
    CHECK_THAT(slope(UniPc<2>{}, at_start), WithinAbs(3, 0.2));
    CHECK_THAT(slope(UniPc<3>{}, at_start), WithinAbs(4, 0.3));
    CHECK_THAT(slope(Deis<3>{}, at_start), WithinAbs(3, 0.2));
    CHECK_THAT(slope(Lms<4>{}, at_start), WithinAbs(4, 0.3));
  }
}
