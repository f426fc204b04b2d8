// Covers: between combine curve history
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/parts/at_ratio.hpp"
#include "foglift/diffusion/solver/parts/between.hpp"
#include "foglift/diffusion/solver/parts/combine.hpp"
#include "foglift/diffusion/solver/parts/history.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace foglift;
using solver::Term;

TEST_CASE("combine: every number of terms against a loop in double", "[diffusion][solver]") {
  const Shape shape{3, 7};
  const auto x = Rng(1).normal<float>(shape);
  std::array<Tensor<float>, 6> y;
  for (std::size_t k = 0; k < 6; ++k) y[k] = Rng(k + 2).normal<float>(shape);
  const std::array<double, 6> weights{0.3, -1.25, 2, 0.01, -0.7, 1.5};
  for (std::size_t used = 0; used <= 6; ++used) {
    std::array<Term<float>, 6> terms;
    for (std::size_t k = 0; k < 6; ++k)
      if (k < used) terms[k] = {weights[k], &y[k]};  // the others: weight 0, not read
    const auto sum = solver::combine(-0.6, x, terms);
    for (Index i = 0; i < x.size(); ++i) {
      double expected = -0.6 * x[i];
      for (std::size_t k = 0; k < used; ++k) expected += weights[k] * y[k][i];
      CHECK_THAT(sum[i], WithinAbs(expected, 7 * 6.0e-8 * 8));  // 7 roundings of sums up to 8
    }
  }
  const std::array<Term<float>, 2> gap{{{0, nullptr}, {2, &y[0]}}};
  CHECK(solver::combine(1, x, gap) == affine(1, x, 2, y[0]));
  const Tensor<float> other({7, 3}, 0.0f);
  const std::array<Term<float>, 1> bad{{{1, &other}}};
  CHECK_THROWS_AS(solver::combine(1, x, bad), ShapeError);
}

TEST_CASE("at_ratio: a level is on the curve that one level tells", "[diffusion][solver]") {
  CHECK(solver::at_ratio({0.3, 1, 7}, 2) == Level{0.3, 1, 2});
  CHECK(solver::at_ratio({0.3, 0.75, 0.25}, 3) == Level{0.3, 0.25, 0.75});
  const Level scaled = solver::at_ratio({0.3, 3, 4}, 0.75);  // norm 5
  CHECK_THAT(scaled.alpha, Catch::Matchers::WithinRel(4.0, 1e-15));
  CHECK_THAT(scaled.sigma, Catch::Matchers::WithinRel(3.0, 1e-15));
}

TEST_CASE("between: stays on the curve that both ends share", "[diffusion][solver]") {
  const double s0 = 3, s1 = 0.2;
  for (const double lambda : {-1.0, 0.0, 1.2}) {
    const double s = std::exp(-lambda);
    const Level ve = solver::between({1, 0.5, 1.5}, {0, 0.5, 0.1}, lambda);
    CHECK(ve.alpha == 0.5);
    CHECK_THAT(ve.sigma, WithinRel(0.5 * s, 1e-15));
    const Level flow = solver::between({0.75, 0.25, 0.75}, {1.0 / 6, 5.0 / 6, 1.0 / 6}, lambda);
    CHECK_THAT(flow.alpha + flow.sigma, WithinAbs(1, 1e-15));
    CHECK_THAT(flow.ratio(), WithinRel(s, 1e-14));
    const double a = std::hypot(1.0, s0), b = std::hypot(1.0, s1);
    const Level vp = solver::between({1, 1 / a, s0 / a}, {0, 1 / b, s1 / b}, lambda);
    CHECK_THAT(std::hypot(vp.alpha, vp.sigma), WithinAbs(1, 1e-15));
    CHECK_THAT(vp.ratio(), WithinRel(s, 1e-14));
    // Neither: the norm goes from 2 to 3 with the logarithm in equal steps of lambda.
    const Level mixed = solver::between({1, 2 / a, 2 * s0 / a}, {0, 3 / b, 3 * s1 / b}, lambda);
    const double part = (lambda + std::log(s0)) / (std::log(s0) - std::log(s1));
    CHECK_THAT(std::hypot(mixed.alpha, mixed.sigma), WithinRel(2 * std::pow(1.5, part), 1e-14));
    CHECK_THAT(mixed.ratio(), WithinRel(s, 1e-14));
    CHECK_THAT(mixed.t, WithinAbs(1 - part, 1e-14));
  }
  CHECK_THROWS_AS(solver::between({1, 0, 1}, {0, 0.8, 0.6}, 0), ArgumentError);
  CHECK_THROWS_AS(solver::between({1, 0.6, 0.8}, {0, 1, 0}, 0), ArgumentError);
}

TEST_CASE("history: the latest outputs in order", "[diffusion][solver]") {
  solver::History<double, 3> history;
  for (int k = 0; k < 5; ++k) {
    history.push({0.1 * k, 1, 2}, Tensor<double>(Shape{1}, k));
    CHECK(history.size() == static_cast<std::size_t>(std::min(k + 1, 3)));
    for (std::size_t j = 0; j < history.size(); ++j) {
      CHECK(history[j].output.item() == k - static_cast<int>(j));
      CHECK(history[j].level.t == 0.1 * (k - static_cast<int>(j)));
    }
  }
  history.clear();
  CHECK(history.size() == 0);
}

TEST_CASE("integrate: a deterministic run without a generator", "[diffusion][sample]") {
  const auto data = [](const Tensor<float>& x, const Level& l) {
    return affine(static_cast<double>(l.alpha) / (l.alpha * l.alpha + l.sigma * l.sigma), x, 0, x);
  };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 9);
  const auto x = Rng(4).normal<float>({5, 2});
  CHECK(integrate(solver::Heun{}, data, x, g) == sample_from(solver::Heun{}, data, x, g, Rng(8)));
}
