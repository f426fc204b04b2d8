// Covers: ancestral at_ratio churn curve predictor_corrector restart
#include "diffusion/solver/runs.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/churn.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/parts/at_ratio.hpp"
#include "foglift/diffusion/solver/predictor_corrector.hpp"
#include "foglift/diffusion/solver/restart.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::solver;

namespace {

const TimeGrid vp = runs::irregular(verify::Family::variance_preserving, 9);

double x0_of(double z, double s) { return runs::denoised(runs::mixture(), z, Level{0, 1, s}); }
double euler(double z, double s, double t) {
  return z + (t - s) * (z - runs::denoised(runs::mixture(), z, Level{0, 1, s})) / s;
}
double dpm2(double z, double s, double t) {
  const double m = std::sqrt(s * t), zm = euler(z, s, m);
  return z + (t - s) * (zm - runs::denoised(runs::mixture(), zm, Level{0, 1, m})) / m;
}
double heun(double z, double s, double t) {
  const double d = (z - runs::denoised(runs::mixture(), z, Level{0, 1, s})) / s,
               end = z + (t - s) * d;
  return z + (t - s) * 0.5 * (d + (end - runs::denoised(runs::mixture(), end, Level{0, 1, t})) / t);
}

}  // namespace

TEST_CASE("at ratio: keeps to the curve of a level", "[diffusion][solver]") {
  for (const double s : {0.0, 0.3, 7.0}) {
    CHECK(at_ratio({0.5, 1, 2}, s) == Level{0.5, 1, s});
    const Level flow = at_ratio({0.5, 0.25, 0.75}, s), sphere = at_ratio({0.5, 0.6, 0.8}, s),
                wide = at_ratio({0.5, 1.2, 1.6}, s);
    CHECK_THAT(flow.alpha + flow.sigma, WithinAbs(1, 1e-15));
    CHECK_THAT(std::hypot(sphere.alpha, sphere.sigma), WithinAbs(1, 1e-15));
    CHECK_THAT(std::hypot(wide.alpha, wide.sigma), WithinAbs(2, 1e-15));
    for (const Level& l : {flow, sphere, wide}) CHECK_THAT(l.sigma, WithinAbs(s * l.alpha, 1e-15));
  }
}

TEST_CASE("ancestral: runs by hand around two solvers", "[diffusion][solver]") {
  for (const double eta : {0.0, 0.4, 1.0})
    for (const double x : {-1.1, 0.8}) {
      double a = x / vp[0].alpha, b = a;
      for (std::size_t i = 0; i + 1 < vp.size(); ++i) {
        const double s = vp[i].ratio(), t = vp[i + 1].ratio();
        const double up = std::min(t, eta * std::sqrt(t * t * (s * s - t * t) / (s * s))),
                     down = std::sqrt(t * t - up * up);
        const double z = eta > 0 ? runs::normal(i) : 0;
        a = euler(a, s, down) + up * 1.1 * z;
        b = dpm2(b, s, down) + up * 1.1 * z;
      }
      const double end = vp.back().alpha;
      CHECK_THAT(
          runs::end_of(EulerAncestral{.eta = eta, .noise_scale = 1.1}, runs::mixture(), x, vp),
          WithinAbs(a * end, 1e-11));
      CHECK_THAT(
          runs::end_of(Dpm2Ancestral{.eta = eta, .noise_scale = 1.1}, runs::mixture(), x, vp),
          WithinAbs(b * end, 1e-11));
    }
  CHECK(runs::gap(EulerAncestral{}, Ddim{.eta = 1}, runs::mixture(), vp) < 1e-13);
  // The same noise in a small step as Ddim's, to a few roundings: s_up does not come from s_down.
  for (const double h : {1e-6, 1e-9, 1e-12}) {
    const TimeGrid small{{0.6, 1, 2}, {0.5, 1, 2 * (1 - h)}};
    CHECK(runs::gap(EulerAncestral{.eta = 0.5}, Ddim{.eta = 0.5}, runs::mixture(), small) < 1e-14);
  }
  // eta above 1 stops where all noise is fresh.
  {
    const double s = vp[2].ratio(), t = vp[3].ratio(), x = 0.6;
    const double up = std::min(t, 1.02 * t * std::sqrt(1 - t * t / (s * s))),
                 down = std::sqrt(t * t - up * up);
    CHECK_THAT(
        EulerAncestral{.eta = 1.02}
            .step(Tensor<double>({1, 1}, x), vp[2], vp[3], runs::mixture(), runs::step_rng(4))
            .item(),
        WithinAbs(vp[3].alpha * (euler(x / vp[2].alpha, s, down) + up * runs::normal(4)), 1e-12));
    const Tensor<double> any({1, 1}, x);
    CHECK_THAT(
        EulerAncestral{.eta = 5}.step(any, vp[2], vp[3], runs::mixture(), runs::step_rng(4)).item(),
        WithinAbs(vp[3].alpha * (x0_of(x / vp[2].alpha, s) + t * runs::normal(4)), 1e-12));
  }
  // Without its noise a step ends at s_down, scaled to the target's signal.
  const Level from = vp[2], to = vp[3];
  const double s = from.ratio(), t = to.ratio();
  const auto quiet = EulerAncestral{.noise_scale = 0}.step(Tensor<double>({1, 1}, 0.6), from, to,
                                                           runs::mixture(), runs::step_rng(0));
  CHECK_THAT(quiet.item(), WithinAbs(to.alpha * euler(0.6 / from.alpha, s, t * t / s), 1e-13));
}

TEST_CASE("ancestral: the flow's rule as published", "[diffusion][solver]") {
  // sigma_down = sigma' (1 + (sigma'/sigma - 1) eta); then k x + sqrt(sigma'^2 - k^2 sigma_down^2)
  // z with k = (1 - sigma') / (1 - sigma_down).
  const TimeGrid g = runs::irregular(verify::Family::flow, 8);
  for (const double eta : {0.5, 1.0})
    for (const double start : {-0.7, 1.2}) {
      double x = start;
      for (std::size_t i = 0; i + 1 < g.size(); ++i) {
        const double s = g[i].sigma, t = g[i + 1].sigma, down = t * (1 + (t / s - 1) * eta),
                     k = (1 - t) / (1 - down);
        const double x0 = runs::denoised(runs::mixture(), x, g[i]);
        x = down / s * x + (1 - down / s) * x0;
        x = k * x + std::sqrt(t * t - k * k * down * down) * runs::normal(i);
      }
      CHECK_THAT(runs::end_of(EulerAncestral{.eta = eta, .rule = AncestralRule::flow},
                              runs::mixture(), start, g),
                 WithinAbs(x, 1e-11));
    }
  CHECK_THROWS_AS(
      runs::end_of(EulerAncestral{.eta = 1.5, .rule = AncestralRule::flow}, runs::mixture(), 1, g),
      ArgumentError);
  CHECK_THROWS_AS(runs::end_of(EulerAncestral{.eta = -1}, runs::mixture(), 1, g), ArgumentError);
  CHECK_THROWS_AS(runs::end_of(EulerAncestral{.noise_scale = HUGE_VAL}, runs::mixture(), 1, g),
                  ArgumentError);
}

TEST_CASE("churn: runs by hand", "[diffusion][solver]") {
  // Nine steps, churn 2: gamma = 2/9 where 0.2 <= s <= 4; churn 9 is cut to sqrt(2) - 1.
  for (const double churn : {0.0, 2.0, 9.0})
    for (const double x : {-1.1, 0.8}) {
      double z = x / vp[0].alpha;
      for (std::size_t i = 0; i + 1 < vp.size(); ++i) {
        double s = vp[i].ratio();
        const double gamma = s >= 0.2 && s <= 4 ? std::min(churn / 9, std::sqrt(2.0) - 1) : 0,
                     lifted = s * (1 + gamma);
        if (gamma > 0) z += std::sqrt(lifted * lifted - s * s) * 1.05 * runs::normal(i);
        z = heun(z, lifted, vp[i + 1].ratio());
      }
      const Churn<Heun> solver{
          .churn = churn, .min_ratio = 0.2, .max_ratio = 4, .noise_scale = 1.05};
      CHECK_THAT(runs::end_of(solver, runs::mixture(), x, vp),
                 WithinAbs(z * vp.back().alpha, 1e-11));
    }
  CHECK_THROWS_AS(runs::end_of(Churn<Heun>{.churn = -1}, runs::mixture(), 1, vp), ArgumentError);
  CHECK_THROWS_AS(runs::end_of(Churn<Heun>{.min_ratio = 2, .max_ratio = 1}, runs::mixture(), 1, vp),
                  ArgumentError);
}

TEST_CASE("noise around solvers: weak order of the solver inside", "[diffusion][solver]") {
  const auto slope = [](const auto& solver) { return verify::weak_order(solver).slope(); };
  CHECK_THAT(slope(EulerAncestral{}), WithinAbs(1, 0.1));
  CHECK_THAT(slope(Dpm2Ancestral{}), WithinAbs(2, 0.1));
  CHECK_THAT(slope(DpmSingleAncestral{}), WithinAbs(2, 0.1));
  CHECK_THAT(slope(Dpm2Ancestral{.rule = AncestralRule::flow}), WithinAbs(2, 0.1));
  CHECK_THAT(slope(Churn<Heun>{.noise_scale = 1}), WithinAbs(2, 0.15));
  CHECK_THAT(slope(Churn<Euler>{.noise_scale = 1}), WithinAbs(1, 0.2));
  CHECK_THAT(slope(Restart<>{}), WithinAbs(2, 0.1));
}

TEST_CASE("restart: a run by hand", "[diffusion][solver]") {
  // After the level closest to 0.4, twice: up to 1.5, and down in 3 Karras steps.
  std::size_t at = 0;
  for (std::size_t i = 1; i < vp.size(); ++i)
    if (std::abs(vp[i].ratio() - 0.4) < std::abs(vp[at].ratio() - 0.4)) at = i;
  double z = 0.9 / vp[0].alpha;
  for (std::size_t i = 0; i + 1 < vp.size(); ++i) {
    z = heun(z, vp[i].ratio(), vp[i + 1].ratio());
    if (i + 1 != at) continue;
    const double low = vp[at].ratio();
    for (std::uint64_t k = 1; k <= 2; ++k) {
      z += std::sqrt(1.5 * 1.5 - low * low) * runs::normal(i, k);
      const auto karras = [&](double u) {
        return std::pow(
            std::pow(1.5, 1.0 / 7) + u * (std::pow(low, 1.0 / 7) - std::pow(1.5, 1.0 / 7)), 7);
      };
      for (int j = 0; j < 3; ++j) z = heun(z, karras(j / 3.0), karras((j + 1) / 3.0));
    }
  }
  const Restart<> solver{
      .intervals = {{.steps = 3, .times = 2, .min_ratio = 0.4, .max_ratio = 1.5}}};
  CHECK_THAT(runs::end_of(solver, runs::mixture(), 0.9, vp), WithinAbs(z * vp.back().alpha, 1e-11));
  // No noisy level below the interval's top: nothing to restart from.
  const TimeGrid one{vp.front(), grid::clean};
  CHECK(runs::gap(Restart<>{}, Heun{}, runs::mixture(), one) == 0);
  CHECK_THROWS_AS(runs::end_of(Restart<>{.intervals = {{.min_ratio = 2, .max_ratio = 1}}},
                               runs::mixture(), 1, vp),
                  ArgumentError);
  CHECK_THROWS_AS(runs::end_of(Restart<>{.noise_scale = -1}, runs::mixture(), 1, vp),
                  ArgumentError);
}

TEST_CASE("langevin: one step by hand, with the norms of each sample", "[diffusion][solver]") {
  const Level at = verify::level(verify::Family::variance_preserving, 0.8);
  const analytic::Mixture plane({{0.3, {-1, 0.5}, 0.16}, {0.7, {1.5, -0.2}, 0.36}});
  const Tensor<double> x({2, 2}, {0.3, -0.4, 1.0, 0.8});
  const auto z = runs::step_rng(0).normal<double>({2, 2}, 7);
  const auto x0 = plane(x, at);
  for (const auto rule : {LangevinStep::norms, LangevinStep::level}) {
    const PredictorCorrector<> pc{.snr = 0.2, .rule = rule};
    const auto y = pc.langevin(x, at, 0.9, plane, runs::step_rng(0), 7);
    for (Index b = 0; b < 2; ++b) {
      double score[2], zz = 0, ss = 0;
      for (Index i = 0; i < 2; ++i) {
        score[i] = (at.alpha * x0(b, i) - x(b, i)) / (at.sigma * at.sigma);
        zz += z(b, i) * z(b, i);
        ss += score[i] * score[i];
      }
      const double e = rule == LangevinStep::norms ? 2 * 0.9 * 0.04 * zz / ss
                                                   : 2 * 0.9 * 0.04 * at.sigma * at.sigma;
      for (Index i = 0; i < 2; ++i)
        CHECK_THAT(y(b, i), WithinAbs(x(b, i) + e * score[i] + std::sqrt(2 * e) * z(b, i), 1e-13));
    }
    // A sample is the same without its companion.
    CHECK(pc.langevin(x.rows(0, 1), at, 0.9, plane, runs::step_rng(0), 7) == y.rows(0, 1));
  }
}

TEST_CASE("langevin: the marginal is stationary to the order of the step", "[diffusion][solver]") {
  // On Gaussian data x' = (1 - e / V) x + sqrt(2 e) z leaves the variance V at V (1 + (e / V)^2 -
  // ...): V - (2 e / V) V + e^2 / V + 2 e = V + e^2 / V, by the affine map of one step.
  const auto data = analytic::gaussian({.mean = 0.7, .variance = 0.25});
  const Level at = verify::level(verify::Family::variance_preserving, 0.8);
  const double V = 0.25 * at.alpha * at.alpha + at.sigma * at.sigma;
  struct Alone {
    static double variance(const analytic::Gaussian& d, const Level& l, double snr, double before) {
      const PredictorCorrector<> pc{.snr = snr, .rule = LangevinStep::level};
      const auto step = [&](double x, std::size_t seed) {
        return pc.langevin(Tensor<double>({1, 1}, x), l, 1, d, runs::step_rng(seed), 1).item();
      };
      const double gain = step(1, 0) - step(0, 0);
      const double noise = (step(0, 0) - step(0, 1)) / (runs::normal(0, 1) - runs::normal(1, 1));
      return gain * gain * before + noise * noise;
    }
  };
  for (const double snr : {0.1, 0.3}) {
    const double e = 2 * snr * snr * at.sigma * at.sigma;
    CHECK_THAT(Alone::variance(data, at, snr, V), WithinAbs(V + e * e / V, 1e-12));
  }
}

TEST_CASE("predictor corrector: the error in the variance settles and stays",
          "[diffusion][solver]") {
  // At the last level e / V = 2 (snr sigma)^2 / V = 0.0512 / 1.25. Ever more Langevin steps close
  // to it leave V / (1 - e / (2 V)), the fixed point of V -> (1 - e / V)^2 V + 2 e, and the
  // predictor's own error vanishes: 2.09 % of the variance remain, within 4 % of that at 640 and
  // 1280 steps.
  static_assert(PredictorCorrector<>::weak_order == no_limit &&
                AnnealedLangevin::weak_order == no_limit);
  const double e = 2 * 0.16 * 0.16, V = 1.25, left = 1 / (1 - e / (2 * V)) - 1;
  const auto found =
      verify::weak_order(PredictorCorrector<>{.snr = 0.16, .rule = LangevinStep::level},
                         {.min = 1, .coarsest = 640, .doublings = 1});
  for (const double error : found.errors) CHECK_THAT(error, WithinRel(left, 0.04));
  CHECK_THAT(found.slope(), WithinAbs(0, 0.05));
}

TEST_CASE("predictor corrector: the exact law for samples of few elements", "[diffusion][solver]") {
  // N elements in all, in samples of n: their mean and variance have standard errors sqrt(V / N)
  // and sqrt(2 / N) V about those of the run, which are exact moments.
  const auto check = [](const auto& solver) {
    const verify::Moments data{0.7, 0.25};
    const auto density = analytic::gaussian({.mean = data.mean, .variance = data.variance});
    const auto grid = grid::log_snr(schedule::Edm{}, 40, {.min = 0.05, .max = 10});
    const auto exact = verify::moments(solver, density, grid, {0, 100});
    for (const Index n : {1, 2, 3, 8, 64}) {
      const auto x = sample<double>(solver, density, {38400 / n, n}, grid, Rng(3));
      const auto count = static_cast<double>(x.size());
      double mean = 0, variance = 0;
      for (const double v : x) mean += v / count;
      for (const double v : x) variance += (v - mean) * (v - mean) / count;
      INFO(n << " elements");
      CHECK_THAT(mean, WithinAbs(exact.mean, 4 * std::sqrt(exact.variance / count)));
      CHECK_THAT(variance, WithinAbs(exact.variance, 4 * std::sqrt(2 / count) * exact.variance));
    }
  };
  check(PredictorCorrector<>{});
  check(PredictorCorrector<>{.corrections = 3});
  check(AnnealedLangevin{.corrections = 5});
}

TEST_CASE("predictor corrector: corrections, then the predictor", "[diffusion][solver]") {
  const Level from = vp[3], to = vp[4];
  const Tensor<double> x({3, 1}, {-1, 0.2, 0.9});
  const PredictorCorrector<> pc{.corrections = 2, .snr = 0.1};
  const double a = from.alpha / to.alpha;
  const StepRng rng = runs::step_rng(5);
  auto y = pc.langevin(x, from, a * a, runs::mixture(), rng, 1);
  y = pc.langevin(std::move(y), from, a * a, runs::mixture(), rng, 2);
  y = ReverseDiffusion{}.step(std::move(y), from, to, runs::mixture(), rng);
  CHECK(pc.step(x, from, to, runs::mixture(), rng) == y);
  CHECK(PredictorCorrector<>{.corrections = 0}.step(x, from, to, runs::mixture(), rng) ==
        ReverseDiffusion{}.step(x, from, to, runs::mixture(), rng));
  // Annealed: nothing but Langevin steps, the state carried along x / alpha.
  const AnnealedLangevin annealed{.corrections = 1, .snr = 0.1};
  const auto moved = annealed.step(x, from, to, runs::mixture(), rng),
             kept = annealed.langevin(x, from, a * a, runs::mixture(), rng, 1);
  for (Index i = 0; i < 3; ++i)
    CHECK_THAT(moved[i], WithinAbs(kept[i] * to.alpha / from.alpha, 1e-14));
  for (const auto& [f, t] :
       {std::pair{Level{1, 0, 1}, to}, {from, grid::clean}, {Level{1, 0, 1}, grid::clean}})
    for (const double v : annealed.step(x, f, t, runs::mixture(), rng)) CHECK(std::isfinite(v));
  CHECK_THROWS_AS(PredictorCorrector<>{.snr = 0}.step(x, from, to, runs::mixture(), rng),
                  ArgumentError);
  CHECK_THROWS_AS(PredictorCorrector<>{.corrections = -1}.step(x, from, to, runs::mixture(), rng),
                  ArgumentError);
  CHECK_THAT(
      verify::weak_order(PredictorCorrector<>{.snr = 0.01, .rule = LangevinStep::level}).slope(),
      WithinAbs(1, 0.1));
}
