// Covers: picard
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/analytic/mixture.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/picard.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

using namespace foglift;

namespace {

const analytic::Mixture data({{0.3, {-1, 0}, 0.16}, {0.7, {1.5, 1}, 0.36}});
const TimeGrid grid24 = grid::uniform(schedule::Cosine{}, 24);
const auto start = scale(grid24.front().sigma, Rng(1).normal<double>({5, 2}));

double distance(const Tensor<double>& x, const Tensor<double>& y) {
  double out = 0;
  for (Index i = 0; i < x.size(); ++i) out = std::max(out, std::abs(x[i] - y[i]));
  return out;
}

}  // namespace

TEST_CASE("picard: the limit is the serial run to the bit, in no more rounds", "[picard]") {
  const auto check = [](const auto& solver) {
    const auto serial = integrate(solver, data, start, grid24);
    for (const Index window : {0, 1, 3, 7, 24, 100}) {
      const auto run = picard(solver, data, start, grid24, {.window = window});
      INFO("window " << window);
      CHECK(run.x == serial);
      CHECK(run.rounds <= 24);
      if (window == 1) CHECK((run.rounds == 24 && run.evaluations == 24));
    }
  };
  check(solver::Euler{});
  check(solver::Heun{});
}

TEST_CASE("picard: a tolerance saves rounds, and costs about as much", "[picard]") {
  const auto grid = grid::uniform(schedule::Cosine{}, 100);
  const auto serial = integrate(solver::Euler{}, data, start, grid);
  Index last = 101;
  for (const double tolerance : {1e-6, 1e-4, 1e-2}) {
    const auto run = picard(solver::Euler{}, data, start, grid, {.tolerance = tolerance});
    INFO("tolerance " << tolerance << ": " << run.rounds << " rounds, off by "
                      << distance(run.x, serial));
    CHECK(run.rounds < last);
    CHECK(distance(run.x, serial) < 100 * tolerance);
    last = run.rounds;
  }
  CHECK(last < 30);
}

TEST_CASE("picard: each row of a batch keeps its condition", "[picard]") {
  // a network that is told a number for each sample: x0 = c
  const Alike net([](const auto& x, const auto&, const Tensor<double>& c) {
    auto out = x;
    for (Index b = 0; b < x.dim(0); ++b) out(b, 0) = out(b, 1) = c[b];
    return out;
  });
  const Tensor<double> told({5}, {1.0, 2.0, 3.0, 4.0, 5.0});
  const NetworkDenoiser denoise(net, predict::X0{}, schedule::Cosine{}, told);
  const auto run = picard(solver::Euler{}, denoise, start, grid24, {.window = 6});
  for (Index b = 0; b < 5; ++b) CHECK_THAT(run.x(b, 0), WithinAbs(double(b + 1), 1e-14));
}

TEST_CASE("picard: what can not be computed is named", "[picard]") {
  CHECK_THROWS_AS(picard(solver::Euler{}, data, start, grid24, {.window = -1}), ArgumentError);
  CHECK_THROWS_AS(picard(solver::Euler{}, data, start, grid24, {.tolerance = -1}), ArgumentError);
  const Alike broken([](const Tensor<double>& x, const Levels&) { return mul(x, std::nan("")); });
  CHECK_THROWS_AS(picard(solver::Euler{}, broken, start, grid24), NumericError);
}
