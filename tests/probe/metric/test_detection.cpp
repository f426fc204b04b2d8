// Covers: probe/metric/detection
#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/detection.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;

TEST_CASE("detection: AUROC counts pairs, ties for half", "[probe][metric]") {
  std::vector<double> scores;
  std::vector<bool> positive;
  for (std::uint64_t i = 0; i < 200; ++i) {
    positive.push_back(Rng(1).uniform(i) < 0.3);
    scores.push_back(std::floor(6 * Rng(2).uniform(i)) + (positive.back() ? 1 : 0));
  }
  double won = 0, pairs = 0;
  for (std::size_t i = 0; i < 200; ++i)
    for (std::size_t j = 0; j < 200; ++j)
      if (positive[i] && !positive[j]) {
        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        ++pairs;
      }
  CHECK_THAT(probe::auroc(scores, positive), WithinRel(won / pairs, 1e-14));
  for (double& s : scores) s = -s;
  CHECK_THAT(probe::auroc(scores, positive), WithinRel(1 - won / pairs, 1e-14));
  CHECK(probe::auroc({{1, 1, 1}}, {true, false, true}) == 0.5);
}

TEST_CASE("detection: AUROC of two normals is Phi(shift / sqrt 2)", "[probe][metric]") {
  const Index n = 20000;
  std::vector<double> scores;
  std::vector<bool> positive;
  const auto z = Rng(3).normal<double>({2 * n});
  for (Index i = 0; i < 2 * n; ++i) {
    positive.push_back(i < n);
    scores.push_back(z[i] + (i < n ? 1.0 : 0.0));
  }
  const double exact = 0.5 * std::erfc(-0.5);
  // The variance of the statistic is at most A (1 - A) / n.
  CHECK_THAT(probe::auroc(scores, positive), WithinAbs(exact, 4 * 0.43 / std::sqrt(n)));
}

TEST_CASE("detection: average precision by hand", "[probe][metric]") {
  // Falling: + - + - : precision 1 at recall 1/2, 2/3 at 1.
  CHECK_THAT(probe::auprc({{0.9, 0.8, 0.7, 0.1}}, {true, false, true, false}),
             WithinRel(0.5 * 1 + 0.5 * 2 / 3, 1e-15));
  // All equal is one threshold: the share of positives.
  CHECK_THAT(probe::auprc({{2, 2, 2, 2, 2}}, {true, false, false, false, true}),
             WithinRel(0.4, 1e-15));
  CHECK(probe::auprc({{3, 2, 1}}, {true, true, false}) == 1);
}

TEST_CASE("detection: a threshold lies between the scores around it", "[probe][metric]") {
  CHECK(probe::threshold_at({4, 1, 3, 2}, 0) == 1);
  CHECK(probe::threshold_at({4, 1, 3, 2}, 1) == 4);
  CHECK_THAT(probe::threshold_at({4, 1, 3, 2}, 0.5), WithinRel(2.5, 1e-15));
  CHECK_THAT(probe::threshold_at({10, 20}, 0.99), WithinRel(19.9, 1e-14));
}

TEST_CASE("detection: wrong arguments are refused", "[probe][metric]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(probe::auroc({{1, 2}}, {true}), ShapeError);
  CHECK_THROWS_AS(probe::auroc({{1, 2}}, {true, true}), ArgumentError);
  CHECK_THROWS_AS(probe::auprc({{1, nan}}, {true, false}), ArgumentError);
  CHECK_THROWS_AS(probe::threshold_at({}, 0.5), ArgumentError);
  CHECK_THROWS_AS(probe::threshold_at({1}, 1.5), ArgumentError);
}
