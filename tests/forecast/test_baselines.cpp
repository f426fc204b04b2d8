// Covers: baselines series/value
#include "foglift/forecast/baselines.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();
}

TEST_CASE("seasonal naive: repeats the last season, and an older one where values are missing",
          "[forecast][baselines]") {
  const std::vector<double> x = {1, 2, 3, 4, missing, 6};
  CHECK(seasonal_naive(x, 7, 3) == std::vector<double>{4, 2, 6, 4, 2, 6, 4});
  CHECK(seasonal_naive(x, 2, 1) == std::vector<double>{6, 6});
  CHECK_THROWS_AS(seasonal_naive(std::vector<double>{missing, 2}, 2, 2), ArgumentError);
  CHECK_THROWS_AS(seasonal_naive(x, 2, 0), ArgumentError);
}

TEST_CASE("seasonal naive bootstrap: paths are the forecast plus whole errors of the past",
          "[forecast][baselines]") {
  // Season 3, horizon 2; a history of 12 gives errors at the origins 9, 6 and 3.
  const std::vector<double> x = {0, 0, 0, 1, 10, 0, 3, 30, 0, 7, 70, 0};
  const auto paths =
      seasonal_naive_bootstrap(x, {.horizon = 2, .paths = 300, .seasons = {3}}, Rng(4));
  std::set<std::pair<double, double>> seen;
  double mean = 0;
  for (Index p = 0; p < 300; ++p) {
    seen.insert({paths(p, 0), paths(p, 1)});
    mean += paths(p, 0) / 300;
  }
  using P = std::pair<double, double>;
  CHECK(seen == std::set<P>{{8, 80}, {9, 90}, {11, 110}});
  // Mean error 7/3, variance ((1 + 4 + 16)/3 - 49/9) = 14/9.
  CHECK_THAT(mean, WithinAbs(7 + 7.0 / 3, 4 * std::sqrt(14.0 / 9 / 300)));
}

TEST_CASE("seasonal naive bootstrap: a path's numbers do not depend on how many are drawn",
          "[forecast][baselines]") {
  const auto noise = Rng(2).normal<double>({200});
  const std::vector<double> x(noise.begin(), noise.end());
  const auto few = seasonal_naive_bootstrap(x, {.horizon = 10, .paths = 5, .seasons = {7}}, Rng(1));
  const auto many =
      seasonal_naive_bootstrap(x, {.horizon = 10, .paths = 50, .seasons = {7}}, Rng(1));
  CHECK(many.rows(0, 5) == few);
  CHECK(random_walk_bootstrap(x, {.horizon = 10, .paths = 50}, Rng(1)).rows(0, 5) ==
        random_walk_bootstrap(x, {.horizon = 10, .paths = 5}, Rng(1)));
}

TEST_CASE("seasonal naive bootstrap: missing errors are drawn from the known ones of their step",
          "[forecast][baselines]") {
  const std::vector<double> x = {0, 0, 5, missing, 6, 3};
  const auto paths =
      seasonal_naive_bootstrap(x, {.horizon = 2, .paths = 64, .seasons = {2}}, Rng(1));
  for (Index p = 0; p < 64; ++p) {
    CHECK((paths(p, 0) == 6 + 5 || paths(p, 0) == 6 + 1));  // errors 5 - 0 and 6 - 5
    CHECK(paths(p, 1) == 3 + 3);                            // 3 - 0: the one between is missing
  }
  CHECK_THROWS_AS(
      seasonal_naive_bootstrap(std::vector<double>{1, 2}, {.horizon = 2, .seasons = {2}}, Rng(1)),
      ArgumentError);
  CHECK_THROWS_AS(seasonal_naive_bootstrap(x, {.horizon = 0, .seasons = {2}}, Rng(1)),
                  ArgumentError);
}

TEST_CASE("seasonal naive bootstrap: missing errors of two steps are drawn apart",
          "[forecast][baselines]") {
  // Season 4, horizon 2. Errors (4, 40), none, (2, 20), (1, 10): a path of the second kind takes
  // each of its errors from any of the others, so 1/4 * 2/3 of all paths mix two of them.
  const std::vector<double> x = {0, 0, 0,       0,       1, 10, 0, 0,  3, 30,
                                 0, 0, missing, missing, 0, 0,  7, 70, 0, 0};
  const auto paths =
      seasonal_naive_bootstrap(x, {.horizon = 2, .paths = 400, .seasons = {4}}, Rng(5));
  double mixed = 0;
  for (Index p = 0; p < 400; ++p) mixed += paths(p, 1) - 70 != 10 * (paths(p, 0) - 7);
  CHECK_THAT(mixed, WithinAbs(400.0 / 6, 4 * std::sqrt(400.0 * 5 / 36)));
}

TEST_CASE("random walk bootstrap: mean and variance grow with the changes of the past",
          "[forecast][baselines]") {
  const std::vector<double> x = {0, 1, 3, missing, 2, 1};  // changes 1, 2, -1; mean 2/3
  const Index n = 20000;
  const auto paths = random_walk_bootstrap(x, {.horizon = 4, .paths = n}, Rng(6));
  const double mean = 2.0 / 3, variance = 6.0 / 3 - mean * mean;
  for (Index h = 0; h < 4; ++h) {
    double m = 0, v = 0;
    const double steps = static_cast<double>(h + 1);
    for (Index p = 0; p < n; ++p) m += paths(p, h) / static_cast<double>(n);
    for (Index p = 0; p < n; ++p)
      v += (paths(p, h) - m) * (paths(p, h) - m) / static_cast<double>(n);
    CHECK_THAT(m, WithinAbs(1 + steps * mean, 4 * std::sqrt(steps * variance / n)));
    CHECK_THAT(v, WithinRel(steps * variance, 5 * std::sqrt(2.0 / n)));  // kurtosis below 3
  }
  CHECK_THROWS_AS(random_walk_bootstrap(std::vector<double>{1, missing, 2}, {}, Rng(1)),
                  ArgumentError);
}

TEST_CASE("baselines: an infinite value, or one whose sums are, is refused",
          "[forecast][baselines]") {
  for (const double bad : {HUGE_VAL, -HUGE_VAL, 1e308}) {
    const std::vector<double> x = {1, bad, 2, 3, 4, 5, 6, 7};
    CHECK_THROWS_AS(seasonal_naive(x, 2, 2), NumericError);
    CHECK_THROWS_AS(seasonal_naive_bootstrap(x, {.horizon = 2, .seasons = {2}}, Rng(1)),
                    NumericError);
    CHECK_THROWS_AS(random_walk_bootstrap(x, {.horizon = 2}, Rng(1)), NumericError);
  }
}

TEST_CASE("seasonal lag: the same phase of the last whole season", "[forecast][baselines]") {
  for (const Index season : {1, 3, 7})
    for (Index h = 0; h < 20; ++h) {
      Index expected = 50 + h;  // from there back by whole seasons until it is known
      while (expected >= 50) expected -= season;
      CHECK(seasonal_lag(50, h, season) == expected);
    }
}
