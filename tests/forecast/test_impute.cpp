// Covers: impute/classical gaps impute/window imputer
#include "foglift/forecast/impute/imputer.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

ImputerOptions tiny() {
  return {.window = 12,
          .net = {.width = 8, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false},
          .sampling_steps = 12,
          .batch = 32,
          .steps = 300,
          .learning_rate = 5e-3};
}

/// Sums of normal steps: between two known values it is a Brownian bridge.
Series walk(Index n, std::uint64_t seed) {
  Series s{.name = "walk", .time = {0, {.seconds = 86'400}}};
  const auto z = Rng(seed).normal<double>({n});
  double x = 0;
  for (Index t = 0; t < n; ++t) s.values.push_back(x += z[t]);
  return s;
}

}  // namespace

TEST_CASE("straight lines: between known values alone", "[forecast][impute]") {
  const auto x = straight_lines(std::vector<double>{missing, 1, missing, missing, 4, missing});
  CHECK(std::isnan(x[0]));
  CHECK(x[2] == 2);
  CHECK(x[3] == 3);
  CHECK(std::isnan(x[5]));
}

TEST_CASE("seasonal fill: a trend with a season is continued through a gap", "[forecast][impute]") {
  // Level, trend and a weekly term are what the decomposition has; straight lines miss by 10.
  std::vector<double> x;
  for (int t = 0; t < 84; ++t) x.push_back(-20 + 0.5 * t + 10 * (t % 7 == 3));
  std::vector<double> hidden = x;
  for (const std::size_t t : {0U, 24U, 44U, 45U, 46U, 83U}) hidden[t] = missing;
  const SeasonalFill fill = seasonal_fill(hidden, 7);
  for (const std::size_t t : {24U, 44U, 45U, 46U}) CHECK(std::abs(fill.values[t] - x[t]) < 0.2);
  CHECK(std::isnan(fill.values[0]));
  CHECK(std::isnan(fill.values[83]));
  CHECK(fill.first == 1);
  for (const Index t : {0, 3, 50}) CHECK(std::abs(fill.restore(fill.remove(5, t), t) - 5) < 1e-12);
  CHECK(fill.remove(100, 24) < fill.remove(100, 25));  // cell 24 has the term of 10
  CHECK_THROWS_AS(seasonal_fill(x, 0), ArgumentError);
  hidden[3] = INFINITY;
  CHECK_THROWS_AS(seasonal_fill(hidden, 7), NumericError);
}

TEST_CASE("gaps: those between known values, and others like them", "[forecast][impute]") {
  std::vector<double> x(200, 1.0);
  x[0] = x[199] = x[10] = x[50] = x[51] = x[52] = missing;
  const std::vector<Gap> gaps = find_gaps(x);
  CHECK(gaps == std::vector<Gap>{{10, 1}, {50, 3}});
  const auto hide = gaps_to_hide(x, gaps, 0.2, 1000, Rng(3));
  std::set<Index> lengths, cells;
  for (const Gap& g : hide) {
    lengths.insert(g.length);
    for (Index t = g.first - 1; t <= g.first + g.length; ++t) {
      CHECK(!std::isnan(x[static_cast<std::size_t>(t)]));
      if (t >= g.first && t < g.first + g.length) CHECK(cells.insert(t).second);
    }
  }
  for (const Gap& g : hide) CHECK(cells.count(g.first + g.length) == 0);
  CHECK(lengths == std::set<Index>{1, 3});
  CHECK(cells.size() >= 39);  // a fifth of 194
  CHECK(cells.size() <= 41);
  CHECK(hide == gaps_to_hide(x, gaps, 0.2, 1000, Rng(3)));
  CHECK(hide != gaps_to_hide(x, gaps, 0.2, 1000, Rng(4)));
  CHECK(gaps_to_hide(x, {}, 0.2, 5, Rng(3)).size() == 5);
  CHECK(gaps_to_hide(std::vector<double>{1, missing, 1}, gaps, 0.5, 5, Rng(3)).empty());
}

TEST_CASE("imputer: a gap of a random walk is a Brownian bridge", "[forecast][impute]") {
  // Given both ends, cells 1, 2, 3 between have the line as mean and variances 3/4, 1, 3/4; the
  // covariance of 1 and 2 is 1/2. What 300 short steps learn is not exact: of 400 paths in 5 gaps
  // the standard error is 0.07, the rest is left to the training.
  Series s = walk(600, 5);
  const std::vector<double> whole = s.values;
  const std::vector<Index> gaps = {100, 200, 301, 402, 503};
  for (const Index g : gaps)
    for (Index k = 0; k < 3; ++k) s.values[static_cast<std::size_t>(g + k)] = missing;
  s.values[0] = missing;
  const std::vector<Series> panel{s};
  Imputer imputer(tiny());
  imputer.fit(panel);
  Index windows = 0;
  const Tensor<double> y =
      imputer.paths(panel, 0, 80, [&](Index done, Index all) { windows = all - done; });
  CHECK(windows == 0);
  REQUIRE(y.shape() == Shape{80, 600});
  double v1 = 0, v2 = 0, c12 = 0, mean = 0, count = 0;
  for (const Index g : gaps)
    for (Index p = 0; p < 80; ++p) {
      const double u = y(p, g - 1), v = y(p, g + 3);
      const double a = y(p, g) - (0.75 * u + 0.25 * v), b = y(p, g + 1) - (u + v) / 2,
                   c = y(p, g + 2) - (0.25 * u + 0.75 * v);
      v1 += (a * a + c * c) / 2, v2 += b * b, c12 += (a + c) * b / 2, mean += b, ++count;
    }
  INFO("variances " << v1 / count << " " << v2 / count << ", covariance " << c12 / count
                    << ", mean " << mean / count);
  CHECK(std::abs(v1 / count - 0.75) < 0.3);
  CHECK(std::abs(v2 / count - 1) < 0.4);
  CHECK(std::abs(c12 / count - 0.5) < 0.25);
  CHECK(std::abs(mean / count) < 0.3);
  CHECK(std::isnan(y(7, 0)));
  for (Index t = 1; t < 600; ++t)
    if (!std::isnan(s.values[static_cast<std::size_t>(t)]))
      CHECK(y(7, t) == whole[static_cast<std::size_t>(t)]);

  const Tensor<double> few = imputer.paths(panel, 0, 3);
  for (Index t = 1; t < 600; ++t) CHECK(few(2, t) == y(2, t));
}

TEST_CASE("imputer: cells of white noise do not hang on their neighbours", "[forecast][impute]") {
  // The line between two neighbours is not the mean, which is 0: what is learned takes it back.
  Series s{.name = "noise", .time = {0, {.seconds = 86'400}}};
  const auto z = Rng(8).normal<double>({600});
  for (Index t = 0; t < 600; ++t) s.values.push_back(t % 25 == 12 ? missing : z[t]);
  const std::vector<Series> panel{s};
  ImputerOptions o = tiny();
  o.steps = 200;
  Imputer imputer(o);
  imputer.fit(panel);
  const Tensor<double> y = imputer.paths(panel, 0, 25);
  double xy = 0, xx = 0;
  for (Index t = 12; t < 600; t += 25) {
    const double line = (z[t - 1] + z[t + 1]) / 2;
    double mean = 0;
    for (Index p = 0; p < 25; ++p) mean += y(p, t) / 25;
    xy += line * mean, xx += line * line;
  }
  INFO("slope " << xy / xx);
  CHECK(std::abs(xy / xx) < 0.4);
}

TEST_CASE("imputer: long gaps, short series, covariates and threads", "[forecast][impute]") {
  Series s = walk(40, 6), other = walk(9, 7);
  for (Index t = 10; t < 30; ++t) s.values[static_cast<std::size_t>(t)] = missing;
  other.values[4] = missing;
  s.known = Tensor<double>({41, 1}, 1.0);
  other.known = Tensor<double>({9, 1}, missing);
  s.statics = {3}, other.statics = {missing};
  const std::vector<Series> panel{s, other};
  ImputerOptions o = tiny();
  o.columns = Panel(panel).columns();
  o.calendar = {.week = 1};
  o.season = 7;
  o.steps = 3;
  const auto fill = [&](int threads) {
    set_threads(threads);
    Imputer imputer(o);
    imputer.fit(panel);
    return std::pair(imputer.paths(panel, 0, 60), imputer.paths(panel, 1, 2));
  };
  const auto [a, b] = fill(2);
  const auto one = fill(1);
  set_threads(2);
  for (const double v : a) CHECK(std::isfinite(v));
  for (const double v : b) CHECK(std::isfinite(v));
  CHECK(a == one.first);
  CHECK(b == one.second);
}

TEST_CASE("imputer: what can not be", "[forecast][impute]") {
  const auto refused = [](auto change) {
    ImputerOptions o = tiny();
    change(o);
    CHECK_THROWS_AS(Imputer(o), ArgumentError);
  };
  refused([](auto& o) { o.columns.channels = 2; });
  refused([](auto& o) { o.window = 3; });
  refused([](auto& o) { o.sampling_steps = 0; });
  refused([](auto& o) { o.net.width = 0; });
  Imputer imputer(tiny());
  const std::vector<Series> panel{walk(30, 1)};
  CHECK_THROWS_AS(imputer.paths(panel, 0, 5), ArgumentError);
  std::vector<Series> empty{walk(30, 1)};
  for (std::size_t t = 1; t < 30; ++t) empty[0].values[t] = missing;
  CHECK_THROWS_AS(imputer.fit(empty), ArgumentError);
  std::vector<Series> wide = panel;
  wide[0].statics = {1};
  CHECK_THROWS_AS(imputer.fit(wide), ArgumentError);
}
