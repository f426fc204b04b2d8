// Covers: climatology drift list
#include "foglift/forecast/baselines/list.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("climatology: a path is one earlier stretch of the same phase", "[forecast][baselines]") {
  // Season 3, horizon 2, 8 values: stretches begin at 5 and 2; 6 and 7 are the last season's.
  const std::vector<double> x = {90, 91, 1, 2, 92, 3, 4, 93};
  const auto paths = climatology(x, 3, {.horizon = 2, .paths = 400}, Rng(3));
  double first = 0;
  for (Index p = 0; p < 400; ++p) {
    CHECK(((paths(p, 0) == 1 && paths(p, 1) == 2) || (paths(p, 0) == 3 && paths(p, 1) == 4)));
    first += paths(p, 0) == 1;
  }
  CHECK_THAT(first, WithinAbs(200, 4 * std::sqrt(400 * 0.25)));
}

TEST_CASE("climatology: missing cells are drawn from the known ones of their step",
          "[forecast][baselines]") {
  const std::vector<double> x = {1, missing, 3, 4, missing, 6};
  const auto paths = climatology(x, 2, {.horizon = 2, .paths = 200}, Rng(3));
  std::set<double> first, second;
  for (Index p = 0; p < 200; ++p) first.insert(paths(p, 0)), second.insert(paths(p, 1));
  CHECK(first == std::set<double>{1, 3});
  CHECK(second == std::set<double>{4, 6});
  CHECK_THROWS_AS(climatology(x, 0, {.horizon = 2}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(climatology(x, 2, {.horizon = 7}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(climatology(std::vector<double>{missing, 1}, 2, {.horizon = 2}, Rng(1)),
                  ArgumentError);
  CHECK_THROWS_AS(climatology(std::vector<double>{1, 1e200}, 2, {.horizon = 2}, Rng(1)),
                  NumericError);
}

TEST_CASE("random walk with drift: the fit by hand, gaps included", "[forecast][baselines]") {
  // Changes 3, 1 and 5 (over two cells); drift 9/4; residuals 3/4, -5/4, 1/2.
  const Drift fit = fit_drift(std::vector<double>{missing, 1, 4, 5, missing, 10, missing});
  CHECK(fit.drift == 9.0 / 4);
  CHECK(fit.cells == 4);
  CHECK_THAT(fit.variance, WithinRel((9.0 / 16 + 25.0 / 16 + 1.0 / 8) / 2, 1e-14));
  CHECK(fit.last == 10 + 9.0 / 4);
  CHECK_THROWS_AS(fit_drift(std::vector<double>{1, missing, 2}), ArgumentError);
  CHECK_THROWS_AS(fit_drift(std::vector<double>{1, -1e200, 2}), NumericError);
}

TEST_CASE("random walk with drift: mean and variance of the paths", "[forecast][baselines]") {
  const std::vector<double> x = {0, 3, 4, 2, 7, 8};
  const Drift fit = fit_drift(x);
  const Index n = 20000, H = 4;
  const auto paths = random_walk_drift(x, {.horizon = H, .paths = n}, Rng(6));
  for (Index h = 0; h < H; ++h) {
    const double k = static_cast<double>(h + 1), count = static_cast<double>(n);
    const double mean = 8 + 1.6 * k, variance = fit.variance * k * (1 + k / 5);
    double sum = 0, square = 0;
    for (Index p = 0; p < n; ++p) {
      sum += paths(p, h) / count;
      square += (paths(p, h) - mean) * (paths(p, h) - mean) / count;
    }
    CHECK_THAT(sum, WithinAbs(mean, 4 * std::sqrt(variance / count)));
    CHECK_THAT(square, WithinRel(variance, 4 * std::sqrt(2 / count)));
  }
}

TEST_CASE("all baselines: a y + b gives a paths + b, and a path does not depend on how many",
          "[forecast][baselines]") {
  std::vector<double> x, y;
  for (int t = 0; t < 60; ++t) {
    x.push_back(20 + 0.25 * t + 4 * ((t * t * 7) % 11) / 11.0 + 3 * (t % 7 == 2));
    y.push_back(4 * x.back() + 32);
  }
  for (const Baseline& b : baselines) {
    INFO(b.name);
    const auto few = b.draw(x, 7, {.horizon = 9, .paths = 5}, Rng(1));
    const auto many = b.draw(x, 7, {.horizon = 9, .paths = 40}, Rng(1));
    const auto moved = b.draw(y, 7, {.horizon = 9, .paths = 5}, Rng(1));
    CHECK(many.rows(0, 5) == few);
    for (Index i = 0; i < few.size(); ++i) CHECK_THAT(moved[i], WithinRel(4 * few[i] + 32, 1e-9));
    CHECK_THROWS_AS(b.draw(x, 7, {.horizon = 0}, Rng(1)), ArgumentError);
    CHECK_THROWS_AS(b.draw(std::vector<double>{}, 7, {.horizon = 1}, Rng(1)), ArgumentError);
  }
}
