// Covers: course_shape simulate/simulator simulate/wave
#include "foglift/forecast/simulate/wave.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double tau = 2 * std::numbers::pi;

/// What d'Alembert's solution says of f(x - c t) and g(x + c t) on a ring of length 1.
Tensor<double> travelled(Index points, double c, double t) {
  const auto f = [](double x) { return std::exp(std::cos(tau * x)); };
  const auto df = [&](double x) { return -tau * std::sin(tau * x) * f(x); };
  const auto g = [](double x) { return 0.5 * std::sin(2 * tau * x); };
  const auto dg = [](double x) { return tau * std::cos(2 * tau * x); };
  Tensor<double> out({points, 2});
  for (Index i = 0; i < points; ++i) {
    const double x = static_cast<double>(i) / static_cast<double>(points);
    out(i, 0) = f(x - c * t) + g(x + c * t);
    out(i, 1) = c * (dg(x + c * t) - df(x - c * t));
  }
  return out;
}

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

}  // namespace

TEST_CASE("wave: d'Alembert's solution is met to second order", "[forecast][simulate]") {
  const auto error = [](Index points) {
    const Wave wave({.points = points, .speed = 1.5, .interval = 0.3});
    Tensor<double> x = travelled(points, 1.5, 0);
    for (int s = 0; s < 3; ++s) wave.advance(x);
    return distance(x, travelled(points, 1.5, 0.9));
  };
  const double coarse = error(128), fine = error(256);
  INFO("errors " << coarse << ", " << fine);
  CHECK_THAT(std::log2(coarse / fine), Catch::Matchers::WithinAbs(2, 0.05));
  CHECK(fine < 2e-2);  // of velocities of size 10
}

TEST_CASE("wave: a step as long as the spacing is exact for standing waves",
          "[forecast][simulate]") {
  // Verlet's rule at courant 1 is u(t + dt, x) = u(t, x + dx) + u(t, x - dx) - u(t - dt, x), which
  // cos(kx) cos(ckt) satisfies whatever the spacing.
  const Index n = 8;
  const Wave wave({.points = n, .interval = 3.0 / 8, .courant = 1, .modes = 2});
  CHECK(wave.substeps() == 3);
  Tensor<double> x({n, 2});
  for (Index i = 0; i < n; ++i) x(i, 0) = std::cos(tau * static_cast<double>(i) / 8);
  wave.advance(x);
  for (Index i = 0; i < n; ++i)
    CHECK_THAT(x(i, 0),
               Catch::Matchers::WithinAbs(
                   std::cos(tau * static_cast<double>(i) / 8) * std::cos(tau * 3 / 8), 1e-14));
}

TEST_CASE("wave: the momentum stays, and the energy does not drift", "[forecast][simulate]") {
  const auto swing = [](double courant) {
    const Wave wave({.points = 32, .interval = 0.1, .courant = courant});
    Tensor<double> x = wave.initial(Rng(1), 0);
    const double begin = wave.energy(x);
    double momentum = 0, most = 0;
    for (Index i = 0; i < 32; ++i) momentum += x(i, 1);
    for (int s = 0; s < 500; ++s) {
      wave.advance(x);
      most = std::max(most, std::abs(wave.energy(x) / begin - 1));
    }
    for (Index i = 0; i < 32; ++i) momentum -= x(i, 1);
    CHECK(std::abs(momentum) < 1e-10);
    return most;
  };
  // over fifty turns round the ring: a swing of the order of the squared step
  const double coarse = swing(0.5), fine = swing(0.25);
  INFO("swings " << coarse << ", " << fine);
  CHECK(coarse < 0.05);
  CHECK_THAT(std::log2(coarse / fine), Catch::Matchers::WithinAbs(2, 0.4));
}

TEST_CASE("wave: initial states have the stated deviations", "[forecast][simulate]") {
  // E u^2 = sum over k of 1 / k^2, E v^2 = (2 pi c)^2 for each of the modes
  const Wave wave({.points = 16, .length = 2, .speed = 3, .modes = 3});
  double u = 0, v = 0;
  const int runs = 4000;
  for (int s = 0; s < runs; ++s) {
    const Tensor<double> x = wave.initial(Rng(2), static_cast<std::uint64_t>(s));
    u += x(5, 0) * x(5, 0) / runs;
    v += x(5, 1) * x(5, 1) / runs;
  }
  // a squared normal has a deviation of sqrt(2): 4 standard errors
  const double off = 4 * std::numbers::sqrt2 / std::sqrt(runs);
  CHECK_THAT(u, Catch::Matchers::WithinRel(1 + 1 / 4.0 + 1 / 9.0, off));
  CHECK_THAT(v, Catch::Matchers::WithinRel(3 * std::pow(tau * 3 / 2, 2), off));
}

TEST_CASE("simulate: a course is its sample's, whatever the count", "[forecast][simulate]") {
  const Wave wave({.points = 16});
  const auto all = simulate(wave, 5, 3, Rng(1));
  CHECK(all.shape() == Shape{5, 4, 16, 2});
  CHECK(simulate(wave, 2, 3, Rng(1), 3) == all.rows(3, 2));
  Tensor<double> x = wave.initial(Rng(1), 2);
  for (Index t = 0; t < 4; ++t) {
    for (Index i = 0; i < x.size(); ++i) REQUIRE(x[i] == all[(2 * 4 + t) * x.size() + i]);
    wave.advance(x);
  }
}

TEST_CASE("wave: what can not be run is named", "[forecast][simulate]") {
  CHECK_THROWS_AS(Wave({.points = 2}), ArgumentError);
  CHECK_THROWS_AS(Wave({.courant = 1.1}), ArgumentError);
  CHECK_THROWS_AS(Wave({.points = 8, .modes = 4}), ArgumentError);
  CHECK_THROWS_AS(Wave({.interval = std::numeric_limits<double>::quiet_NaN()}), ArgumentError);
  Tensor<double> x({8, 2});
  CHECK_THROWS_AS(Wave({}).advance(x), ShapeError);
  CHECK_THROWS_AS(simulate(Wave({}), 0, 1, Rng(1)), ArgumentError);
  struct Exploding {
    Tensor<double> initial(const Rng&, std::uint64_t) const { return Tensor<double>({1, 1}, 1.0); }
    void advance(Tensor<double>& x) const { x[0] *= 1e200; }
  };
  CHECK_THROWS_AS(simulate(Exploding{}, 1, 2, Rng(1)), NumericError);
  CHECK(course_shape({2, 3}, {4, 5}) == Shape{2, 3, 4, 5});
  CHECK_THROWS_AS(course_shape({1, 1, 1}, {1, 1, 1, 1}), ShapeError);
}
