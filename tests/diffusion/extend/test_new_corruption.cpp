// Covers: corruption/batch corruption/corruption loss/batch restore
// A user's corruption, in this file alone.
#include "foglift/diffusion/corruption/batch.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

using namespace foglift;

namespace {

/// Iterative alpha-blending (Heitz et al. 2023, algorithm 3): data blended with draws u of any
/// law, here uniform in [-1, 1], x = alpha x0 + (1 - alpha) u, and back by x + (alpha' - alpha)
/// E[x0 - u | x].
struct AlphaBlending {
  using State = Tensor<double>;
  using Estimate = Tensor<double>;  // E[x0 - u | x]
  static constexpr const char* name = "alpha blending";

  State prior(const Shape& shape, const Level&, const StepRng& rng) const {
    return affine(2, rng.uniform<double>(shape), -1, Tensor<double>(shape, 1.0));
  }
  State corrupt(const State& clean, const Levels& levels, const StepRng& rng) const {
    return affine(clean, prior(clean.shape(), {}, rng),
                  [&](Index b) { return Mix{levels[b].alpha, 1 - levels[b].alpha}; });
  }
  State back(State x, const Estimate& d, const Level& from, const Level& to, const StepRng&) const {
    return affine(1, std::move(x), to.alpha - from.alpha, d);
  }
};
static_assert(Corruption<AlphaBlending>);

constexpr double p = 0.3;  // of the datum +1; the other is -1

/// E[x0 - u | x], exactly: u = (x - alpha x0) / (1 - alpha) counts where it is in [-1, 1].
Tensor<double> exact(Tensor<double> x, const Level& level) {
  const double a = level.alpha;
  for (double& v : x) {
    double sum = 0, weight = 0;
    for (const double x0 : {-1.0, 1.0}) {
      const double u = (v - a * x0) / (1 - a),
                   w = std::abs(u) <= 1 + 1e-9 ? (x0 > 0 ? p : 1 - p) : 0;
      sum += w * (x0 - u);
      weight += w;
    }
    // Between the two after a step of a coarse grid: to the nearer one.
    v = weight > 0 ? sum / weight : ((v > 0 ? 1 : -1) - v) / (1 - a);
  }
  return x;
}

}  // namespace

TEST_CASE("extend: a user's corruption returns the law of its data", "[extend][restore]") {
  const AlphaBlending blend;
  const Index n = 20'000;
  const auto x = restore(blend, exact, {n, 1}, grid::uniform(schedule::Flow{}, 400), Rng(2));
  double ones = 0, apart = 0;
  for (const double v : x) {
    ones += v > 0;
    apart = std::max(apart, std::abs(std::abs(v) - 1));
  }
  // 4 standard errors of n draws, and steps of 1/400, which end that near the data
  CHECK_THAT(ones / static_cast<double>(n), Catch::Matchers::WithinAbs(p, 0.013 + 1.0 / 400));
  CHECK(apart < 1.0 / 100);
  CHECK(x.rows(5, 3) == restore(blend, exact, {3, 1}, grid::uniform(schedule::Flow{}, 400), Rng(2),
                                {.first_sample = 5}));

  // trained on: blended data lie where they can
  const Tensor<double> data({1000, 1}, 1.0);
  const CorruptedBatch batch(blend, data, schedule::Flow{}, Rng(3), {.step = 1});
  for (Index b = 0; b < 1000; ++b) {
    const double a = batch.levels[static_cast<std::size_t>(b)].alpha;
    CHECK((batch.x[b] >= 2 * a - 1 - 1e-12 && batch.x[b] <= 1 + 1e-12));
  }
}
