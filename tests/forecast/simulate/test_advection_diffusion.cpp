// Covers: simulate/advection_diffusion
#include "foglift/forecast/simulate/advection_diffusion.hpp"
#include "forecast/simulate/plane.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

namespace {

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

double order(double coarse, double fine) { return std::log2(coarse / fine); }

}  // namespace

TEST_CASE("advection: a Fourier mode travels and decays to fourth order", "[forecast][simulate]") {
  // cos(2 pi (2x - y)) moves with the flow, and decays by exp(-d (2 pi)^2 5 t)
  const auto error = [](Index n) {
    const AdvectionDiffusion system(
        {.points = n, .flow_x = 1, .flow_y = -0.5, .diffusivity = 2e-3, .interval = 0.1});
    const auto at = [](double t) {
      return [t](double x, double y) {
        const double moved = 2 * (x - tau * t) - (y + tau * 0.5 * t);
        return std::exp(-2e-3 * tau * tau * 5 * t) * std::cos(moved);
      };
    };
    Tensor<double> u = field(n, at(0));
    for (int s = 0; s < 3; ++s) system.advance(u);
    return distance(u, field(n, at(0.3)));
  };
  const double coarse = error(32), fine = error(64);
  INFO("errors " << coarse << ", " << fine);
  CHECK_THAT(order(coarse, fine), Catch::Matchers::WithinAbs(4, 0.1));
}

TEST_CASE("advection: cells carry their own stream function nowhere", "[forecast][simulate]") {
  // v . grad psi = 0, so that sin x sin y decays by exp(-8 pi^2 d t) alone, at any swirl
  const auto error = [](Index n) {
    const AdvectionDiffusion system(
        {.points = n, .flow_x = 0, .flow_y = 0, .swirl = 2, .diffusivity = 5e-3, .interval = 0.1});
    const auto psi = [](double x, double y) { return std::sin(x) * std::sin(y); };
    Tensor<double> u = field(n, psi);
    for (int s = 0; s < 5; ++s) system.advance(u);
    const double left = std::exp(-5e-3 * 2 * tau * tau * 0.5);
    return distance(u, field(n, [&](double x, double y) { return left * psi(x, y); }));
  };
  const double coarse = error(16), fine = error(32);
  INFO("errors " << coarse << ", " << fine);
  CHECK_THAT(order(coarse, fine), Catch::Matchers::WithinAbs(4, 0.3));
  CHECK(fine < 1e-4);
}

TEST_CASE("advection: the mean stays, and what spreads loses variance", "[forecast][simulate]") {
  const AdvectionDiffusion system({.points = 16, .swirl = 1, .diffusivity = 1e-3});
  Tensor<double> u = system.initial(Rng(1), 0);
  const auto moments = [&] {
    double mean = 0, square = 0;
    for (const double v : u) mean += v / 256, square += v * v / 256;
    return std::pair(mean, square - mean * mean);
  };
  const auto [mean, variance] = moments();
  for (int s = 0; s < 40; ++s) system.advance(u);
  CHECK_THAT(moments().first, Catch::Matchers::WithinAbs(mean, 1e-13));
  CHECK(moments().second < variance);
}

TEST_CASE("advection: steps within the stated share of what is stable are stable",
          "[forecast][simulate]") {
  // of noise on the grid, which has the fastest modes; the sum of squares falls for any flow
  for (const double swirl : {0.0, 1.0})
    for (const double diffusivity : {0.0, 0.05}) {
      const AdvectionDiffusion system({.points = 16,
                                       .flow_x = 1,
                                       .flow_y = 1,
                                       .swirl = swirl,
                                       .diffusivity = diffusivity,
                                       .interval = 0.5,
                                       .courant = 1});
      Tensor<double> u = Rng(3).normal<double>({16, 16, 1});
      double before = 0, after = 0;
      for (const double v : u) before += v * v;
      for (int s = 0; s < 40; ++s) system.advance(u);
      for (const double v : u) after += v * v;
      INFO("swirl " << swirl << ", diffusivity " << diffusivity);
      CHECK(after < before);
    }
}

TEST_CASE("advection: what can not be run is named", "[forecast][simulate]") {
  CHECK_THROWS_AS(AdvectionDiffusion({.points = 4}), ArgumentError);
  CHECK_THROWS_AS(AdvectionDiffusion({.points = -1}), ArgumentError);
  CHECK_THROWS_AS(AdvectionDiffusion({.diffusivity = -1}), ArgumentError);
  CHECK_THROWS_AS(AdvectionDiffusion({.courant = 0}), ArgumentError);
  CHECK_THROWS_AS(AdvectionDiffusion({.flow_x = std::numeric_limits<double>::infinity()}),
                  ArgumentError);
  Tensor<double> u({16, 8, 1});
  CHECK_THROWS_AS(AdvectionDiffusion({}).advance(u), ShapeError);
}
