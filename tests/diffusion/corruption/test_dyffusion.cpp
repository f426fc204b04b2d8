// Covers: corruption/dyffusion grid/dynamics
#include "foglift/diffusion/corruption/dyffusion.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <vector>

using namespace foglift;
using corruption::Between;
using corruption::dyffusion;

namespace {

using View = StateView<Tensor<double>, Tensor<double>>;

constexpr Index horizon = 4;
constexpr double turn = 0.3;  // radians a step

/// Points of the plane [B, 2], turned.
Tensor<double> turned(const Tensor<double>& x, double angle) {
  Tensor<double> out(x.shape());
  for (Index b = 0; b < x.dim(0); ++b) {
    out(b, 0) = std::cos(angle) * x(b, 0) - std::sin(angle) * x(b, 1);
    out(b, 1) = std::sin(angle) * x(b, 0) + std::cos(angle) * x(b, 1);
  }
  return out;
}

/// The state on the way of a rotation by its ends: a sum of both, with weights of sines.
const auto on_circle = [](const Tensor<double>& first, const Tensor<double>& last,
                          const Levels& levels, const StepRng&) {
  return affine(first, last, [&](Index b) {
    const double all = turn * static_cast<double>(horizon), done = levels[b].alpha * all;
    return Mix{std::sin(all - done) / std::sin(all), std::sin(done) / std::sin(all)};
  });
};

const auto exact_forecast = [](const Tensor<double>& x, const Level& level) {
  return turned(x, turn * static_cast<double>(horizon) * level.sigma);
};

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

template <class C>
C naive(C cold) {
  cold.update = C::Update::naive;
  return cold;
}

/// Straight, with a bulge of normal size in the middle: random where nothing else is.
const auto bulging = [](const Tensor<double>& first, const Tensor<double>& last,
                        const Levels& levels, const StepRng& rng) {
  const auto straight =
      affine(first, last, [&](Index b) { return Mix{levels[b].sigma, levels[b].alpha}; });
  return affine(straight, rng.normal<double>(first.shape()),
                [&](Index b) { return Mix{1, levels[b].sigma * levels[b].alpha}; });
};

std::vector<double> shares(const TimeGrid& grid, double of = 1) {
  std::vector<double> out;
  for (const Level& l : grid) {
    CHECK(l.t == l.sigma);
    CHECK_THAT(l.alpha + l.sigma, Catch::Matchers::WithinAbs(1, 1e-15));
    out.push_back(l.alpha * of);
  }
  return out;
}

}  // namespace

TEST_CASE("dynamics: the times by hand", "[grid][dyffusion]") {
  using V = std::vector<double>;
  const auto same = [](const TimeGrid& grid, double of, const V& want) {
    CHECK_THAT(shares(grid, of), Catch::Matchers::Approx(want).margin(1e-15));
    CHECK(grid.front() == Level{1, 0, 1});
    CHECK(grid.back() == Level{0, 1, 0});
  };
  same(grid::dynamics(4), 4, {0, 1, 2, 3, 4});
  same(grid::dynamics(3, 2), 9, {0, 1, 2, 3, 6, 9});
  same(grid::dynamics(3, 3, grid::Refined::all), 6, {0, 1, 2, 3, 4, 5, 6});
  same(grid::dynamics(1), 1, {0, 1});
  same(grid::every(grid::dynamics(4, 1), 2), 8, {0, 2, 6, 8});
  same(grid::first_steps(grid::dynamics(4, 1), 3), 8, {0, 1, 2, 8});
  same(grid::whole_steps(grid::dynamics(7, 5), 7), 7, {0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(grid::whole_step(grid::dynamic_level(5, 7), 7) == 5);
  CHECK(grid::whole_step(grid::dynamic_level(4.5, 7), 7) == -1);
  CHECK_THROWS_AS(grid::dynamics(0), ArgumentError);
  CHECK_THROWS_AS(grid::dynamics(3, -1), ArgumentError);
  CHECK_THROWS_AS(grid::dynamics(3, 4, grid::Refined::all), ArgumentError);
  CHECK_THROWS_AS(grid::every(grid::dynamics(3), 0), ArgumentError);
  CHECK_THROWS_AS(grid::first_steps(grid::dynamics(3), 0), ArgumentError);
}

TEST_CASE("dyffusion: exact networks follow the dynamics on any grid", "[corruption][dyffusion]") {
  const auto first = Rng(1).normal<double>({3, 2});
  const auto cold = dyffusion(Between(first, on_circle));
  for (const TimeGrid& grid :
       {grid::dynamics(4), grid::dynamics(4, 3), grid::dynamics(4, 8, grid::Refined::all),
        grid::every(grid::dynamics(4), 3)})
    for (const auto& how : {cold, naive(cold)}) {
      Index seen = 0;
      restore(how, exact_forecast, first.shape(), grid, Rng(2), {}, [&](const View& view) {
        ++seen;
        // a few additions of numbers of size 2 a step
        CHECK(distance(view.x, turned(first, turn * 4 * view.level.alpha)) < 1e-14);
      });
      CHECK(seen == static_cast<Index>(grid.size()) - 1);
    }
}

TEST_CASE("dyffusion: restore is algorithm 2", "[corruption][dyffusion]") {
  // written out, with a forecaster that is wrong and an interpolator that is random
  const auto first = Rng(1).normal<double>({3, 2});
  const auto forecast = [](const Tensor<double>& x, const Level& level) {
    return scale(1.4 - 0.2 * level.sigma, x);
  };
  const TimeGrid grid = grid::dynamics(3, 2);
  const Rng rng(5);
  const auto algorithm = [&](bool corrected, bool last_too) {
    Tensor<double> x = first;
    for (std::size_t n = 0; n + 1 < grid.size(); ++n) {
      const StepRng noise(rng.stream(detail::step_stream), 0, static_cast<Index>(n));
      const Tensor<double> end = forecast(x, grid[n]);
      const bool arrives = n + 2 == grid.size();
      const Tensor<double> next = arrives ? end : bulging(first, end, grid[n + 1], noise.repeat(0));
      const Tensor<double> here = n == 0 ? x : bulging(first, end, grid[n], noise.repeat(1));
      for (Index i = 0; i < x.size(); ++i)
        x[i] = !corrected || (arrives && !last_too) ? next[i] : x[i] - here[i] + next[i];
    }
    return x;
  };
  auto cold = dyffusion(Between(first, bulging));
  const auto run = [&](const auto& how) {
    return restore(how, forecast, first.shape(), grid, rng);
  };
  CHECK(distance(run(cold), algorithm(true, false)) < 1e-14);
  CHECK(distance(run(naive(cold)), algorithm(false, false)) < 1e-14);
  cold.last = decltype(cold)::Update::cold;
  CHECK(distance(run(cold), algorithm(true, true)) < 1e-14);
  CHECK(distance(algorithm(true, true), algorithm(true, false)) > 0.01);
  CHECK(distance(algorithm(true, false), algorithm(false, false)) > 0.01);
  // shards are rows of one run
  const auto part = dyffusion(Between(first.rows(1, 2), bulging));
  CHECK(restore(part, forecast, {2, 2}, grid, rng, {.first_sample = 1}) ==
        run(dyffusion(Between(first, bulging))).rows(1, 2));
}

TEST_CASE("dyffusion: N steps take 3 N - 3 evaluations", "[corruption][dyffusion]") {
  const Tensor<double> first({2, 2}, 1.0);
  Index calls = 0;
  const auto forecast = [&](const Tensor<double>& x, const Level&) { return ++calls, x; };
  const auto counted = [&](const Tensor<double>& a, const Tensor<double>& b, const Levels& levels,
                           const StepRng& rng) { return ++calls, bulging(a, b, levels, rng); };
  for (const Index steps : {2, 4, 9}) {
    calls = 0;
    const auto cold = dyffusion(Between(first, counted));
    restore(cold, forecast, {2, 2}, grid::dynamics(steps), Rng(1));
    CHECK(calls == 3 * steps - 3);
    calls = 0;
    restore(naive(cold), forecast, {2, 2}, grid::dynamics(steps), Rng(1));
    CHECK(calls == 2 * steps - 1);
  }
}

TEST_CASE("dyffusion: with masks of a sample runs are Euler's rule for its flow",
          "[corruption][dyffusion]") {
  // I(x0, y, s) = (1 - s) x0 + s y + m s (1 - s) and F(x) = c x, with s in [0, 1]:
  // dx/ds = c x - x0 + m (1 - 2 s), so that x = a + b s + (x0 - a) exp(c s) with
  // b = 2 m / c, a = (b + x0 - m) / c
  const double c = 0.7;
  const auto first = Rng(1).normal<double>({3, 2});
  const auto forecast = [&](const Tensor<double>& x, const Level&) { return scale(c, x); };
  const Rng masks(9);
  const auto m = StepRng(masks, 0, 0).normal<double>(first.shape());
  const auto error = [&](Index steps) {
    double found = -1;
    restore(dyffusion(Between(first, bulging, masks)), forecast, first.shape(),
            grid::dynamics(steps), Rng(2), {}, [&](const View& view) {
              if (2 * (view.step + 1) != steps) return;
              Tensor<double> want(first.shape());
              for (Index i = 0; i < want.size(); ++i) {
                const double b = 2 * m[i] / c, a = (b + first[i] - m[i]) / c;
                want[i] = a + b / 2 + (first[i] - a) * std::exp(c / 2);
              }
              found = distance(view.x, want);
            });
    return found;
  };
  const double coarse = error(64), fine = error(128);
  INFO("errors " << coarse << ", " << fine);
  CHECK_THAT(std::log2(coarse / fine), Catch::Matchers::WithinAbs(1, 0.05));
  // masks that are drawn anew move runs by noise that the cold update adds up
  const auto fresh = restore(dyffusion(Between(first, bulging)), forecast, first.shape(),
                             grid::dynamics(128), Rng(2));
  const auto held = restore(dyffusion(Between(first, bulging, masks)), forecast, first.shape(),
                            grid::dynamics(128), Rng(2));
  CHECK(distance(fresh, held) > 0.1);
}

TEST_CASE("dyffusion: training sees the snapshots at both ends", "[corruption][dyffusion]") {
  const auto first = Rng(1).normal<double>({4, 2}), last = Rng(2).normal<double>({4, 2});
  const auto cold = dyffusion(Between(first, on_circle));
  const std::vector<Level> levels{grid::dynamic_level(0, 4), grid::dynamic_level(4, 4),
                                  grid::dynamic_level(1, 4), grid::dynamic_level(3, 4)};
  const auto x = cold.corrupt(last, levels, StepRng(Rng(1), 0, 0));
  CHECK(x.rows(0, 1) == first.rows(0, 1));
  CHECK(x.rows(1, 1) == last.rows(1, 1));
  CHECK(distance(x.rows(2, 2), on_circle(first, last, levels, StepRng(Rng(1), 0, 0)).rows(2, 2)) ==
        0);
  // levels of a schedule do as well: alpha = 1 - t
  const CorruptedBatch batch(cold, last, schedule::Flow{}, Rng(1), {.step = 0});
  CHECK(batch.x == cold.corrupt(last, batch.levels, StepRng(Rng(1), 0, 0)));
}

TEST_CASE("dyffusion: what can not be run is named", "[corruption][dyffusion]") {
  const Tensor<double> first({3, 2});
  const auto cold = dyffusion(Between(first, on_circle));
  CHECK_THROWS_AS(restore(cold, exact_forecast, {2, 2}, grid::dynamics(4), Rng(1)), ShapeError);
  CHECK_THROWS_AS(cold.prior({3, 2}, grid::dynamic_level(1, 4), StepRng(Rng(1), 0, 0)),
                  ArgumentError);
  const auto wide = [](const Tensor<double>&, const Level&) { return Tensor<double>({3, 4}); };
  CHECK_THROWS_AS(restore(cold, wide, {3, 2}, grid::dynamics(4), Rng(1)), ShapeError);
  const std::vector<Level> two(2, grid::dynamic_level(1, 4));
  CHECK_THROWS_AS(cold.corrupt(first, two, StepRng(Rng(1), 0, 0)), ShapeError);
}
