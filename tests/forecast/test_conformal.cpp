// Covers: stretch conformal
#include "foglift/forecast/calibrate/conformal.hpp"
#include "foglift/forecast/score/metrics.hpp"
#include "normal_paths.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {
Conformal seen(const Tensor<double>& paths, const Tensor<double>& actual,
               const ConformalOptions& options = {}) {
  Conformal c(paths.dim(2), options);
  for (Index w = 0; w < paths.dim(0); ++w) c.observe(paths, actual, w);
  return c;
}
}  // namespace

TEST_CASE("stretch: members move about their median and keep their order", "[forecast][stretch]") {
  Tensor<double> paths({1, 4, 1}, {3, -1, 1, 5});  // median 2; central 0.25 (1, 3), 0.75 (-1, 5)
  Stretch s{Tensor<double>({3, 1}, {2, 4, 4})};
  // 1 and 3: factor 2. -1 and 5: between 0.5 and 0.8, 2 + 2 * (0.25 / 0.3).
  const double f = 2 + 2 * 0.25 / 0.3;
  s.apply(paths, 0);
  CHECK_THAT(paths[0], WithinAbs(2 + 2, 1e-12));
  CHECK_THAT(paths[2], WithinAbs(2 - 2, 1e-12));
  CHECK_THAT(paths[1], WithinAbs(2 - 3 * f, 1e-12));
  CHECK_THAT(paths[3], WithinAbs(2 + 3 * f, 1e-12));
  // Factors that would change the order: an outer member stays at its inner neighbour.
  Tensor<double> odd({1, 5, 1}, {0, 1, 2, 3, 4});
  Stretch{Tensor<double>({3, 1}, {1, 0.1, 0.1})}.apply(odd, 0);
  CHECK(odd == Tensor<double>({1, 5, 1}, {1, 1, 2, 3, 3}));
  CHECK_THROWS_AS(s.apply(odd = Tensor<double>({1, 5, 2}), 0), ShapeError);
}

TEST_CASE("conformal: paths too narrow by a factor of two are restored", "[forecast][conformal]") {
  const Index H = 4;
  const Conformal c = seen(normal_of({400, 100, H}, {10, 0.5}, 1), normal_of({400, H}, {10, 1}, 2));
  Tensor<double> paths = normal_of({500, 100, H}, {10, 0.5}, 3);
  const Tensor<double> actual = normal_of({500, H}, {10, 1}, 4);
  CHECK(coverage(paths, actual, 0.8) < 0.52);  // 2 Phi(0.64) - 1 = 0.478
  for (Index w = 0; w < 500; ++w) c.stretch().apply(paths, w);
  // 2000 cells; the factor itself is that of 1200 or more: standard errors sqrt(p q (1/2000 +
  // 1/1200)) = 0.0183 (50 %), 0.0146 (80 %), 0.0080 (95 %).
  CHECK_THAT(coverage(paths, actual, 0.5), WithinAbs(0.5, 3 * 0.0183));
  CHECK_THAT(coverage(paths, actual, 0.8), WithinAbs(0.8, 3 * 0.0146));
  CHECK_THAT(coverage(paths, actual, 0.95), WithinAbs(0.95, 3 * 0.0080));
}

TEST_CASE("conformal: calibrated paths stay as they are", "[forecast][conformal]") {
  const Conformal c = seen(normal_of({400, 200, 4}, {10, 1}, 1), normal_of({400, 4}, {10, 1}, 2));
  // The 80 % quantile of |z| from 1200 cells or more: sqrt(.8 .2 / 1200) / (2 phi(1.2816)) / 1.2816
  // = 0.0257; of 50 %: sqrt(.25 / 1200) / (2 phi(.6745)) / .6745 = 0.0337, 95 %: 0.0275. The
  // sample's own quantiles, ends of 200 members, add a bias below 0.02.
  for (Index h = 0; h < 4; ++h) {
    CHECK_THAT(c.stretch().factors(0, h), WithinAbs(1, 3 * 0.0337 + 0.02));
    CHECK_THAT(c.stretch().factors(1, h), WithinAbs(1, 3 * 0.0257 + 0.02));
    CHECK_THAT(c.stretch().factors(2, h), WithinAbs(1, 3 * 0.0275 + 0.02));
  }
}

TEST_CASE("conformal: few windows change little, none nothing", "[forecast][conformal]") {
  Tensor<double> paths = normal_of({1, 50, 6}, {10, 0.01}, 1);
  const Conformal c = seen(paths, normal_of({1, 6}, {10, 1}, 2));
  // Every interval misses by far: the factor is `most` to the power of 1 / (1 + 4).
  CHECK_THAT(c.stretch().factors(1, 3), WithinRel(std::pow(5.0, 0.2), 1e-12));
  const Conformal none = seen(paths, Tensor<double>({1, 6}, NAN));
  CHECK(none.windows() == 0);
  const Tensor<double> before = paths;
  none.stretch().apply(paths, 0);
  for (Index i = 0; i < paths.size(); ++i) CHECK_THAT(paths[i], WithinAbs(before[i], 1e-12));
}

TEST_CASE("conformal: bands are narrowed by three times as many windows as they are widened by",
          "[forecast][conformal]") {
  const Conformal c = seen(normal_of({1, 2000, 6}, {10, 100}, 1), normal_of({1, 6}, {10, 1}, 2));
  CHECK_THAT(c.stretch().factors(1, 3), WithinRel(std::pow(0.2, 1.0 / (1 + 3 * 4)), 1e-12));
}

TEST_CASE("conformal: values that bounds cut off stay in a band that is narrowed",
          "[forecast][conformal]") {
  // Nothing falls below 0: 31 % of the paths are 0, 27 % of what comes. Their 80 % band is 0 to
  // 3.56, which 5 % exceed; it must come down to 1 + 1.6 * 1.2816 = 3.05, which a tenth does, and
  // still begin at 0.
  const auto wet = [](const Shape& shape, double deviation, std::uint64_t seed) {
    Tensor<double> out = normal_of(shape, {1, deviation}, seed);
    for (double& v : out) v = std::max(0.0, v);
    return out;
  };
  const Conformal c = seen(wet({400, 200, 4}, 2, 1), wet({400, 4}, 1.6, 2), {.prior = 0});
  Tensor<double> paths = wet({500, 200, 4}, 2, 3);
  const Tensor<double> actual = wet({500, 4}, 1.6, 4);
  CHECK(coverage(paths, actual, 0.8) > 0.93);
  for (Index w = 0; w < 500; ++w) c.stretch().apply(paths, w);
  // 2000 cells; half of 1200 or more are behind the factor, which a fifth of them exceeds: standard
  // error sqrt(0.1 0.9 / 2000 + 0.2 0.8 / 600 / 4) = 0.0106.
  CHECK_THAT(coverage(paths, actual, 0.8), WithinAbs(0.9, 3 * 0.0106));
}

TEST_CASE("conformal: coverage returns after the world has changed", "[forecast][conformal]") {
  // Errors double from window 40 on. What was seen before keeps the factor near 1; following moves
  // the level until the wider intervals hold.
  const Index H = 6, W = 160;
  const Tensor<double> paths = normal_of({W, 100, H}, {10, 1}, 1);
  Tensor<double> actual = normal_of({W, H}, {10, 1}, 2);
  for (Index w = 40; w < W; ++w)
    for (Index h = 0; h < H; ++h) actual(w, h) = 10 + 2 * (actual(w, h) - 10);
  const auto held = [&](double rate) {
    Conformal c(H, {.rate = rate});
    Tensor<double> out = paths;
    for (Index w = 0; w < W; ++w) {
      c.stretch().apply(out, w);
      c.follow(paths, actual, w);
    }
    return coverage(out.rows(60, 60), actual.rows(60, 60), 0.8);
  };
  const double still = held(0), moving = held(0.05);
  // 360 cells: standard error 0.021.
  CHECK(still < 0.8 - 3 * 0.021);
  CHECK_THAT(moving, WithinAbs(0.8, 3 * 0.021));
}

TEST_CASE("conformal: a window that shows nothing moves no level", "[forecast][conformal]") {
  // Values came in a week without rain, where paths have no width.
  const Tensor<double> paths = normal_of({20, 50, 3}, {10, 1}, 1), flat({1, 50, 3}, 4);
  Conformal c = seen(paths, normal_of({20, 3}, {10, 1}, 2));
  const Tensor<double> before = c.stretch().factors;
  c.follow(flat, Tensor<double>({1, 3}, 4), 0);
  CHECK(c.windows() == 21);
  // That there are 21 windows, not 20, moves logarithms by (21 / 33) / (20 / 32), 1.82 %, or less.
  for (Index i = 0; i < before.size(); ++i) {
    const double after = std::log(c.stretch().factors[i]);
    CHECK_THAT(after, WithinAbs(std::log(before[i]), 0.0182 * std::abs(after) + 1e-12));
  }
}

TEST_CASE("conformal: what can not be is refused", "[forecast][conformal]") {
  CHECK_THROWS_AS(Conformal(0), ArgumentError);
  CHECK_THROWS_AS(Conformal(1, {.most = 0.5}), ArgumentError);
  Conformal c(3);
  CHECK_THROWS_AS(c.observe(Tensor<double>({1, 5, 2}), Tensor<double>({1, 2}), 0), ShapeError);
}
