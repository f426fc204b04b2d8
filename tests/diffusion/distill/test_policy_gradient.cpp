// Covers: policy_gradient
#include "diffusion/distill/linear_student.hpp"
#include "foglift/diffusion/distill/policy_gradient.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"

#include <vector>

using namespace foglift;
using test::distance;

namespace {

/// Three steps that begin with a little signal and end with a little noise.
const TimeGrid grid3 =
    grid::uniform(schedule::Cosine{}, 3, {.first = 0.95, .last = 0.1, .end = grid::Last::keep});

test::LinearStudent student() {
  test::LinearStudent out(grid3);
  out.a.value = Tensor<double>({3}, {0.3, 0.5, 0.8});
  out.b.value = Tensor<double>({3}, {0.4, 0.2, 0.1});
  return out;
}

/// E x^2 at the end of runs from N(0, sigma^2), by the moments of each step.
double mean_square(const test::LinearStudent& s) {
  double mean = 0, variance = grid3[0].sigma * grid3[0].sigma;
  for (std::size_t i = 0; i < 3; ++i) {
    const Level &from = grid3[i], &to = grid3[i + 1];
    const double r = std::pow(to.ratio() / from.ratio(), 2);
    const double keep = r * to.alpha / from.alpha, pull = (1 - r) * to.alpha;
    const double slope = keep + pull * s.a.value[Index(i)];
    mean = slope * mean + pull * s.b.value[Index(i)];
    variance = slope * slope * variance + to.sigma * to.sigma * (1 - r);
  }
  return variance + mean * mean;
}

}  // namespace

TEST_CASE("policy gradient: a run is that of ancestral sampling", "[distill]") {
  const auto model = student();
  const auto x = Rng(1).normal<double>({6, 1});
  const distill::PolicyRun<double> run(model, x, grid3, Rng(2));
  REQUIRE(run.states.size() == 4);
  for (std::size_t i = 0; i < 3; ++i) {
    const StepRng noise(Rng(2), 0, static_cast<Index>(i));
    CHECK(distance(run.states[i + 1], solver::Ddpm{}.step(run.states[i], grid3[i], grid3[i + 1],
                                                          model, noise)) < 1e-14);
  }
}

TEST_CASE("policy gradient: the gradient is that of the mean cost", "[distill]") {
  // c(x) = x^2, against finite differences of the closed form; the standard error by parts.
  const auto model = student();
  constexpr Index parts = 40, n = 5000;
  const double baseline = mean_square(model);
  std::vector<double> mean(6), square(6);
  for (Index part = 0; part < parts; ++part) {
    const auto x = scale(grid3[0].sigma, Rng(3).normal<double>({n, 1}, 0, std::uint32_t(part)));
    const distill::PolicyRun<double> run(model, x, grid3, Rng(4), std::uint64_t(part * n));
    std::vector<double> costs;
    for (const double v : run.end()) costs.push_back(v * v - baseline);
    Tape<double> tape;
    const auto gradients = tape.backward(distill::policy_loss(tape, model, run, costs));
    for (std::size_t k = 0; k < 6; ++k) {
      const double g = k < 3 ? gradients[model.a][Index(k)] : gradients[model.b][Index(k) - 3];
      mean[k] += g / parts, square[k] += g * g / parts;
    }
  }
  for (std::size_t k = 0; k < 6; ++k) {
    auto up = model, down = model;
    const double h = 1e-5;
    (k < 3 ? up.a.value[Index(k)] : up.b.value[Index(k) - 3]) += h;
    (k < 3 ? down.a.value[Index(k)] : down.b.value[Index(k) - 3]) -= h;
    const double exact = (mean_square(up) - mean_square(down)) / (2 * h);
    INFO("parameter " << k);
    CHECK_THAT(mean[k], WithinAbs(exact, 4 * std::sqrt((square[k] - mean[k] * mean[k]) / parts)));
  }
}

TEST_CASE("policy gradient: the step to clean data has no density", "[distill]") {
  const auto grid = grid::uniform(schedule::Cosine{}, 2);
  const test::LinearStudent model(grid);
  const distill::PolicyRun<double> run(model, Rng(1).normal<double>({4, 1}), grid, Rng(2));
  const std::vector<double> costs{1, 2, 3, 4};
  Tape<double> tape;
  const auto gradients = tape.backward(distill::policy_loss(tape, model, run, costs));
  CHECK(gradients[model.a][0] != 0);
  CHECK(gradients[model.a][1] == 0);
  CHECK_THROWS_AS(distill::policy_loss(tape, model, run, std::span(costs).first(2)), ShapeError);
}
