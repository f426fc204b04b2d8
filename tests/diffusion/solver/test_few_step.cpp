// Covers: at_any_length step_number
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/consistency.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

const analytic::Gaussian data({.mean = 0.7, .variance = 0.25});

/// The consistency function of Gaussian data: the end, at ratio s_min, of the flow through x.
struct Exact {
  double s_min = 0;
  Tensor<double> operator()(const Tensor<double>& x, const Level& l) const {
    const double gain = std::sqrt((0.25 + s_min * s_min) * l.alpha * l.alpha /
                                  (0.25 * l.alpha * l.alpha + l.sigma * l.sigma));
    auto out = x;
    for (double& v : out) v = 0.7 + gain * (v / l.alpha - 0.7);
    return out;
  }
};

}  // namespace

TEST_CASE("consistency: moments are exact with the exact function", "[diffusion][solver]") {
  // Each jump lands on the data's law (with noise of ratio s_min), whatever the levels.
  const double s_min = 0.1;
  TimeGrid g;
  for (const double s : {9.0, 2.0, 0.5})
    g.push_back(verify::level(verify::Family::variance_preserving, s));
  const auto law = [](const Level& l) {
    return verify::Moments{0.7 * l.alpha, 0.25 * l.alpha * l.alpha + l.sigma * l.sigma};
  };
  const auto run = [&](const Consistency& solver, double from) {
    Tensor<double> x({1, 1}, from);
    for (std::size_t i = 0; i + 1 < g.size(); ++i)
      x = solver.step(std::move(x), g[i], g[i + 1], Exact{solver.min_ratio}, runs::step_rng(i));
    return x.item();
  };
  for (const double least : {0.0, s_min}) {
    const Consistency solver{.min_ratio = least};
    // x' = constant + gain x + sum_i c_i z_i: the last normal's weight by hand, the others from the
    // gains.
    const double gain = run(solver, 1) - run(solver, 0);
    double mean = run(solver, 0), variance = gain * gain * law(g[0]).variance, carry = 1;
    for (std::size_t i = g.size() - 1; i-- > 0;) {
      const double up = g[i + 1].alpha * std::sqrt(std::pow(g[i + 1].ratio(), 2) - least * least);
      mean -= carry * up * runs::normal(i);
      variance += carry * carry * up * up;
      const Level& l = g[i];
      carry *= g[i + 1].alpha *
               std::sqrt((0.25 + least * least) / (0.25 * l.alpha * l.alpha + l.sigma * l.sigma));
    }
    CHECK_THAT(mean + gain * law(g[0]).mean, WithinAbs(law(g.back()).mean, 1e-12));
    CHECK_THAT(variance, WithinAbs(law(g.back()).variance, 1e-12));
  }
  // The last jump returns the function's value.
  const Tensor<double> x({1, 1}, 0.4);
  CHECK(Lcm{}.step(x, g[2], grid::clean, Exact{}, runs::step_rng(0)) == Exact{}(x, g[2]));
  CHECK_THROWS_AS(Consistency{.min_ratio = -1}.step(x, g[0], g[1], Exact{}, runs::step_rng(0)),
                  ArgumentError);
}

TEST_CASE("tcd: a step by hand, and its ends", "[diffusion][solver]") {
  const schedule::Linear s;
  const Level from = s.at(0.8), to = s.at(0.5), below = s.at(0.7 * 0.5);
  for (const double x : {-0.7, 1.1}) {
    const Tensor<double> start({1, 1}, x);
    const double x0 = runs::denoised(runs::mixture(), x, from),
                 eps = (x - from.alpha * x0) / from.sigma;
    const double down = below.alpha * x0 + below.sigma * eps, k = to.alpha / below.alpha;
    const double expected =
        k * down +
        std::sqrt(to.sigma * to.sigma - k * k * below.sigma * below.sigma) * runs::normal(2);
    CHECK_THAT(Tcd(s, 0.3).step(start, from, to, runs::mixture(), runs::step_rng(2)).item(),
               WithinAbs(expected, 1e-13));
    CHECK(Tcd(s, 0).step(start, from, to, runs::mixture(), runs::step_rng(2)) ==
          Euler{}.step(start, from, to, runs::mixture(), runs::step_rng(2)));
    CHECK_THAT(
        Tcd(s, 1).step(start, from, to, runs::mixture(), runs::step_rng(2)).item(),
        WithinAbs(Consistency{}.step(start, from, to, runs::mixture(), runs::step_rng(2)).item(),
                  1e-14));
    CHECK_THAT(
        Tcd(s, 0.3).step(start, from, grid::clean, runs::mixture(), runs::step_rng(2)).item(),
        WithinAbs(x0, 1e-15));
  }
  CHECK_THROWS_AS(Tcd(s, 1.1), ArgumentError);
}
