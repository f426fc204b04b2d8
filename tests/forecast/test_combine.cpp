// Covers: paths weights
#include "foglift/forecast/combine/weights.hpp"
#include "normal_paths.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {
const std::vector<double> ones(200, 1.0);
std::span<const double> scales(Index W) {
  return std::span(ones).first(static_cast<std::size_t>(W));
}
/// The weight of the first of two parts by the inverse squares of their losses.
double by_squares(double first, double second) {
  return second * second / (first * first + second * second);
}
}  // namespace

TEST_CASE("combine: sorted values are averaged and stand in the order of one part",
          "[forecast][combine]") {
  const std::vector<Tensor<double>> parts = {Tensor<double>({1, 3, 2}, {5, 1, 1, 2, 3, 3}),
                                             Tensor<double>({1, 3, 2}, {0, 9, 2, 7, 4, 8})};
  const std::vector<double> half = {0.5, 0.5};
  // Step 0: sorted 1 3 5 and 0 2 4 give 0.5 2.5 4.5; step 1: 1 2 3 and 7 8 9 give 4 5 6.
  CHECK(combine(parts, half, 0) == Tensor<double>({1, 3, 2}, {4.5, 4, 0.5, 5, 2.5, 6}));
  CHECK(combine(parts, half, 1) == Tensor<double>({1, 3, 2}, {0.5, 6, 2.5, 4, 4.5, 5}));
  CHECK(combine(parts, std::vector<double>{0, 1}, 1) == parts[1]);
}

TEST_CASE("combine: what does not fit together is refused", "[forecast][combine]") {
  const std::vector<Tensor<double>> parts(2, Tensor<double>({1, 3, 2}));
  CHECK_THROWS_AS(combine({}, {}, 0), ArgumentError);
  CHECK_THROWS_AS(combine(parts, std::vector<double>{1}, 0), ArgumentError);
  CHECK_THROWS_AS(combine(parts, std::vector<double>{1, -0.1}, 0), ArgumentError);
  CHECK_THROWS_AS(combine(parts, std::vector<double>{1, 0}, 2), ArgumentError);
  const std::vector<Tensor<double>> odd = {parts[0], Tensor<double>({1, 3, 3})};
  CHECK_THROWS_AS(combine(odd, std::vector<double>{1, 0}, 0), ShapeError);
  CHECK_THROWS_AS(fit_weights(parts, Tensor<double>({1, 3}), scales(1)), ShapeError);
  CHECK_THROWS_AS(fit_weights(parts, Tensor<double>({1, 2}), std::vector<double>{0}),
                  ArgumentError);
}

TEST_CASE("combine: two biases that cancel are weighed as they must be", "[forecast][combine]") {
  // Quantile functions -1 + z and 3 + z: w of the first gives 3 - 4 w + z, the truth at w = 3/4.
  // The loss is 200 x 8 cells about a minimum of curvature 4^2 f(0) / 2: the error of w is
  // sqrt(1 / 1600) / 4 = 0.006 by the mean alone.
  const std::vector<Tensor<double>> parts = {normal_of({200, 100, 8}, {-1, 1}, 1),
                                             normal_of({200, 100, 8}, {3, 1}, 2)};
  const Tensor<double> actual = normal_of({200, 8}, {0, 1}, 3);
  const Combination c = fit_weights(parts, actual, scales(200), {.prior = 0, .worse = 10});
  CHECK_THAT(c.weights[0], WithinAbs(0.75, 4 * 0.0085));
  CHECK_THAT(c.weights[0] + c.weights[1], WithinAbs(1, 1e-12));
  CHECK(c.order == 0);
}

TEST_CASE("combine: the truth gets nearly all, what is clearly worse gets nothing",
          "[forecast][combine]") {
  const std::vector<Tensor<double>> parts = {normal_of({100, 100, 8}, {0.6, 2}, 1),
                                             normal_of({100, 100, 8}, {0, 1}, 2),
                                             normal_of({100, 100, 8}, {2, 1}, 3)};
  const Tensor<double> actual = normal_of({100, 8}, {0, 1}, 4);
  // Towards the first part the mean moves by 0.6 and the deviation by 1: the weight's error is
  // about 1 / sqrt(800 (0.6^2 + 2)) = 0.023 by the Fisher information; the equal weights of four
  // windows take 4 / 104 * 2/3 = 0.026.
  const Combination all = fit_weights(parts, actual, scales(100), {.prior = 4, .worse = 10});
  CHECK(all.weights[1] > 1 - 0.026 - 3 * 0.023);
  const Combination c = fit_weights(parts, actual, scales(100));
  CHECK(c.weights == std::vector<double>{0, 1, 0});
  CHECK(c.order == 1);
  // The losses are those of the metric.
  CHECK_THAT(c.loss[1], WithinAbs(crps(parts[1], actual), 1e-12));
}

TEST_CASE("combine: of few windows the weights are nearly equal", "[forecast][combine]") {
  const std::vector<Tensor<double>> parts = {normal_of({1, 50, 4}, {0.1, 1}, 1),
                                             normal_of({1, 50, 4}, {-0.1, 1}, 2)};
  const Combination c = fit_weights(parts, normal_of({1, 4}, {0, 1}, 7), scales(1), {.prior = 4});
  // At most one window's share, 1 / (1 + 4), of the way to 0 or 1.
  const double even = by_squares(c.loss[0], c.loss[1]);
  CHECK_THAT(even, WithinAbs(0.5, 0.1));
  CHECK_THAT(c.weights[0], WithinAbs(0.8 * even + 0.1, 0.1 + 1e-12));
  const Combination none = fit_weights(parts, Tensor<double>({1, 4}, NAN), scales(1));
  CHECK(none.weights == std::vector<double>{0.5, 0.5});
  CHECK(std::isnan(none.loss[0]));
}

TEST_CASE("combine: what few windows draw to is weighed by the squares of the losses",
          "[forecast][combine]") {
  // Of one window no part is clearly worse, below twice the loss of the best.
  const std::vector<Tensor<double>> parts = {normal_of({1, 50, 40}, {0.6, 1}, 1),
                                             normal_of({1, 50, 40}, {0, 1}, 2),
                                             normal_of({1, 50, 40}, {-0.9, 1}, 3)};
  const Combination c = fit_weights(parts, normal_of({1, 40}, {0, 1}, 7), scales(1),
                                    {.prior = 1e9, .shares = {1, 1, 0.5}});
  CHECK(c.loss[2] > 1.2 * c.loss[1]);
  double sum = 0;
  for (std::size_t k = 0; k < 3; ++k) sum += (k == 2 ? 0.5 : 1) / (c.loss[k] * c.loss[k]);
  for (std::size_t k = 0; k < 3; ++k)
    CHECK_THAT(c.weights[k], WithinAbs((k == 2 ? 0.5 : 1) / (c.loss[k] * c.loss[k]) / sum, 1e-8));
}

TEST_CASE("combine: a part that is never wrong gets all", "[forecast][combine]") {
  const Tensor<double> actual = normal_of({2, 4}, {0, 1}, 4);
  std::vector<Tensor<double>> parts(2, Tensor<double>({2, 5, 4}));
  for (Index w = 0; w < 2; ++w)
    for (Index p = 0; p < 5; ++p)
      for (Index h = 0; h < 4; ++h) parts[0](w, p, h) = actual(w, h);
  CHECK(fit_weights(parts, actual, scales(2)).weights == std::vector<double>{1, 0});
  parts[1] = parts[0];
  const auto twice = fit_weights(parts, actual, scales(2)).weights;
  CHECK(twice[0] + twice[1] == 1);
}

TEST_CASE("combine: what few windows do not say is said by shares", "[forecast][combine]") {
  const std::vector<Tensor<double>> parts = {normal_of({1, 50, 4}, {0.1, 1}, 1),
                                             normal_of({1, 50, 4}, {-0.1, 1}, 2)};
  const WeightOptions uneven{.prior = 4, .shares = {0.5, 2}};
  const Combination none = fit_weights(parts, Tensor<double>({1, 4}, NAN), scales(1), uneven);
  CHECK(none.weights == std::vector<double>{0.2, 0.8});
  CHECK(none.order == 1);
  const Combination c = fit_weights(parts, normal_of({1, 4}, {0, 1}, 7), scales(1), uneven);
  const double first = by_squares(c.loss[0] / std::sqrt(0.5), c.loss[1] / std::sqrt(2));
  CHECK_THAT(first, WithinAbs(0.2, 0.1));
  CHECK_THAT(c.weights[0], WithinAbs(first * 4 / 5 + 0.1, 0.1 + 1e-12));
  CHECK_THROWS_AS(fit_weights(parts, Tensor<double>({1, 4}), scales(1), {.shares = {1, 0}}),
                  ArgumentError);
}

TEST_CASE("combine: weights do not depend on the unit", "[forecast][combine]") {
  std::vector<Tensor<double>> parts = {normal_of({30, 50, 4}, {-1, 1}, 1),
                                       normal_of({30, 50, 4}, {2, 1}, 2)};
  Tensor<double> actual = normal_of({30, 4}, {0, 1}, 3);
  const WeightOptions free{.prior = 4, .worse = 10};
  const Combination before = fit_weights(parts, actual, scales(30), free);
  const std::vector<double> units(30, 1e-3);
  for (Tensor<double>& p : parts)
    for (double& v : p) v = 1e-3 * v + 50;
  for (double& v : actual) v = 1e-3 * v + 50;
  const Combination after = fit_weights(parts, actual, units, free);
  // Bisection ends within 2^-16; errors of 1e-3 around 50 are rounded to 1e-11 of themselves.
  CHECK_THAT(after.weights[0], WithinAbs(before.weights[0], 1e-4));
}
