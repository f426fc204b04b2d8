// Covers: cfg_plus_plus dpm2 gradient_estimation heun named reverse_sde
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/process.hpp"
#include "foglift/diffusion/process/named.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/cfg_plus_plus.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm2.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "foglift/diffusion/solver/gradient_estimation.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/reverse_sde.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

const TimeGrid vp = runs::irregular(verify::Family::variance_preserving, 9);

/// x0 at z = x / alpha and s = sigma / alpha.
double x0_at(double z, double s) { return runs::denoised(runs::mixture(), z, Level{0, 1, s}); }

/// One step of a solver on z = x / alpha, from s to t, on a curve that is none of the named ones.
template <class S>
double step_of(const S& solver, double z, double s, double t) {
  const Level from{0.7, 0.3, 0.3 * s}, to{0.5, 0.6, 0.6 * t};
  return at_any_length(solver)
             .step(Tensor<double>({1, 1}, 0.3 * z), from, to, runs::mixture(), runs::step_rng(0))
             .item() /
         0.6;
}

}  // namespace

TEST_CASE("one step: two-stage rules in sigma over alpha", "[diffusion][solver]") {
  const double s = 2.5, t = 1.1;
  for (const double z : {-3.0, 0.2, 4.0}) {
    const auto slope = [](double at, double ratio) { return (at - x0_at(at, ratio)) / ratio; };
    const double d = slope(z, s);
    CHECK_THAT(step_of(Euler{}, z, s, t), WithinAbs(z + (t - s) * d, 1e-13));
    for (const double a : {1.0, 0.5, 2.0 / 3}) {
      const double inner = slope(z + a * (t - s) * d, s + a * (t - s));
      const double expected = z + (t - s) * ((1 - 0.5 / a) * d + 0.5 / a * inner);
      CHECK_THAT(step_of(Heun{.stage = a}, z, s, t), WithinAbs(expected, 1e-12));
    }
    const double geometric = std::sqrt(s * t),
                 cubes = std::pow(0.5 * (std::cbrt(s) + std::cbrt(t)), 3);
    CHECK_THAT(step_of(Dpm2{}, z, s, t),
               WithinAbs(z + (t - s) * slope(z + (geometric - s) * d, geometric), 1e-12));
    CHECK_THAT(step_of(Dpm2{Dpm2::Middle::cube_root}, z, s, t),
               WithinAbs(z + (t - s) * slope(z + (cubes - s) * d, cubes), 1e-12));
  }
  CHECK(runs::gap(Euler{}, Ddim{}, runs::mixture(), vp) == 0);
  // DPM-Solver-2 in noise form is the rule with its middle in log sigma.
  CHECK(runs::gap(Dpm2{}, DpmSingle<2>{.prediction = Prediction::noise}, runs::mixture(), vp) <
        1e-12);
  CHECK_THROWS_AS(step_of(Heun{.stage = 0}, 1, s, t), ArgumentError);
  CHECK_THROWS_AS(step_of(Heun{.stage = 1.5}, 1, s, t), ArgumentError);
}

TEST_CASE("one step: measured orders", "[diffusion][solver]") {
  for (const auto spacing : {verify::Spacing::log_snr, verify::Spacing::karras}) {
    const auto slope = [&](const auto& solver) {
      return verify::order(solver, {.spacing = spacing}).slope();
    };
    CHECK_THAT(slope(Euler{}), WithinAbs(1, 0.1));
    CHECK_THAT(slope(Heun{.stage = 0.5}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(Heun{.stage = 2.0 / 3}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(Dpm2{}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(Dpm2{Dpm2::Middle::cube_root}), WithinAbs(2, 0.1));
    CHECK_THAT(slope(GradientEstimation{}), WithinAbs(1, 0.1));
  }
  // As tabulated at 160 steps: 1.5e-4 and 7.9e-5.
  CHECK_THAT(verify::order(Heun{}).errors.back(), WithinRel(1.5e-4, 0.2));
  CHECK_THAT(verify::order(Dpm2{}).errors.back(), WithinRel(7.9e-5, 0.2));
}

TEST_CASE("one step: gradient estimation by hand", "[diffusion][solver]") {
  for (const double gamma : {1.0, 1.5, 2.0}) {
    double z = 1.3 / vp[0].alpha, last = 0;
    for (std::size_t i = 0; i + 1 < vp.size(); ++i) {
      const double s = vp[i].ratio(), eps = (z - x0_at(z, s)) / s;
      z += (vp[i + 1].ratio() - s) * (i == 0 ? eps : gamma * eps + (1 - gamma) * last);
      last = eps;
    }
    CHECK_THAT(runs::end_of(GradientEstimation{gamma}, runs::mixture(), 1.3, vp),
               WithinAbs(z * vp.back().alpha, 1e-12));
  }
  CHECK(runs::gap(GradientEstimation{1}, Euler{}, runs::mixture(), vp) < 1e-13);
  // gamma = 3/2 is the second-order Adams rule where steps are equal in s.
  const auto error = [](Index n) {
    TimeGrid g;
    for (Index i = 0; i <= n; ++i)
      g.push_back(verify::level(verify::Family::flow,
                                4 - 3.5 * static_cast<double>(i) / static_cast<double>(n)));
    const Tensor<double> x({1, 1}, 0.4);
    return std::abs(integrate(GradientEstimation{1.5}, runs::mixture(), x, g).item() -
                    verify::exact_flow(runs::mixture(), x, g.front(), g.back()).item());
  };
  CHECK_THAT(std::log2(error(160) / error(320)), WithinAbs(2, 0.1));
  CHECK_THROWS_AS(runs::end_of(GradientEstimation{std::nan("")}, runs::mixture(), 1, vp),
                  ArgumentError);
}

TEST_CASE("one step: reverse diffusion as published", "[diffusion][solver]") {
  // Variance exploding: x + (s^2 - t^2) score + sqrt(s^2 - t^2) z. Variance preserving, with the
  // beta of the step: (2 - sqrt(1 - beta)) x + beta score + sqrt(beta) z.
  for (const double x : {-1.2, 0.4}) {
    const Level from{0, 1, 2.5}, to{0, 1, 1.7};
    const Tensor<double> start({1, 1}, x);
    const double score = (runs::denoised(runs::mixture(), x, from) - x) / 6.25,
                 part = 6.25 - 1.7 * 1.7;
    CHECK_THAT(ReverseDiffusion{}.step(start, from, to, runs::mixture(), runs::step_rng(0)).item(),
               WithinAbs(x + part * score + std::sqrt(part) * runs::normal(0), 1e-13));
    const auto chain = DiscreteSchedule::linear(100);
    const Level here = chain.step(40), there = chain.step(39);
    const double beta = chain.beta(40);
    const double own =
        (here.alpha * runs::denoised(runs::mixture(), x, here) - x) / (here.sigma * here.sigma);
    CHECK_THAT(
        ReverseDiffusion{}.step(start, here, there, runs::mixture(), runs::step_rng(0)).item(),
        WithinAbs((2 - std::sqrt(1 - beta)) * x + beta * own + std::sqrt(beta) * runs::normal(0),
                  1e-13));
    CHECK_THAT(ReverseDiffusion{}
                   .step(start, here, grid::clean, runs::mixture(), runs::step_rng(0))
                   .item(),
               WithinAbs(runs::denoised(runs::mixture(), x, here), 1e-15));
  }
  // On the clock sigma^2, variance exploding, it is ancestral sampling with the large variance.
  CHECK(runs::gap(ReverseDiffusion{}, Ddpm{.variance = Ddpm::Variance::large}, runs::mixture(),
                  runs::irregular(verify::Family::variance_exploding, 9)) < 1e-12);
  // From pure noise: x + sigma z.
  CHECK_THAT(
      ReverseDiffusion{}
          .step(Tensor<double>({1, 1}, 0.4), {1, 0, 1.5}, vp[3], runs::mixture(), runs::step_rng(0))
          .item(),
      WithinAbs(0.4 + 1.5 * runs::normal(0), 1e-14));
  CHECK_THAT(verify::weak_order(ReverseDiffusion{}).slope(), WithinAbs(1, 0.1));
  CHECK_THAT(verify::weak_order(ReverseDiffusion{}, {.family = verify::Family::variance_preserving})
                 .slope(),
             WithinAbs(1, 0.1));
}

TEST_CASE("one step: ancestral identities hold close to pure noise", "[diffusion][solver]") {
  // With q = 1e-4 ... 1e-9 the share of the old noise, q, is lost in 1 - (1 - q^2).
  for (const double alpha : {1e-2, 1e-4, 1e-6, 1e-8, 1e-9}) {
    const TimeGrid g{{0.9, alpha, std::sqrt(1 - alpha * alpha)}, {0.5, 0.8, 0.6}};
    CHECK(runs::gap(Ddim{.eta = 1}, Ddpm{}, runs::mixture(), g) < 1e-15);
    CHECK(runs::gap(EulerAncestral{}, Ddpm{}, runs::mixture(), g) < 1e-15);
  }
  for (const double q : {0.0, 1e-12, 0.3, 1.0}) {
    CHECK_THAT(kept_share(1, q), WithinRel(q, 1e-15));
    CHECK(kept_share(0, q) == 1);
    CHECK_THAT(kept_share(0.6, q), WithinRel(std::sqrt(1 - 0.36 * (1 - q * q)), 1e-14));
  }
  CHECK(kept_share(1.5, 0.1) == 0);
}

TEST_CASE("one step: euler maruyama of processes", "[diffusion][solver]") {
  // By hand: x - (f x - g^2 score) D + g sqrt(D) z with f = -beta / 2, g^2 = beta.
  const schedule::Linear s;
  const EulerMaruyama rule(process::VariancePreserving<schedule::Linear>{});
  const Level from = s.at(0.5), to = s.at(0.45);
  const double x = 0.7, beta = 0.1 + 19.9 * 0.5;
  const double score =
      (from.alpha * runs::denoised(runs::mixture(), x, from) - x) / (from.sigma * from.sigma);
  const double y =
      rule.step(Tensor<double>({1, 1}, x), from, to, runs::mixture(), runs::step_rng(0)).item();
  CHECK_THAT(y, WithinAbs(x - (-0.5 * beta * x - beta * score) * 0.05 +
                              std::sqrt(beta * 0.05) * runs::normal(0),
                          1e-12));
  CHECK_THROWS_AS(
      rule.step(Tensor<double>({1, 1}, x), to, from, runs::mixture(), runs::step_rng(0)),
      ArgumentError);
  CHECK_THROWS_AS(EulerMaruyama(process::Affine<schedule::Flow>{})
                      .step(Tensor<double>({1, 1}, x), schedule::Flow{}.at(1),
                            schedule::Flow{}.at(0.9), runs::mixture(), runs::step_rng(0)),
                  ArgumentError);
  // Weak order 1 on grids of the process's own time, by exact moments.
  const auto data = analytic::gaussian({.mean = 0.7, .variance = 0.25});
  const auto slope = [&](const auto& process) {
    const auto error = [&](Index n) {
      const auto g =
          grid::uniform(process, n, {.first = 0.6, .last = 0.1, .end = grid::Last::keep});
      const auto exact = [&](const Level& l) {
        return verify::Moments{0.7 * l.alpha, 0.25 * l.alpha * l.alpha + l.sigma * l.sigma};
      };
      return std::abs(verify::moments(EulerMaruyama(process), data, g, exact(g.front())).variance /
                          exact(g.back()).variance -
                      1);
    };
    return std::log2(error(480) / error(960));
  };
  CHECK_THAT(slope(process::VariancePreserving<schedule::Linear>{}), WithinAbs(1, 0.15));
  CHECK_THAT(slope(process::VarianceExploding{}), WithinAbs(1, 0.15));
  CHECK_THAT(slope(process::RectifiedFlow{}), WithinAbs(1, 0.15));
}

TEST_CASE("one step: cfg plus plus by hand", "[diffusion][solver]") {
  const auto plain = analytic::gaussian({.mean = 0.2, .variance = 1.5});
  const CfgPlusPlus solver(plain, 0.6);
  const Level from = verify::level(verify::Family::flow, 2.0),
              to = verify::level(verify::Family::flow, 0.9);
  for (const double x : {-0.8, 1.4}) {
    const double c = runs::denoised(runs::mixture(), x, from), u = runs::denoised(plain, x, from);
    const double expected =
        to.alpha * (u + 0.6 * (c - u)) + to.sigma * (x - from.alpha * u) / from.sigma;
    CHECK_THAT(
        solver.step(Tensor<double>({1, 1}, x), from, to, runs::mixture(), runs::step_rng(0)).item(),
        WithinAbs(expected, 1e-13));
  }
  CHECK(runs::gap(CfgPlusPlus(runs::mixture(), 0.3), Euler{}, runs::mixture(), vp) < 1e-13);
  CHECK_THROWS_AS(CfgPlusPlus(plain, std::nan("")), ArgumentError);
}
