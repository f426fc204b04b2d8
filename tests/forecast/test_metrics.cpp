// Covers: metrics quantile
#include "foglift/core/rng.hpp"
#include "foglift/forecast/score/metrics.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();

/// E|X - y| - E|X - X'| / 2 as the double sum it is.
double slow_crps(std::span<const double> x, double y, bool fair) {
  const auto n = static_cast<double>(x.size());
  double error = 0, spread = 0;
  for (const double a : x) {
    error += std::abs(a - y);
    for (const double b : x) spread += std::abs(a - b);
  }
  return error / n - spread / (2 * n * (fair ? n - 1 : n));
}

}  // namespace

TEST_CASE("crps: values worked out by hand", "[forecast][metrics]") {
  const auto of = [](std::vector<double> x, double y, Crps kind = Crps::ensemble) {
    return crps(x, y, kind);
  };
  CHECK(of({3}, 5) == 2);                                         // a point: the absolute error
  CHECK_THAT(of({0, 1}, 0), WithinAbs(0.25, 1e-15));              // 1/2 - (1 + 1)/(2 * 4)
  CHECK_THAT(of({0, 1}, 0, Crps::fair), WithinAbs(0, 1e-15));     // 1/2 - (1 + 1)/(2 * 2)
  CHECK_THAT(of({4, 1, 2}, 2), WithinAbs(1 - 12.0 / 18, 1e-15));  // pairs 3 + 2 + 1, twice
  CHECK_THROWS_AS(of({}, 1), ArgumentError);
  CHECK_THROWS_AS(of({1}, 1, Crps::fair), ArgumentError);
}

TEST_CASE("crps: sorting agrees with the double sum", "[forecast][metrics]") {
  for (const Index n : {2, 3, 7, 16, 101}) {
    const auto x = Rng(1).normal<double>({n}, static_cast<std::uint64_t>(n));
    for (const double y : {-4.0, -0.3, 0.0, 2.0}) {
      std::vector<double> a(x.begin(), x.end()), b = a;
      // Rounding: a sum of n terms of size up to n * 4 * eps / n.
      const double tolerance = 1e-15 * static_cast<double>(n) * 8;
      CHECK_THAT(crps(a, y), WithinAbs(slow_crps(x.span(), y, false), tolerance));
      CHECK_THAT(crps(b, y, Crps::fair), WithinAbs(slow_crps(x.span(), y, true), tolerance));
    }
  }
}

TEST_CASE("crps: fair mean over ensembles is the CRPS of the normal law", "[forecast][metrics]") {
  // CRPS(N(0,1), y) = y (2 Phi(y) - 1) + 2 phi(y) - 1/sqrt(pi) (Gneiting & Raftery 2007, eq. 5).
  const double y = 0.7, pi = std::numbers::pi;
  const double exact = y * std::erf(y / std::sqrt(2.0)) +
                       2 * std::exp(-y * y / 2) / std::sqrt(2 * pi) - 1 / std::sqrt(pi);
  const Index n = 20000;
  const auto x = Rng(3).normal<double>({n, 5});
  double sum = 0, square = 0;
  for (Index i = 0; i < n; ++i) {
    std::vector<double> members(x.data() + 5 * i, x.data() + 5 * (i + 1));
    const double c = crps(members, y, Crps::fair);
    sum += c;
    square += c * c;
  }
  const double mean = sum / n, se = std::sqrt((square / n - mean * mean) / n);
  CHECK_THAT(mean, WithinAbs(exact, 4 * se));
}

TEST_CASE("quantiles: both conventions on known lists", "[forecast][metrics]") {
  const std::vector<double> five = {10, 20, 30, 40, 50};
  CHECK(quantile_linear(five, 0) == 10);
  CHECK(quantile_linear(five, 1) == 50);
  CHECK_THAT(quantile_linear(five, 0.3), WithinAbs(22, 1e-12));  // (5 - 1) * 0.3 = 1.2
  CHECK(quantile_nearest(five, 0.3) == 20);
  CHECK(quantile_nearest(five, 0.9) == 50);  // 3.6
  std::vector<double> hundred;
  for (int i = 0; i < 100; ++i) hundred.push_back(i);
  CHECK(quantile_nearest(hundred, 0.5) == 50);  // 49.5, half to even
  CHECK(quantile_nearest(hundred, 0.05) == 5);  // 4.95
  const std::vector<double> four = {0, 1, 2, 3};
  CHECK(quantile_nearest(four, 0.5) == 2);  // 1.5, half to even
  const std::vector<double> six = {0, 1, 2, 3, 4, 5};
  CHECK(quantile_nearest(six, 0.5) == 2);  // 2.5, half to even
  CHECK_THROWS_AS(quantile_linear({}, 0.5), ArgumentError);
  CHECK_THROWS_AS(quantile_linear(five, 1.5), ArgumentError);

  const Tensor<float> paths({1, 3, 2}, {3, 0, 1, 5, 2, 1});
  const std::vector<double> levels = {0.5, 0.75};
  CHECK(quantiles(paths, levels) == Tensor<float>({1, 2, 2}, {2, 1, 2.5F, 3}));
}

TEST_CASE("weighted quantile loss: a hand-computed case and the point forecast",
          "[forecast][metrics]") {
  // Two paths 1 and 3 at two cells; (2 - 1) q rounds to 0 up to q = 0.5 (half to even), then to 1.
  const Tensor<double> paths({1, 2, 2}, {1, 1, 3, 3}), actual({1, 2}, {2, 4});
  // Levels .2 and .6. Cell 1, y = 2: x = 1: |(1 - 2)(0 - .2)| = .2; x = 3: |(3 - 2)(1 - .6)| = .4.
  // Cell 2, y = 4: x = 1: 3 * .2 = .6; x = 3: 1 * .6 = .6. Sum 1.8, twice, over 2 levels, over 6.
  const std::vector<double> levels = {.2, .6};
  CHECK_THAT(mean_weighted_quantile_loss(paths, actual, levels), WithinAbs(1.8 * 2 / 2 / 6, 1e-15));
  // A point forecast: mean over q of 2 e |1[..] - q| is e over levels symmetric about 1/2.
  const Tensor<double> point({1, 1, 2}, {3, 3});
  CHECK_THAT(mean_weighted_quantile_loss(point, actual), WithinAbs((1.0 + 1) / 6, 1e-15));
  CHECK_THROWS_AS(mean_weighted_quantile_loss(paths, Tensor<double>({1, 2})), NumericError);
}

TEST_CASE("weighted quantile loss: the mean over many levels is the CRPS", "[forecast][metrics]") {
  // CRPS = 2 int QL_q dq. With 25 paths and 2000 levels the sum of rectangles is off by at most
  // (range of the quantile function) / levels < 10 / 2000.
  const auto paths = Rng(8).normal<double>({4, 25, 3});
  const auto actual = Rng(9).normal<double>({4, 3});
  double size = 0;
  for (const double y : actual) size += std::abs(y) / 12;
  std::vector<double> levels;
  std::vector<double> members;
  double exact = 0;
  for (int i = 0; i < 2000; ++i) levels.push_back((i + 0.5) / 2000);
  // The ensemble's own quantile function is the element ceil(S q); nearest rounds (S - 1) q. The
  // loss of each of those at its own levels is summed directly.
  for (Index w = 0; w < 4; ++w)
    for (Index h = 0; h < 3; ++h) {
      forecast::detail::sorted_members(paths, w, h, members);
      for (const double q : levels) {
        const double x = members[static_cast<std::size_t>(std::ceil(25 * q)) - 1];
        exact += 2 * (x - actual(w, h)) * ((actual(w, h) <= x ? 1 : 0) - q) / 2000 / 12;
      }
    }
  CHECK_THAT(crps(paths, actual), WithinAbs(exact, 10.0 / 2000));
  // (S - 1) q and S q differ by less than one member: the two losses by less than one gap's share.
  CHECK_THAT(mean_weighted_quantile_loss(paths, actual, levels) * size, WithinRel(exact, 0.1));
}

TEST_CASE("coverage: the share between interpolated quantiles, missing cells left out",
          "[forecast][metrics]") {
  Tensor<double> paths({1, 11, 5});
  for (Index s = 0; s < 11; ++s)
    for (Index h = 0; h < 5; ++h) paths(0, s, h) = static_cast<double>(s);
  const Tensor<double> actual({1, 5}, {1, 9, 0.99, 5, missing});  // the 80 % interval is [1, 9]
  CHECK_THAT(coverage(paths, actual, 0.8), WithinAbs(0.75, 1e-15));
  // The middle half of 0 ... 4 is [1, 3], exactly; both ends are inside.
  const Tensor<double> five({1, 5, 4},
                            {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4});
  CHECK(coverage(five, Tensor<double>({1, 4}, {1, 3, 0.999, 3.001}), 0.5) == 0.5);
  CHECK_THROWS_AS(coverage(paths, actual, 1.0), ArgumentError);
  CHECK_THROWS_AS(coverage(paths, Tensor<double>({1, 5}, missing), 0.8), ArgumentError);
  CHECK_THROWS_AS(coverage(paths, Tensor<double>({5, 1}), 0.8), ShapeError);
  paths(0, 3, 2) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(coverage(paths, actual, 0.8), NumericError);
}

TEST_CASE("mase: error of the median over the naive error of the past", "[forecast][metrics]") {
  const std::vector<double> past = {1, 4, 3, missing, 7, 5};
  CHECK_THAT(seasonal_error(past, 2), WithinAbs((2 + 4) / 2.0, 1e-15));  // |3 - 1|, |7 - 3|
  CHECK(std::isnan(seasonal_error(past, 6)));
  const Tensor<double> paths({2, 3, 1}, {1, 2, 9, 0, 0, 0}), actual({2, 1}, {5, 2});
  const std::vector<double> scales = {3, 4};
  CHECK_THAT(mase(paths, actual, scales), WithinAbs((3.0 / 3 + 2.0 / 4) / 2, 1e-15));
  CHECK_THROWS_AS(mase(paths, actual, std::vector<double>{0, 1}), NumericError);
  CHECK_THROWS_AS(mase(paths, actual, std::vector<double>{1}), ShapeError);
}

TEST_CASE("pit: ranks with half ties and uniform for a calibrated forecast",
          "[forecast][metrics]") {
  const Tensor<double> paths({1, 4, 1}, {1, 2, 2, 3}), two({1, 1}, {2});
  CHECK(pit(paths, two) == std::vector<double>{0.5});
  const Index n = 4000;
  const auto u = pit(Rng(1).normal<double>({n, 19, 1}), Rng(2).normal<double>({n, 1}));
  // 20 equally likely ranks: chi-squared with 19 degrees of freedom.
  std::vector<double> counts(20);
  for (const double v : u) ++counts[static_cast<std::size_t>(std::lround(v * 19))];
  double chi2 = 0;
  for (const double c : counts) chi2 += (c - n / 20.0) * (c - n / 20.0) / (n / 20.0);
  CHECK(chi2 < 19 + 5 * std::sqrt(38.0));
}

TEST_CASE("metrics: an infinite actual value is refused", "[forecast][metrics]") {
  const Tensor<double> paths({1, 2, 1}, {1, 2});
  const Tensor<double> actual({1, 1}, std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(crps(paths, actual), NumericError);
}

TEST_CASE("metrics: values up to the stated size give finite results, beyond it an error",
          "[forecast][metrics]") {
  const double most = largest_value;
  const Tensor<double> paths({1, 2, 2}, {most, -most, -most, most}), actual({1, 2}, {-most, most});
  // Members -m and m, observed at an end: the mean error m, less a quarter of the distance 2 m.
  CHECK_THAT(crps(paths, actual), WithinRel(most / 2, 1e-15));
  CHECK(std::isfinite(mean_weighted_quantile_loss(paths, actual)));
  CHECK(coverage(paths, actual, 0.8) == 0);
  CHECK_THAT(mase(paths, actual, std::vector<double>{most}), WithinRel(1.0, 1e-15));
  CHECK(pit(paths, actual) == std::vector<double>{0.25, 0.75});

  for (const double bad : {2 * most, 1e308, HUGE_VAL}) {
    std::vector<double> members = {bad, 1};
    CHECK_THROWS_AS(crps(members, 0), NumericError);
    CHECK_THROWS_AS(crps(std::span(members).last(1), -bad), NumericError);
    const std::vector<double> sorted = {-bad, bad};
    CHECK_THROWS_AS(quantile_linear(sorted, 0.5), NumericError);
    CHECK_THROWS_AS(quantile_nearest(sorted, 0.9), NumericError);
    CHECK_THROWS_AS(quantile_linear(std::vector<double>{1, bad}, 0.5), NumericError);
    CHECK_THROWS_AS(seasonal_error(sorted, 1), NumericError);
    const Tensor<double> wild({1, 2, 2}, {1, 2, bad, 4}), wild_actual({1, 2}, {1, bad});
    const auto refuse = [&](const Tensor<double>& p, const Tensor<double>& y) {
      CHECK_THROWS_AS(crps(p, y), NumericError);
      CHECK_THROWS_AS(mean_weighted_quantile_loss(p, y), NumericError);
      CHECK_THROWS_AS(coverage(p, y, 0.5), NumericError);
      CHECK_THROWS_AS(mase(p, y, std::vector<double>{1}), NumericError);
      CHECK_THROWS_AS(pit(p, y), NumericError);
    };
    refuse(wild, actual);
    refuse(paths, wild_actual);
    CHECK_THROWS_AS(quantiles(wild, nine_levels), NumericError);
    CHECK_THROWS_AS(mase(paths, actual, std::vector<double>{HUGE_VAL}), NumericError);
  }
  std::vector<double> members = {missing, 1};
  CHECK_THROWS_AS(crps(members, 0), NumericError);
  CHECK_THROWS_AS(crps(std::span(members).last(1), missing), NumericError);
  CHECK_THROWS_AS(quantiles(paths, std::span<const double>()), ArgumentError);
  // Results that no double holds.
  const Tensor<double> tiny({1, 2}, 1e-310);
  CHECK_THROWS_AS(mean_weighted_quantile_loss(paths, tiny), NumericError);
  CHECK_THROWS_AS(mase(paths, actual, std::vector<double>{1e-200}), NumericError);
}

TEST_CASE("quantiles: a path that is not a number is refused", "[forecast][metrics]") {
  const std::vector<double> levels{0.5};
  CHECK_THROWS_AS(quantiles(Tensor<double>({1, 2, 1}, {1, missing}), levels), NumericError);
}
