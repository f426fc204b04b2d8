// Covers: coupling interpolant
#include "foglift/diffusion/bridge/coupling.hpp"
#include "foglift/diffusion/bridge/interpolant.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>

using namespace foglift;

namespace {

/// Two normal laws of one number and the covariance of their coupling.
struct Pair {
  double mean0 = 0.5, variance0 = 0.3, mean1 = -1, variance1 = 1.5, covariance = 0;

  /// Draws of both ends, n pairs.
  std::array<Tensor<double>, 2> draw(Index n, const Rng& rng) const {
    auto x0 = rng.stream(0).normal<double>({n, 1}), x1 = rng.stream(1).normal<double>({n, 1});
    const double slope = covariance / variance0;
    const double rest = std::sqrt(variance1 - covariance * slope);
    for (Index i = 0; i < n; ++i) {
      x0[i] = std::sqrt(variance0) * x0[i];
      x1[i] = mean1 + slope * x0[i] + rest * x1[i];
      x0[i] += mean0;
    }
    return {std::move(x0), std::move(x1)};
  }
  /// Of x = (1 - t) x0 + t x1 + gamma z at t: mean, variance, and the velocity E[v | x] = a + b x.
  struct At {
    double mean, variance, a, b;
  };
  At at(double t, bridge::Latent latent) const {
    At out;
    const double g = latent.deviation;
    out.mean = (1 - t) * mean0 + t * mean1;
    out.variance =
        (1 - t) * (1 - t) * variance0 + 2 * t * (1 - t) * covariance + t * t * variance1 + g * g;
    const double cross =
        -(1 - t) * variance0 + (1 - 2 * t) * covariance + t * variance1 + g * latent.rate;
    out.b = cross / out.variance;
    out.a = mean1 - mean0 - out.b * out.mean;
    return out;
  }
};

}  // namespace

TEST_CASE("sinkhorn: two by two has its closed form", "[bridge]") {
  // By symmetry P = [[p, 1/2 - p], [1/2 - p, p]] with p / (1/2 - p) = exp((c01 - c00) / reg).
  const Tensor<double> cost({2, 2}, {0.0, 1.0, 1.0, 0.0});
  const auto plan = bridge::sinkhorn(cost, 0.5, {.tolerance = 1e-13});
  const double p = 0.5 / (1 + std::exp(-2.0));
  CHECK_THAT(plan(0, 0), WithinAbs(p, 1e-12));
  CHECK_THAT(plan(0, 1), WithinAbs(0.5 - p, 1e-12));
  CHECK_THROWS_AS(bridge::sinkhorn(cost, 0), ArgumentError);
  CHECK_THROWS_AS(bridge::sinkhorn(Tensor<double>({0, 2}), 1), ShapeError);
  CHECK_THROWS_AS(bridge::sinkhorn(Tensor<double>({1, 1}, std::nan("")), 1), NumericError);
}

TEST_CASE("sinkhorn: the plan has its marginals, and tends to the assignment", "[bridge]") {
  const auto x = Rng(1).normal<double>({6, 2}), y = Rng(2).normal<double>({6, 2});
  const auto cost = bridge::square_distances(x, y);
  CHECK_THAT(cost(1, 2),
             WithinRel(std::pow(x(1, 0) - y(2, 0), 2) + std::pow(x(1, 1) - y(2, 1), 2), 1e-14));
  const auto wide = bridge::sinkhorn(bridge::square_distances(x, y.rows(0, 4)), 0.7);
  for (Index i = 0; i < 6; ++i) {
    double row = 0;
    for (Index j = 0; j < 4; ++j) row += wide(i, j);
    CHECK_THAT(row, WithinAbs(1.0 / 6, 1e-6));
  }
  for (Index j = 0; j < 4; ++j) {
    double column = 0;
    for (Index i = 0; i < 6; ++i) column += wide(i, j);
    CHECK_THAT(column, WithinAbs(0.25, 1e-6));
  }
  const auto sharp = bridge::sinkhorn(cost, 0.01, {.tolerance = 1e-5, .most_rounds = 200'000});
  const auto best = optimal_assignment(cost.span(), 6);
  for (Index i = 0; i < 6; ++i)
    CHECK_THAT(sharp(i, best[static_cast<std::size_t>(i)]), WithinAbs(1.0 / 6, 1e-3));
}

TEST_CASE("sinkhorn: normal laws have the covariance of the entropic plan", "[bridge]") {
  // Laws on a grid of 0.1; the covariance of the plan of |x - y|^2 with regularization 2 s^2 is
  // (sqrt(4 a b + s^4) - s^2) / 2 (Janati et al. 2020). Equal weights: quantiles in place of a
  // grid.
  constexpr Index n = 160;
  const double a = 0.5, b = 1.4, s2 = 0.8;
  Tensor<double> x({n, 1}), y({n, 1});
  for (Index i = 0; i < n; ++i) {
    double low = -6, high = 6;
    for (int k = 0; k < 60; ++k) {
      const double middle = 0.5 * (low + high);
      const double below = 0.5 * std::erfc(-middle / std::sqrt(2.0));
      (below < (double(i) + 0.5) / n ? low : high) = middle;
    }
    x[i] = std::sqrt(a) * low, y[i] = std::sqrt(b) * low;
  }
  const auto plan = bridge::sinkhorn(bridge::square_distances(x, y), 2 * s2);
  double covariance = 0, variance = 0;
  for (Index i = 0; i < n; ++i) {
    variance += x[i] * x[i] / n;
    for (Index j = 0; j < n; ++j) covariance += plan(i, j) * x[i] * y[j];
  }
  // the quantiles' variance is short of the law's by what the tails hold: the same share of both
  const double missing = variance / a;
  const double expected = (std::sqrt(4 * a * b * missing * missing + s2 * s2) - s2) / 2;
  CHECK_THAT(covariance, WithinRel(expected, 0.003));
  // partners are drawn by it
  double drawn = 0, square = 0;
  constexpr Index steps = 60;
  for (Index step = 0; step < steps; ++step) {
    const auto partner = bridge::draw_partners(plan, Rng(3), {.step = step});
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += x[i] * y[partner[static_cast<std::size_t>(i)]] / n;
    drawn += sum / steps, square += sum * sum / steps;
  }
  CHECK_THAT(drawn, WithinAbs(covariance, 4 * std::sqrt((square - drawn * drawn) / steps)));
}

TEST_CASE("interpolant: velocities given x are those of normal laws", "[bridge]") {
  // The least squares of velocities in x, at one time: intercept and slope by the covariances.
  const auto check = [](const Pair& pair, const auto& latent, double t) {
    constexpr Index n = 60'000;
    const auto [x0, x1] = pair.draw(n, Rng(5));
    const bridge::InterpolantBatch<double> batch(x0, x1, schedule::Flow{}, latent, Rng(6),
                                                 {.step = 1}, {.t_min = t, .t_max = t});
    double sx = 0, sv = 0, sxx = 0, sxv = 0;
    for (Index i = 0; i < n; ++i) {
      const double x = batch.x[i], v = batch.velocity[i];
      sx += x / n, sv += v / n, sxx += x * x / n, sxv += x * v / n;
    }
    const double var = sxx - sx * sx, slope = (sxv - sx * sv) / var;
    double rest = 0;
    for (Index i = 0; i < n; ++i)
      rest += std::pow(batch.velocity[i] - sv - slope * (batch.x[i] - sx), 2) / n;
    const auto exact = pair.at(t, latent(t));
    const double error = 4 * std::sqrt(rest / n);
    CHECK_THAT(slope, WithinAbs(exact.b, error / std::sqrt(var)));
    CHECK_THAT(sv - slope * sx,
               WithinAbs(exact.a, error * (1 + std::abs(sx) / std::sqrt(var)) + 4e-3));
    CHECK_THAT(var, WithinRel(exact.variance, 4 * std::sqrt(2.0 / n)));
  };
  check(Pair{}, bridge::NoLatent{}, 0.3);
  check(Pair{}, bridge::ConstantLatent{0.4}, 0.6);
  check(Pair{.covariance = 0.5}, bridge::BrownianLatent{0.9}, 0.2);
}

TEST_CASE("interpolant: flows have the laws between the ends at nine times", "[bridge]") {
  // The velocity of an SB-CFM flow in closed form, as a network, through the ordinary solvers. The
  // mean and variance of x along it are those of the interpolant at every time.
  const double s2 = 0.8;
  Pair pair;
  pair.covariance = (std::sqrt(4 * pair.variance0 * pair.variance1 + s2 * s2) - s2) / 2;
  const bridge::BrownianLatent latent{std::sqrt(s2)};
  const auto net = [&](const Tensor<double>& x, const Tensor<double>& time) {
    Tensor<double> v = x;
    for (Index b = 0; b < x.dim(0); ++b) {
      const auto exact = pair.at(time[b], latent(time[b]));
      v[b] = exact.a + exact.b * x[b];
    }
    return v;
  };
  const NetworkDenoiser denoise(net, predict::FlowVelocity{}, schedule::Flow{});
  // gamma gamma' is finite at the ends, and so is the velocity; but solvers step in sigma / alpha,
  // which is not, so that the run begins a little before
  const double first = 0.98, last = 1e-3;
  const auto start = pair.at(first, latent(first));
  // two points that stand for mean and deviation: the flow is linear
  Tensor<double> x({2, 1}, {start.mean, start.mean + std::sqrt(start.variance)});
  double now = first;
  for (int k = 1; k <= 9; ++k) {
    const double to = k == 9 ? last : 1 - k / 9.0;
    x = integrate(solver::Heun{.least_ratio = 0}, denoise, std::move(x),
                  grid::uniform(schedule::Flow{}, k == 1 ? 8000 : 1000,
                                {.first = now, .last = to, .end = grid::Last::keep}));
    now = to;
    const auto exact = pair.at(now, latent(now));
    INFO("t = " << now);
    CHECK_THAT(x[0], WithinAbs(exact.mean, 1e-6));
    CHECK_THAT(x[1] - x[0], WithinAbs(std::sqrt(exact.variance), 1e-6));
  }
}

TEST_CASE("interpolant: what can not be computed is named", "[bridge]") {
  const Tensor<double> x({2, 1}), y({3, 1});
  using Batch = bridge::InterpolantBatch<double>;
  CHECK_THROWS_AS(Batch(x, y, schedule::Flow{}, bridge::NoLatent{}, Rng(1), {.step = 0}),
                  ShapeError);
  CHECK_THROWS_AS(Batch(x, x, schedule::Flow{}, bridge::BrownianLatent{}, Rng(1), {.step = 0},
                        {.t_min = 0, .t_max = 0}),
                  NumericError);
}
