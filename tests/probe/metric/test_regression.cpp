// Covers: probe/metric/regression alignment
#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/alignment.hpp"
#include "foglift/probe/metric/regression.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

TEST_CASE("regression: errors and R^2 by hand", "[probe][metric]") {
  const Tensor<float> truth({4}, {1, 2, 3, 6}), said({4}, {2, 2, 2, 5});
  CHECK(probe::mean_squared_error(said, truth) == 0.75);
  CHECK(probe::mean_absolute_error(said, truth) == 0.75);
  CHECK_THAT(probe::r_squared(said, truth), WithinRel(1 - 3.0 / 14, 1e-15));  // mean 3
  CHECK(probe::r_squared(truth, truth) == 1);
  CHECK_THAT(probe::r_squared(Tensor<float>({4}, 3.0f), truth), WithinAbs(0, 1e-15));
  // Two outputs: the mean of both.
  const Tensor<float> two({2, 2}, {1, 0, 3, 2}), close({2, 2}, {1, 1, 3, 1});
  CHECK_THAT(probe::r_squared(close, two), WithinRel((1.0 + 0.0) / 2, 1e-15));
}

TEST_CASE("regression: the R^2 of a fitted line is the squared correlation", "[probe][metric]") {
  const Tensor<double> x = Rng(1).normal<double>({50}), e = Rng(2).normal<double>({50});
  Tensor<double> y({50}), line({50});
  double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
  for (Index i = 0; i < 50; ++i) {
    y[i] = 2 * x[i] + e[i];
    mx += x[i] / 50, my += y[i] / 50;
  }
  for (Index i = 0; i < 50; ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    xy += (x[i] - mx) * (y[i] - my);
    yy += (y[i] - my) * (y[i] - my);
  }
  for (Index i = 0; i < 50; ++i) line[i] = my + xy / xx * (x[i] - mx);
  CHECK_THAT(probe::r_squared(line, y), WithinRel(xy * xy / (xx * yy), 1e-12));
}

TEST_CASE("regression: wrong arguments are refused", "[probe][metric]") {
  const Tensor<double> a({3}), b({4}), same({2}, 1.0);
  CHECK_THROWS_AS(probe::mean_squared_error(a, b), ShapeError);
  CHECK_THROWS_AS(probe::mean_absolute_error(a, b), ShapeError);
  CHECK_THROWS_AS(probe::r_squared(a, b), ShapeError);
  CHECK_THROWS_AS(probe::r_squared(Tensor<double>(Shape{0}), Tensor<double>(Shape{0})), ShapeError);
  CHECK_THROWS_AS(probe::r_squared(same, same), ArgumentError);
}

TEST_CASE("alignment: the squared chord between unit rows", "[probe][metric]") {
  const Tensor<double> a({2, 2}, {2, 0, 0, 5}), b({2, 2}, {0, 3, 0, 1});
  CHECK_THAT(probe::alignment(a, b), WithinRel(1.0, 1e-15));  // 2 for the first, 0 for the second
  CHECK(probe::alignment(a, a) == 0);
  CHECK_THROWS_AS(probe::alignment(a, Tensor<double>({3, 2}, 1.0)), ShapeError);
  CHECK_THROWS_AS(probe::alignment(a, Tensor<double>({2, 2})), ArgumentError);
}

TEST_CASE("uniformity: a closed form on the circle, and by hand", "[probe][metric]") {
  // Two opposite points: |difference|^2 = 4.
  CHECK_THAT(probe::uniformity(Tensor<double>({2, 2}, {1, 0, -3, 0})), WithinRel(-8.0, 1e-14));
  CHECK_THAT(probe::uniformity(Tensor<double>({3, 2}, 1.0)), WithinAbs(0, 1e-14));
  // Evenly on the circle: the mean of exp(-4 + 4 cos) over angles is e^-4 I_0(4).
  const Index n = 2000;
  Tensor<double> circle({n, 2});
  for (Index i = 0; i < n; ++i) {
    circle(i, 0) = std::cos(2 * M_PI * double(i) / double(n));
    circle(i, 1) = std::sin(2 * M_PI * double(i) / double(n));
  }
  // All pairs with i = j would make the mean exact; without them it is (n I - 1) / (n - 1).
  const double all = std::exp(-4.0) * std::cyl_bessel_i(0.0, 4.0);
  CHECK_THAT(probe::uniformity(circle),
             WithinRel(std::log((double(n) * all - 1) / double(n - 1)), 1e-10));
  CHECK_THROWS_AS(probe::uniformity(Tensor<double>({1, 2}, 1.0)), ShapeError);
}
