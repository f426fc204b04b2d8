// Covers: simulate/fourier simulate/navier_stokes
#include "foglift/forecast/simulate/navier_stokes.hpp"
#include "forecast/simulate/plane.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <complex>
#include <vector>

using namespace foglift;
using namespace foglift::forecast;

namespace {

double worst(const Tensor<double>& a, const Tensor<double>& b) {
  double out = 0;
  for (Index i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
  return out;
}

double square(const Tensor<double>& w) {
  double sum = 0;
  for (const double v : w) sum += v * v;
  return sum;
}

}  // namespace

TEST_CASE("fourier: the transform is the sum that it states, and back again",
          "[forecast][simulate]") {
  using Complex = Fourier::Complex;
  for (const Index n : {1, 2, 8}) {
    const Tensor<double> z = Rng(1).normal<double>({n * n, 2});
    std::vector<Complex> x;
    for (Index i = 0; i < n * n; ++i) x.emplace_back(z(i, 0), z(i, 1));
    std::vector<Complex> there = x;
    const Fourier fourier(n);
    fourier.forward(there);
    for (Index k = 0; k < n; ++k)
      for (Index l = 0; l < n; ++l) {
        Complex sum = 0;
        for (Index j = 0; j < n; ++j)
          for (Index i = 0; i < n; ++i)
            sum +=
                x[static_cast<std::size_t>(j * n + i)] *
                std::polar(1.0, -tau * static_cast<double>(j * k + i * l) / static_cast<double>(n));
        CHECK(std::abs(sum - there[static_cast<std::size_t>(k * n + l)]) < 1e-13 * double(n * n));
      }
    fourier.back(there);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - there[i]) < 1e-14);
  }
  CHECK_THROWS_AS(Fourier(12), ArgumentError);
  CHECK_THROWS_AS(Fourier(0), ArgumentError);
  std::vector<Complex> three(3);
  CHECK_THROWS_AS(Fourier(2).forward(three), ShapeError);
}

TEST_CASE("navier-stokes: the vortices of Taylor and Green decay as they are",
          "[forecast][simulate]") {
  const auto vortices = [](double x, double y) { return 2 * std::cos(2 * x) * std::cos(2 * y); };
  const NavierStokes flow({.points = 16, .viscosity = 0.03, .interval = 2, .substeps = 5});
  Tensor<double> w = field(16, vortices);
  CHECK_THAT(flow.energy(w), Catch::Matchers::WithinRel(1.0 / 16, 1e-13));  // E w^2 / (2 |k|^2)
  flow.advance(w);
  const double left = std::exp(-0.03 * 8 * 2);
  CHECK(worst(w, field(16, [&](double x, double y) { return left * vortices(x, y); })) < 1e-13);
}

TEST_CASE("navier-stokes: waves change each other by -u . grad w", "[forecast][simulate]") {
  // sin x + sin 2y: u = cos(2y) / 2, v = -cos x, so that w_t = 3/2 cos x cos 2y; the next term of
  // the series is below dt^2 = 1e-8 times a few
  const auto begin = [](double x, double y) { return std::sin(x) + std::sin(2 * y); };
  const NavierStokes flow({.points = 16, .viscosity = 0, .interval = 1e-4, .substeps = 1});
  Tensor<double> w = field(16, begin);
  flow.advance(w);
  CHECK(worst(w, field(16, [&](double x, double y) {
                return begin(x, y) + 1.5e-4 * std::cos(x) * std::cos(2 * y);
              })) < 1e-7);
}

TEST_CASE("navier-stokes: a forced flow grows as the closed form says", "[forecast][simulate]") {
  // in parallel: w = a / (nu k^2) (1 - exp(-nu k^2 t)) cos(k y), to fourth order in the step
  const double nu = 0.2, a = 0.7, decay = nu * 9;
  const auto error = [&](Index substeps) {
    const NavierStokes flow({.points = 16,
                             .viscosity = nu,
                             .forcing = a,
                             .forced = 3,
                             .interval = 2,
                             .substeps = substeps});
    Tensor<double> w({16, 16, 1});
    flow.advance(w);
    const double grown = a / decay * (1 - std::exp(-2 * decay));
    return worst(w, field(16, [&](double, double y) { return grown * std::cos(3 * y); }));
  };
  const double coarse = error(16), fine = error(32);
  INFO("errors " << coarse << ", " << fine);
  CHECK_THAT(std::log2(coarse / fine), Catch::Matchers::WithinAbs(4, 0.1));
}

TEST_CASE("navier-stokes: without viscosity energy and enstrophy stay but for the step",
          "[forecast][simulate]") {
  const auto drift = [](Index substeps) {
    const NavierStokes flow(
        {.points = 32, .viscosity = 0, .interval = 4, .substeps = substeps, .vorticity = 2});
    Tensor<double> w = flow.initial(Rng(1), 0);
    const double energy = flow.energy(w), enstrophy = square(w);
    const Tensor<double> before = w;
    flow.advance(w);
    CHECK(worst(w, before) > 1);  // it went somewhere
    return std::pair(std::abs(flow.energy(w) / energy - 1), std::abs(square(w) / enstrophy - 1));
  };
  const auto coarse = drift(100), fine = drift(200);
  INFO("energy " << coarse.first << ", " << fine.first << ", enstrophy " << coarse.second << ", "
                 << fine.second);
  CHECK(fine.first < 1e-5);
  CHECK(fine.second < 1e-4);
  // the rule of Runge and Kutta changes what a linear oscillation keeps by a fifth order
  CHECK(std::log2(coarse.first / fine.first) > 4);
  CHECK(std::log2(coarse.second / fine.second) > 4);
}

TEST_CASE("navier-stokes: initial states have the stated vorticity and wave numbers",
          "[forecast][simulate]") {
  const NavierStokes flow({.points = 16, .modes = 3, .vorticity = 0.6});
  double mean = 0;
  const int runs = 500;
  for (int s = 0; s < runs; ++s) {
    const Tensor<double> w = flow.initial(Rng(7), static_cast<std::uint64_t>(s));
    mean += square(w) / 256 / runs;
    double sum = 0;
    for (const double v : w) sum += v;
    CHECK(std::abs(sum) < 1e-12);
  }
  // of 28 wave numbers in 14 pairs with 2 degrees of freedom each: the deviation of a state's mean
  // square is sqrt(2 / 28) of it; 4 standard errors
  CHECK_THAT(mean, Catch::Matchers::WithinRel(0.36, 4 * std::sqrt(2 / 28.0 / runs)));
}

TEST_CASE("navier-stokes: what can not be run is named", "[forecast][simulate]") {
  CHECK_THROWS_AS(NavierStokes({.points = 24}), ArgumentError);
  CHECK_THROWS_AS(NavierStokes({.viscosity = -1}), ArgumentError);
  CHECK_THROWS_AS(NavierStokes({.points = 16, .modes = 6}), ArgumentError);
  CHECK_THROWS_AS(NavierStokes({.substeps = 0}), ArgumentError);
  Tensor<double> w({32, 32, 2});
  CHECK_THROWS_AS(NavierStokes({}).advance(w), ShapeError);
}
