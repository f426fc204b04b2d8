// Covers: analytic/gaussian corruption/batch corruption/corruption corruption/gaussian levels
//   loss/batch restore
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/corruption/gaussian.hpp"
#include "foglift/diffusion/density/piecewise.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/parts/brownian.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace foglift;

namespace {

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
const TimeGrid grid20 = grid::uniform(schedule::Cosine{}, 20);

}  // namespace

TEST_CASE("restore: normal noise gives the bits of sample() with the rule", "[restore]") {
  const Shape shape{4, 3, 1};
  const auto denoise = analytic::gaussian({.mean = 0.4, .variance = 0.3});
  const auto same = [&](const auto& rule) {
    const corruption::Gaussian<float, std::decay_t<decltype(rule)>> gaussian{rule};
    CHECK(restore(gaussian, denoise, shape, grid20, Rng(7)) ==
          sample(rule, denoise, shape, grid20, Rng(7)));
    const BrownianPath path(Rng(2));
    const SampleOptions options{.first_sample = 9, .noise = &path};
    const TimeGrid inner = grid::uniform(schedule::Linear{}, 8);
    CHECK(restore(gaussian, denoise, shape, inner, Rng(7), options) ==
          sample(rule, denoise, shape, inner, Rng(7), options));
  };
  same(solver::Ddim{});
  same(solver::Ddim{.eta = 1});
  same(solver::Ddpm{solver::Ddpm::Variance::large});
  const corruption::Gaussian<double> in_double;
  CHECK(restore(in_double, mixture, {5, 1}, grid20, Rng(1)) ==
        sample<double>(solver::Ddim{}, mixture, {5, 1}, grid20, Rng(1)));
}

TEST_CASE("restore: shards are rows of one run, and observers see every step", "[restore]") {
  const corruption::Gaussian<double, solver::Ddpm> gaussian;
  const auto all = restore(gaussian, mixture, {5, 1}, grid20, Rng(3));
  CHECK(all.rows(2, 3) == restore(gaussian, mixture, {3, 1}, grid20, Rng(3), {.first_sample = 2}));
  Index seen = 0;
  Tensor<double> last, said;
  restore(gaussian, mixture, {5, 1}, grid20, Rng(3), {},
          [&](const StateView<Tensor<double>, Tensor<double>>& view) {
            CHECK(view.step == seen++);
            CHECK(view.steps == 20);
            CHECK(view.level == grid20[static_cast<std::size_t>(seen)]);
            last = view.x;
            said = view.x0;
          });
  CHECK(seen == 20);
  CHECK(last == all);
  CHECK(said == all);  // the step to clean data gives what was said of them
}

TEST_CASE("restore: what can not be run is named", "[restore]") {
  const corruption::Gaussian<double> gaussian;
  const auto nothing = [](const Tensor<double>& x, const Level&) {
    return Tensor<double>(x.shape(), std::numeric_limits<double>::quiet_NaN());
  };
  CHECK_THROWS_WITH(restore(gaussian, nothing, {2, 1}, grid20, Rng(1)),
                    ContainsSubstring("gaussian gave a number that is not finite in step 0 of 20"));
  CHECK_THROWS_AS(restore(gaussian, mixture, {2, 1}, {{0.5, 0.9, 0.4}, grid::clean}, Rng(1)),
                  ArgumentError);
  CHECK_THROWS_AS(restore(gaussian, mixture, {2, 1}, {}, Rng(1)), ArgumentError);
  const auto wider = [](const Tensor<double>&, const Level&) { return Tensor<double>({2, 2}); };
  CHECK_THROWS_AS(restore(gaussian, wider, {2, 1}, grid20, Rng(1)), ShapeError);
}

TEST_CASE("corrupted batch: normal noise has the moments of its levels", "[restore][loss]") {
  const Index B = 20'000;
  const corruption::Gaussian<double> gaussian;
  const CorruptedBatch batch(gaussian, Tensor<double>({B, 1}, 2.0), schedule::Cosine{}, Rng(1),
                             {.step = 3}, {.t_min = 0.1});
  const auto time = batch.time<double>();
  double mean = 0, square = 0;
  for (Index b = 0; b < B; ++b) {
    const Level& l = batch.levels[static_cast<std::size_t>(b)];
    if (l.t != time[b] || l != schedule::Cosine{}.at(l.t)) FAIL("another level");
    const double eps = (batch.x[b] - 2 * l.alpha) / l.sigma;
    mean += eps / static_cast<double>(B);
    square += eps * eps / static_cast<double>(B);
  }
  // 4 standard errors of B normals, 1 / sqrt(B) and sqrt(2 / B)
  CHECK_THAT(mean, Catch::Matchers::WithinAbs(0, 0.028));
  CHECK_THAT(square, Catch::Matchers::WithinAbs(1, 0.04));
}

TEST_CASE("corrupted batch: a sample's draw does not depend on its batch", "[restore][loss]") {
  const corruption::Gaussian<float> gaussian;
  const auto data = Rng(9).normal({6, 4});
  const Draws whole{.first_sample = 10, .step = 3, .strata = 6};
  const CorruptedBatch all(gaussian, data, schedule::Flow{}, Rng(1), whole);
  const std::vector<std::uint64_t> numbers{15, 11, 12};
  const std::vector<Index> rows{5, 1, 2};
  const CorruptedBatch some(gaussian, data.rows(rows), schedule::Flow{}, Rng(1),
                            {.samples = numbers, .step = 3, .strata = 6});
  CHECK(some.x == all.x.rows(rows));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(some.levels[i] == all.levels[static_cast<std::size_t>(rows[i])]);
  const CorruptedBatch next(gaussian, data, schedule::Flow{}, Rng(1), {.step = 4});
  CHECK_FALSE(next.x == all.x);
  CHECK_THROWS_AS(
      CorruptedBatch(gaussian, Tensor<float>({0, 4}), schedule::Flow{}, Rng(1), {.step = 0}),
      ShapeError);
  CHECK_THROWS_AS(CorruptedBatch(gaussian, data, schedule::Flow{}, Rng(1), {.step = 0},
                                 {.t_min = 0.6, .t_max = 0.5}),
                  ArgumentError);
}

TEST_CASE("corrupted batch: the loss is a mean square, reweighted to even times",
          "[restore][loss]") {
  const corruption::Gaussian<double> gaussian;
  const auto data = Rng(9).normal<double>({3, 2});
  const CorruptedBatch plain(gaussian, data, schedule::Flow{}, Rng(1), {.step = 0});
  Tensor<double> guess = data;
  for (Index i = 0; i < guess.size(); ++i) guess[i] += static_cast<double>(i + 1);
  CHECK_THAT(gaussian.loss(guess, plain).item(),
             Catch::Matchers::WithinRel((1 + 4 + 9 + 16 + 25 + 36) / 6.0, 1e-14));
  // densities 1/2 and 3/2 of the halves of [0, 1]: factors 2 and 2/3
  const CorruptedBatch dense(gaussian, data, schedule::Flow{}, Rng(1), {.step = 0},
                             {.density = density::Piecewise({1, 3}), .reweight = true});
  double expected = 0;
  for (Index b = 0; b < 3; ++b) {
    const double factor = dense.levels[static_cast<std::size_t>(b)].t < 0.5 ? 2 : 2.0 / 3;
    expected += factor * (std::pow(2 * b + 1, 2) + std::pow(2 * b + 2, 2)) / 6;
  }
  CHECK_THAT(gaussian.loss(guess, dense).item(), Catch::Matchers::WithinRel(expected, 1e-12));
  CHECK_THROWS_AS(gaussian.loss(Tensor<double>({3, 1}), dense), ShapeError);
}
