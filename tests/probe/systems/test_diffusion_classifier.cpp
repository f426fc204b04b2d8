// Covers: noise_error diffusion_classifier successive_halving
#include "classes.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/probe/systems/diffusion_classifier.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using probe_test::Classes;
using probe_test::UnitNoises;
using probe_test::WideSchedule;

namespace {

const Classes three{{{0, 0, 1}, {1, -1, 0}, {0.5, 2, -1}},
                    {{1, 0.3, 2}, {0.5, 0.5, 0.5}, {0.2, 3, 1}}};

Tensor<double> examples(Index n) {
  Tensor<double> x = Rng(1).normal<double>({n, 3});
  for (double& v : x) v *= 1.5;
  return x;
}

}  // namespace

TEST_CASE("diffusion classifier: uniform in lambda it is the exact likelihood of normal classes",
          "[probe][classifier]") {
  const auto x = examples(40);
  const auto plan = probe::ErrorPlan::uniform_lambda(WideSchedule{}, -12, 12, 240);
  const auto said = probe::diffusion_classifier(three, x, 3, plan, UnitNoises{3});
  double worst = 0;
  for (Index i = 0; i < 40; ++i) {
    Index best = 0;
    for (Index c = 0; c < 3; ++c) {
      const double exact = three.log_density(0, &x(i, 0)) - three.log_density(c, &x(i, 0));
      worst = std::max(worst, std::abs(said.errors(i, c) - said.errors(i, 0) - exact));
      if (three.log_density(c, &x(i, 0)) > three.log_density(best, &x(i, 0))) best = c;
    }
    CHECK(said.predicted[static_cast<std::size_t>(i)] == best);
  }
  // The rule of middles is exact for analytic functions up to exp(-pi^2 / step) ~ 1e-43; what
  // decays as exp(-2 |lambda|) is cut off at 12: 4e-11 times squares of about 100.
  CHECK(worst < 1e-7);
  CHECK(said.evaluations == 40 * 3 * 240 * 6);
}

TEST_CASE("diffusion classifier: each level has the closed form of its error",
          "[probe][classifier]") {
  // eps - eps_hat of N(m, v) is (a^2 v eps - s a (x - m)) / (a^2 v + s^2).
  const auto x = examples(5);
  const auto plan = probe::ErrorPlan::uniform_time(schedule::Cosine{}, 7);
  const auto errors = probe::noise_error(three.law(1), x, plan, UnitNoises{3}, {.batch = 2});
  for (Index i = 0; i < 5; ++i)
    for (Index l = 0; l < 7; ++l) {
      const Level& level = plan.levels[static_cast<std::size_t>(l)];
      const double a = level.alpha, s = level.sigma;
      double sum = 0;
      for (Index j = 0; j < 3; ++j) {
        const double v = 0.5, d = x(i, j) - three.means[1][static_cast<std::size_t>(j)];
        sum += (a * a * a * a * v * v + s * s * a * a * d * d) / std::pow(a * a * v + s * s, 2);
      }
      CHECK_THAT(errors(i, l), WithinRel(sum, 1e-9));
    }
  const auto total = probe::weighted(errors, plan);
  double mean = 0;
  for (Index l = 0; l < 7; ++l) mean += errors(2, l) / 7;
  CHECK_THAT(total[2], WithinRel(mean, 1e-12));
}

TEST_CASE("diffusion classifier: classes, batches and shards see the same noise",
          "[probe][classifier]") {
  const auto x = examples(9);
  const auto plan = probe::ErrorPlan::uniform_time(schedule::Cosine{}, 5);
  const probe::noise::Fresh noise{Rng(4)};
  const auto whole = probe::diffusion_classifier(three, x, 3, plan, noise);
  const auto small =
      probe::diffusion_classifier(three, x, 3, plan, noise, {.errors = {.batch = 4}});
  CHECK(whole.errors == small.errors);
  const auto shard = probe::diffusion_classifier(three, x.rows(6, 3), 3, plan, noise,
                                                 {.errors = {.first_sample = 6}});
  for (Index i = 0; i < 3; ++i)
    for (Index c = 0; c < 3; ++c) CHECK(shard.errors(i, c) == whole.errors(6 + i, c));
  const auto of_one = probe::weighted(probe::noise_error(three.law(2), x, plan, noise), plan);
  for (Index i = 0; i < 9; ++i)
    CHECK_THAT(of_one[static_cast<std::size_t>(i)], WithinRel(whole.errors(i, 2), 1e-12));
}

TEST_CASE("diffusion classifier: a race drops who is behind, and costs less",
          "[probe][classifier]") {
  const auto x = examples(30);
  const auto plan = probe::ErrorPlan::uniform_lambda(WideSchedule{}, -6, 6, 16);
  const auto all = probe::diffusion_classifier(three, x, 3, plan, UnitNoises{3});
  const auto race =
      probe::diffusion_classifier(three, x, 3, plan, UnitNoises{3}, {.race = {{4, 2}, {8, 1}}});
  CHECK(race.evaluations == 30 * 6 * (4 * 3 + 4 * 2 + 8));
  Index same = 0;
  for (std::size_t i = 0; i < 30; ++i) same += race.predicted[i] == all.predicted[i];
  CHECK(same >= 27);
  // Who is left has seen every level, so the errors of the predicted classes are those of all.
  for (std::size_t i = 0; i < 30; ++i) {
    const auto row = static_cast<Index>(i);
    CHECK(race.errors(row, race.predicted[i]) == all.errors(row, race.predicted[i]));
  }
}

TEST_CASE("error plan: every beginning covers the range", "[probe][classifier]") {
  const auto plan = probe::ErrorPlan::uniform_lambda(WideSchedule{}, -4, 4, 11);
  CHECK(plan.levels.size() == 11);
  std::vector<double> seen;
  for (std::size_t i = 0; i < 11; ++i) {
    seen.push_back(plan.levels[i].lambda());
    CHECK_THAT(plan.weights[i], WithinRel(8.0 / 11, 1e-14));
    if (i == 3) {  // one in each quarter
      std::sort(seen.begin(), seen.end());
      for (std::size_t k = 0; k < 4; ++k) CHECK(std::abs(seen[k] + 3 - 2 * double(k)) < 2.2);
    }
  }
  std::sort(seen.begin(), seen.end());
  for (std::size_t i = 0; i < 11; ++i)
    CHECK_THAT(seen[i], WithinAbs(-4 + (double(i) + 0.5) * 8 / 11, 1e-9));
}

TEST_CASE("noise error: a penalty is of each element", "[probe][classifier]") {
  const auto x = examples(3);
  const probe::ErrorPlan one{{schedule::Cosine{}.at(0.5)}, {1}};
  const probe::noise::Fixed noise{Rng(5)};
  const auto squares = probe::noise_error(three.law(0), x, one, noise);
  const auto huge =
      probe::noise_error(three.law(0), x, one, noise, {.penalty = Penalty::huber(1e9)});
  CHECK(squares == huge);
  const auto robust =
      probe::noise_error(three.law(0), x, one, noise, {.penalty = Penalty::huber(1e-3)});
  for (Index i = 0; i < 3; ++i) CHECK(robust(i, 0) < squares(i, 0));
}

TEST_CASE("successive halving: costs add up, and the best are left", "[probe][halving]") {
  // Candidate c costs |c - 3| a round; the first round misleads by favouring 7, the last against 3.
  std::vector<Index> asked(8);
  const std::vector<Index> keep{4, 2, 1};
  const auto left = probe::successive_halving(8, keep, [&](Index c, Index round) {
    ++asked[static_cast<std::size_t>(c)];
    if (c == 7 && round == 0) return 0.5;
    return c == 3 && round == 2 ? 1.5 : std::abs(double(c) - 3);
  });
  CHECK(left == std::vector<Index>{3});
  CHECK(asked == std::vector<Index>{1, 1, 3, 3, 2, 1, 1, 2});
  CHECK(probe::keep_least({0, 1, 2}, {{5, 1, 1}}, 2) == std::vector<Index>{1, 2});
  CHECK(probe::keep_least({0, 2}, {{1, 0, 1}}, 1) == std::vector<Index>{0});
}

TEST_CASE("diffusion classifier: wrong arguments are refused", "[probe][classifier]") {
  const auto x = examples(2);
  const auto plan = probe::ErrorPlan::uniform_time(schedule::Cosine{}, 4);
  const UnitNoises noise{3};
  CHECK_THROWS_AS(probe::diffusion_classifier(three, x, 1, plan, noise), ArgumentError);
  CHECK_THROWS_AS(probe::diffusion_classifier(three, x, 3, {}, noise), ArgumentError);
  CHECK_THROWS_WITH(
      probe::diffusion_classifier(three, x, 3, plan, noise, {.race = {{3, 2}, {2, 1}}}),
      ContainsSubstring("stage 1"));
  CHECK_THROWS_AS(probe::diffusion_classifier(three, x, 3, plan, noise, {.race = {{5, 1}}}),
                  ArgumentError);
  CHECK_THROWS_AS(probe::noise_error(three.law(0), x.reshaped({6}), plan, noise), ShapeError);
  CHECK_THROWS_AS(probe::noise_error(three.law(0), x, {{Level{0, 1, 0}}, {1}}, noise),
                  ArgumentError);
  CHECK_THROWS_AS(probe::noise_error(three.law(0), x, plan, noise, {.batch = 0}), ArgumentError);
  CHECK_THROWS_AS(probe::ErrorPlan::uniform_lambda(WideSchedule{}, 2, 1, 4), ArgumentError);
  CHECK_THROWS_AS(probe::ErrorPlan::uniform_time(WideSchedule{}, 0), ArgumentError);
  CHECK_THROWS_AS(probe::weighted(Tensor<double>({2, 3}), plan), ShapeError);
  CHECK_THROWS_AS(
      probe::successive_halving(3, std::vector<Index>{1, 2}, [](Index, Index) { return 0; }),
      ArgumentError);
}
