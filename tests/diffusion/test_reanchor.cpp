// Covers: reanchor
#include "foglift/diffusion/analytic/gaussian.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/reanchor.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

constexpr Index n = 40'000;
const analytic::Gaussian law = analytic::gaussian({.mean = 0, .variance = 0.09});
const schedule::Cosine cosine;

double variance_of(const Tensor<double>& x, Index b) {
  double out = 0;
  for (Index i = 0; i < n; ++i) out += x[b * n + i] * x[b * n + i] / n;
  return out;
}

/// ln(sigma / alpha) from the norm of a sample: alpha^2 0.09 + sigma^2 = 1 - 0.91 alpha^2.
Tensor<double> by_norm(const Tensor<double>& x) {
  Tensor<double> out({x.dim(0)});
  for (Index b = 0; b < x.dim(0); ++b) {
    const double square = std::clamp((1 - variance_of(x, b)) / 0.91, 1e-9, 1 - 1e-9);
    out[b] = 0.5 * std::log((1 - square) / square);
  }
  return out;
}

}  // namespace

TEST_CASE("reanchor: a start at another level than was thought ends at the data's law",
          "[reanchor]") {
  // Two samples of many numbers at the levels 0.4 and 0.8: each goes its own way.
  const std::vector<Level> levels{cosine.at(0.4), cosine.at(0.8)};
  const auto x0 = law.draw<double>({2, n}, Rng(1)), eps = Rng(2).normal<double>({2, n});
  const auto x = affine(x0, eps, [&](Index b) {
    const Level& l = levels[static_cast<std::size_t>(b)];
    return Mix{l.alpha, l.sigma};
  });
  const auto found = sample_reanchored(solver::Heun{}, law, by_norm, x, cosine, 40, Rng(3));
  const auto blind = integrate(solver::Heun{}, law, x, grid::uniform(cosine, 40));
  for (Index b = 0; b < 2; ++b) {
    // the estimates' own error, sqrt(2 / n) of a variance, is a few thousandths of the level
    CHECK_THAT(variance_of(found, b), WithinRel(0.09, 0.05));
    CHECK(variance_of(blind, b) < 0.9 * 0.09);  // taken for noisier than it is
  }
}

TEST_CASE("reanchor: with the true levels it is the run on equal times", "[reanchor]") {
  const auto x = Rng(4).normal<double>({3, 2});
  Index call = 0;
  const auto exact = [&](const Tensor<double>& at) {
    const double t = 1 - static_cast<double>(call++) / 8;
    return Tensor<double>({at.dim(0)}, -cosine.at(t).lambda());
  };
  const auto found = sample_reanchored(solver::Ddpm{}, law, exact, x, cosine, 8, Rng(3));
  auto expected = x;
  for (Index i = 0; i < 8; ++i) {
    const Level from = cosine.at(1 - static_cast<double>(i) / 8),
                to = i == 7 ? grid::clean : cosine.at(1 - static_cast<double>(i + 1) / 8);
    expected = solver::Ddpm{}.step(expected, from, to, law, StepRng(Rng(3), 0, i));
  }
  for (Index i = 0; i < 6; ++i) CHECK_THAT(found[i], WithinAbs(expected[i], 1e-9));
}

TEST_CASE("reanchor: the estimator's loss, and what is refused", "[reanchor]") {
  const TrainingBatch<double> batch(law.draw<double>({4, 3}, Rng(1)), cosine, predict::X0{}, Rng(2),
                                    {.step = 0});
  Tensor<double> said({4});
  for (Index b = 0; b < 4; ++b) said[b] = -batch.level(b).lambda() + 0.5;
  CHECK_THAT(noise_estimate_loss(batch, said).item(), WithinRel(0.25, 1e-12));
  const Tensor<double> x({2, 3}, 1.0);
  const auto one = [](const Tensor<double>&) { return Tensor<double>({1}); };
  const auto none = [](const Tensor<double>&) { return Tensor<double>({2}, std::nan("")); };
  CHECK_THROWS_AS(sample_reanchored(solver::Euler{}, law, one, x, cosine, 3, Rng(1)), ShapeError);
  CHECK_THROWS_AS(sample_reanchored(solver::Euler{}, law, none, x, cosine, 3, Rng(1)),
                  NumericError);
  CHECK_THROWS_AS(sample_reanchored(solver::Euler{}, law, one, x, cosine, 0, Rng(1)),
                  ArgumentError);
}
