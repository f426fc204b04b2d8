// Covers: ancestral ddim ddpm diffusion/affine euler grid/groups heun levels per_row sample
//   step_rng train/groups transfer walk
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/parts/brownian.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>
#include <vector>

using namespace foglift;
using namespace solver;

namespace {

/// Rules that take Levels, in each of their branches.
const auto rules = std::make_tuple(
    Ddim{}, Ddim{.eta = 1}, Ddim{.eta = 0.4}, Ddpm{}, Ddpm{Ddpm::Variance::large}, Euler{}, Heun{},
    Heun{.stage = 0.5}, EulerAncestral{}, EulerAncestral{.eta = 0.5, .rule = AncestralRule::flow},
    Ancestral<Heun>{.eta = 0.7}, Ancestral<Heun>{.noise_scale = 0});

template <class F>
void for_rules(const F& f) {
  std::apply(
      [&](const auto&... rule) {
        (
            [&] {
              INFO(rule.name);
              f(rule);
            }(),
            ...);
      },
      rules);
}

const analytic::Gaussian data = analytic::gaussian({.mean = 0.7, .variance = 0.4});

/// Where rows leave and arrive: inner steps, one from pure noise, one to clean data.
const std::vector<Level> leave{{0.9, 0.2, 0.98}, {1, 0, 1}, {0.3, 0.9, 0.436}, {0.5, 0.6, 0.8}},
    arrive{{0.8, 0.3, 0.95}, {0.9, 0.2, 0.98}, {0, 1, 0}, {0.2, 0.95, 0.3}};

std::vector<Level> times(const std::vector<Level>& levels, std::size_t count) {
  std::vector<Level> out;
  for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), levels.begin(), levels.end());
  return out;
}

}  // namespace

TEST_CASE("levels: equal levels give the bits of one level", "[solver][levels]") {
  const auto x = Rng(1).normal<float>({3, 8});
  const BrownianPath path(Rng(4));
  for_rules([&](const auto& rule) {
    for (const NoiseSource* source :
         {static_cast<const NoiseSource*>(nullptr), static_cast<const NoiseSource*>(&path)}) {
      const StepRng noise(Rng(2), 5, 1, source);
      for (std::size_t k = 0; k < leave.size(); ++k) {
        if (source && leave[k].alpha == 0) continue;  // the clock of the path ends there
        const auto one = rule.step(x, leave[k], arrive[k], data, noise);
        const std::vector<Level> from(6, leave[k]), to(6, arrive[k]);
        CHECK(rule.step(x, Levels(leave[k]), Levels(arrive[k]), data, noise) == one);
        CHECK(rule.step(x, Levels(from, 2), Levels(to, 2), data, noise) == one);
      }
    }
  });
}

TEST_CASE("levels: a group's elements are those of a step of all at its level",
          "[solver][levels]") {
  const auto x = Rng(1).normal<double>({3, 8});
  const StepRng noise(Rng(2), 5, 1);
  const Index groups = std::ssize(leave), m = 8 / groups;
  const auto from = times(leave, 3), to = times(arrive, 3);
  for_rules([&](const auto& rule) {
    const auto all = rule.step(x, Levels(from, groups), Levels(to, groups), data, noise);
    for (Index g = 0; g < groups; ++g) {
      const auto k = static_cast<std::size_t>(g);
      const auto one = rule.step(x, leave[k], arrive[k], data, noise);
      for (Index b = 0; b < 3; ++b)
        for (Index i = g * m; i < (g + 1) * m; ++i) CHECK(all(b, i) == one(b, i));
    }
  });
}

TEST_CASE("levels: a sample's step is the one it takes alone", "[solver][levels]") {
  const auto x = Rng(1).normal<float>({4, 2, 3});
  for_rules([&](const auto& rule) {
    const auto all = rule.step(x, Levels(leave), Levels(arrive), data, StepRng(Rng(2), 5, 1));
    for (Index b = 0; b < 4; ++b) {
      const auto k = static_cast<std::size_t>(b);
      CHECK(all.rows(b, 1) ==
            rule.step(x.rows(b, 1), leave[k], arrive[k], data, StepRng(Rng(2), 5 + k, 1)));
    }
  });
}

TEST_CASE("levels: what stays at its level stays, whatever is said of it", "[solver][levels]") {
  const auto x = Rng(1).normal<float>({2, 4});
  // A denoiser by the score has no answer at clean data.
  const auto by_score = [](const Tensor<float>& at, const Levels& levels) {
    Tensor<float> x0 = at;
    for (Index r = 0; r < levels.rows(2, 4, "test"); ++r)
      if (levels[r].sigma == 0)
        for (Index i = 2 * r; i < 2 * r + 2; ++i) x0[i] = std::numeric_limits<float>::quiet_NaN();
    return x0;
  };
  const Level clean = grid::clean, noisy = leave[0];
  const std::vector<Level> from{clean, leave[3], noisy, leave[3]},
      to{clean, arrive[3], noisy, arrive[3]};
  for_rules([&](const auto& rule) {
    const auto out = rule.step(x, Levels(from, 2), Levels(to, 2), by_score, StepRng(Rng(2), 0, 1));
    for (Index b = 0; b < 2; ++b)
      for (Index i = 0; i < 4; ++i) CHECK((out(b, i) == x(b, i)) == (i < 2));
  });
}

TEST_CASE("levels: steps that can not be taken are named", "[solver][levels]") {
  const Tensor<float> x({2, 4});
  const StepRng noise(Rng(2), 0, 0);
  const std::vector<Level> from(4, leave[0]), to(2, arrive[0]), clean(2, grid::clean);
  CHECK_THROWS_AS(Ddim{}.step(x, Levels(from, 2), Levels(to), data, noise), ShapeError);
  CHECK_THROWS_AS(Heun{}.step(x, Levels(to, 3), Levels(to, 3), data, noise), ShapeError);
  CHECK_THROWS_WITH(Euler{}.step(x, Levels(clean), Levels(to), data, noise),
                    ContainsSubstring("row 0") && ContainsSubstring("needed sigma > 0"));
  CHECK_THROWS_AS(GroupGrids({}), ArgumentError);
  CHECK_THROWS_AS(GroupGrids({{leave[0], arrive[0]}, {leave[0]}}), ArgumentError);
  CHECK_THROWS_AS(GroupGrids({{leave[0], arrive[0]}, {leave[0], leave[0], arrive[0]}}),
                  ArgumentError);
  CHECK_THROWS_AS(GroupGrids({{arrive[0], leave[0]}}), ArgumentError);
  CHECK_THROWS_AS(sample(Ddim{}, data, {2, 4}, GroupGrids({{leave[3], arrive[3]}}), Rng(1),
                         {.max_signal = 0.5}),
                  ArgumentError);
}

TEST_CASE("rolling window: frames of a window are denoised as each is alone", "[solver][levels]") {
  // Ruhe et al. 2024: frame k of W waits at noise, goes through its steps one after another, and
  // waits as data. Windows of 3 frames over a sequence of 5, of independent numbers.
  const Index frames = 5, window = 3, m = 2;
  const TimeGrid alone = grid::uniform(schedule::Cosine{}, window);
  std::vector<TimeGrid> grids;
  for (Index k = 0; k < frames; ++k) {
    TimeGrid grid;
    for (Index i = 0; i <= frames - 1 + window; ++i)
      grid.push_back(alone[static_cast<std::size_t>(std::clamp<Index>(i - k, 0, window))]);
    grids.push_back(grid);
  }
  const GroupGrids rolling(grids);
  const Rng rng(3);
  const auto check = [&](const auto& solver) {
    const auto x = sample<double>(solver, data, {4, frames, m}, rolling, rng);
    // the same noise for all elements as in a run at one level
    const auto all = sample<double>(solver, data, {4, frames, m}, alone, rng);
    CHECK(x == all);
    CHECK(x.rows(2, 2) ==
          sample<double>(solver, data, {2, frames, m}, rolling, rng, {.first_sample = 2}));
  };
  check(Ddim{});
  check(Heun{});
  check(Heun{.stage = 2.0 / 3});
  Index seen = 0;
  sample<float>(Ddpm{}, data, {1, frames, m}, rolling, rng, {}, [&](const StepView<float>& v) {
    CHECK(v.step == seen++);
    CHECK(v.level == rolling.at(0, seen));
    CHECK(v.x0.shape() == Shape{1, frames, m});
  });
  CHECK(seen == rolling.steps());
}

TEST_CASE("levels: a group begins with the noise of its own first level", "[solver][levels]") {
  const GroupGrids grids({{{1, 0, 1}, grid::clean}, {{1, 1, 8}, grid::clean}});
  const auto x = sample<double>(Ddim{}, data, {3, 4}, grids, Rng(5));
  auto start = Rng(5).stream(0).stream(0).normal<double>({3, 4});
  for (Index i = 0; i < start.size(); ++i) start[i] *= i % 4 < 2 ? 1 : 8;
  CHECK(x == sample_from(Ddim{}, data, start, grids, Rng(5)));
}

namespace {

/// Blurring diffusion (Hoogeboom & Salimans 2023, section 4): in the basis of the cosine transform
/// frequency k of n fades by alpha d_k, d_k = 0.99 exp(-(pi k / n)^2 tau) + 0.01, tau = (4 sin^2(pi
/// t / 2))^2 / 2, and all have the noise sigma.
Level blurred(double t, Index k, Index n) {
  const Level l = schedule::Cosine{}.at(t);
  const double f = std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
  const double tau = 0.5 * std::pow(4 * std::pow(std::sin(std::numbers::pi * t / 2), 2), 2);
  return {t, l.alpha * (0.99 * std::exp(-f * f * tau) + 0.01), l.sigma};
}

/// Noise that is 1 in one step and 0 in all others.
class UnitStep final : public NoiseSource {
 public:
  explicit UnitStep(std::uint32_t step) : step_(step) {}
  void fill(std::span<double> out, const NoiseRequest& request) const override {
    for (double& v : out) v = request.step == step_ ? 1 : 0;
  }

 private:
  std::uint32_t step_;
};

}  // namespace

TEST_CASE("blurring: frequencies have the moments of the paper's denoising steps",
          "[solver][levels]") {
  const Index n = 4, steps = 12;
  const std::vector<double> variance{2, 1, 0.3, 0.05};
  const analytic::Gaussian exact(std::vector<double>(4, 0.0), variance);
  std::vector<TimeGrid> grids(4);
  for (Index k = 0; k < n; ++k) {
    for (Index i = 0; i <= steps; ++i)
      grids[static_cast<std::size_t>(k)].push_back(
          blurred(1 - 0.02 - 0.98 * static_cast<double>(i) / static_cast<double>(steps), k, n));
  }
  const GroupGrids blur(grids);

  // The run is linear: its response to a start of 1, and to noise of 1 in each step.
  const UnitStep none(99);
  const auto start =
      sample_from(Ddpm{}, exact, Tensor<double>({1, n}, 1.0), blur, Rng(1), {.noise = &none});
  std::vector<double> found;
  for (Index k = 0; k < n; ++k) found.push_back(std::pow(start[k] * blur.at(k, 0).sigma, 2));
  for (Index i = 0; i < steps; ++i) {
    const UnitStep unit(static_cast<std::uint32_t>(i));
    const auto x =
        sample_from(Ddpm{}, exact, Tensor<double>({1, n}), blur, Rng(1), {.noise = &unit});
    for (Index k = 0; k < n; ++k) found[static_cast<std::size_t>(k)] += x[k] * x[k];
  }

  for (Index k = 0; k < n; ++k) {
    const auto at = static_cast<std::size_t>(k);
    const double v = variance[at];
    double expected = std::pow(blur.at(k, 0).sigma, 2);
    for (Index i = 0; i < steps; ++i) {
      const Level &t = blur.at(k, i), &s = blur.at(k, i + 1);
      // their equations 19 to 21: alpha_ts = alpha_t / alpha_s, sigma_ts^2 = sigma_t^2 -
      // alpha_ts^2 sigma_s^2, 1 / var = 1 / sigma_s^2 + alpha_ts^2 / sigma_ts^2, and the mean
      // var (alpha_ts / sigma_ts^2 u_t + alpha_s / sigma_s^2 u_0)
      const double u0 = t.alpha * v / (t.alpha * t.alpha * v + t.sigma * t.sigma);
      if (s.sigma == 0) {
        expected *= u0 * u0;
        continue;
      }
      const double a = t.alpha / s.alpha, s2 = s.sigma * s.sigma,
                   ts2 = t.sigma * t.sigma - a * a * s2;
      const double var = 1 / (1 / s2 + a * a / ts2);
      const double mean = var * (a / ts2 + s.alpha / s2 * u0);
      expected = mean * mean * expected + var;
    }
    INFO("frequency " << k);
    // 12 steps of a dozen roundings each, relative
    CHECK_THAT(found[at], Catch::Matchers::WithinRel(expected, 1e-12));
  }
}

TEST_CASE("soft diffusion: the exact flow of every frequency is approached at first order",
          "[solver][levels]") {
  const Index n = 4;
  const std::vector<double> variance{2, 1, 0.3, 0.05};
  const analytic::Gaussian exact(std::vector<double>(4, 0.0), variance);
  const auto x = Rng(1).normal<double>({3, n});
  const auto error = [&](Index steps, const auto& solver) {
    std::vector<TimeGrid> grids(4);
    std::vector<Level> from, to;
    for (Index k = 0; k < n; ++k)
      for (Index i = 0; i <= steps; ++i)
        grids[static_cast<std::size_t>(k)].push_back(
            blurred(0.9 - 0.8 * static_cast<double>(i) / static_cast<double>(steps), k, n));
    const GroupGrids blur(grids);
    for (Index r = 0; r < 3 * n; ++r) {
      from.push_back(blur.at(r % n, 0));
      to.push_back(blur.at(r % n, steps));
    }
    const auto flow = exact.flow(x, Levels(from, n), Levels(to, n));
    const auto got = sample_from(solver, exact, x, blur, Rng(1));
    double worst = 0;
    for (Index i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(got[i] - flow[i]));
    return worst;
  };
  // orders of the rules, 1 and 2, within what steps of 1/80 leave
  CHECK_THAT(std::log2(error(40, Euler{}) / error(80, Euler{})),
             Catch::Matchers::WithinAbs(1, 0.1));
  CHECK_THAT(std::log2(error(40, Heun{}) / error(80, Heun{})), Catch::Matchers::WithinAbs(2, 0.2));
}
