// Covers: pinned
#include "foglift/diffusion/corruption/pinned.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <vector>

using namespace foglift;

namespace {

using Pinned = corruption::Pinned<double>;
using Way = Pinned::Way;

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const Tensor<double>& x) {
  Moments out;
  const auto n = static_cast<double>(x.size());
  for (const double v : x) out.mean += v / n;
  for (const double v : x) out.variance += (v - out.mean) * (v - out.mean) / n;
  return out;
}

constexpr Index n = 40'000;
const Tensor<double> clean({n, 1}, 0.4), end({n, 1}, -1.1);

/// The law of a normal process x = alpha x0 + sigma eps given its state at the end, by conditioning
/// two correlated normals: cov(x, x_T) = alpha_T / alpha sigma^2 where s < s_T.
Moments pinned(const Level& l, const Level& T) {
  const double covariance = T.alpha / l.alpha * l.sigma * l.sigma, variance = T.sigma * T.sigma;
  return {l.alpha * 0.4 + covariance / variance * (-1.1 - T.alpha * 0.4),
          l.sigma * l.sigma - covariance * covariance / variance};
}

}  // namespace

TEST_CASE("pinned: states have the law of the process given its end", "[corruption]") {
  for (const Level& T : {schedule::Linear{}.at(0.6), Level{1, 1, 0.8}}) {
    const Pinned bridge(end, T);
    for (const double part : {0.2, 0.7}) {
      const Level l = T.alpha == 1 ? Level{part, 1, 0.8 * part} : schedule::Linear{}.at(0.6 * part);
      const auto found = moments(bridge.corrupt(clean, l, StepRng(Rng(1), 0, 3)));
      const auto exact = pinned(l, T);
      CHECK_THAT(found.mean, WithinAbs(exact.mean, 4 * std::sqrt(exact.variance / n)));
      CHECK_THAT(found.variance, WithinRel(exact.variance, 4 * std::sqrt(2.0 / n)));
    }
  }
  // I2SB's marginal: a Brownian bridge of variances f2 = sigma^2 and b2 = sigma_T^2 - sigma^2
  const double f2 = 0.3 * 0.3, b2 = 0.8 * 0.8 - f2;
  const auto exact = pinned({0.3, 1, 0.3}, {1, 1, 0.8});
  CHECK_THAT(exact.mean, WithinAbs((b2 * 0.4 + f2 * -1.1) / (f2 + b2), 1e-14));
  CHECK_THAT(exact.variance, WithinAbs(f2 * b2 / (f2 + b2), 1e-14));
}

TEST_CASE("pinned: a step that knows the data leads from law to law", "[corruption]") {
  const Level T = schedule::Linear{}.at(0.6), from = schedule::Linear{}.at(0.4),
              to = schedule::Linear{}.at(0.15);
  for (const Way way : {Way::posterior, Way::implicit}) {
    const Pinned bridge(end, T, way);
    const auto x = bridge.corrupt(clean, from, StepRng(Rng(1), 0, 0));
    for (const bool at_end : {false, true}) {
      const auto found =
          moments(at_end ? bridge.back(bridge.prior({n, 1}, T, StepRng(Rng(1), 0, 0)), clean, T, to,
                                       StepRng(Rng(2), 0, 1))
                         : bridge.back(x, clean, from, to, StepRng(Rng(2), 0, 1)));
      const auto exact = pinned(to, T);
      CHECK_THAT(found.mean, WithinAbs(exact.mean, 4 * std::sqrt(exact.variance / n)));
      CHECK_THAT(found.variance, WithinRel(exact.variance, 4 * std::sqrt(2.0 / n)));
    }
  }
  // the means alone lead along the line between the ends, at alpha = 1
  const Level last{1, 1, 0.8}, between{0.5, 1, 0.4};
  const Pinned line(end, last, Way::mean);
  const auto x = line.back(end, clean, last, between, StepRng(Rng(2), 0, 1));
  CHECK_THAT(x[0], WithinAbs(0.75 * 0.4 + 0.25 * -1.1, 1e-15));
}

TEST_CASE("pinned: runs on paired normal data come to the posterior", "[corruption]") {
  // x0 ~ N(0, 1), x_T = x0 + 0.5 z at the end, alpha = 1 and sigma_T = 0.8. The predictor is
  // E[x0 | x, x_T], of x0 | x_T ~ N(m, p), p = 0.25 / 1.25, and x | x0 of the bridge. A run's
  // variance by its steps' recursion, and the posterior's where steps are many.
  const Level T{1, 1, 0.8};
  constexpr Index B = 4000;
  const Tensor<double> ends({B, 1}, 1.3);
  const double m = 1.3 / 1.25, p = 0.25 / 1.25;
  const auto gain = [&](const Level& l) {  // of x - E x
    const double r = l.sigma * l.sigma / 0.64, v = (1 - r) * l.sigma * l.sigma;
    return (1 - r) * p / ((1 - r) * (1 - r) * p + v);
  };
  const auto predict = [&](const Tensor<double>& x, const Level& l) {
    const double r = l.sigma * l.sigma / 0.64;
    Tensor<double> out = x;
    for (double& v : out) v = r == 1 ? m : m + gain(l) * (v - (1 - r) * m - r * 1.3);
    return out;
  };
  double last_error = 1;
  for (const Index steps : {20, 200, 2000}) {
    TimeGrid grid;
    for (Index i = steps; i >= 0; --i) {
      const double t = double(i) / double(steps);
      grid.push_back({t, 1, 0.8 * std::sqrt(t)});
    }
    double variance = 0;
    for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
      const double r = std::pow(grid[i + 1].sigma / grid[i].sigma, 2);
      const double a = i == 0 ? 0 : gain(grid[i]);
      variance =
          std::pow(r + (1 - r) * a, 2) * variance + grid[i + 1].sigma * grid[i + 1].sigma * (1 - r);
    }
    const double error = std::abs(variance / p - 1);
    CHECK(error < 0.3 * last_error);  // of first order: 0.1 where steps are short
    last_error = error;
    if (steps == 2000) continue;
    const auto found = moments(restore_from(Pinned(ends, T), predict, ends, grid, Rng(4)));
    CHECK_THAT(found.mean, WithinAbs(m, 4 * std::sqrt(p / B)));
    CHECK_THAT(found.variance, WithinRel(variance, 4 * std::sqrt(2.0 / B)));
  }
  CHECK(last_error < 0.01);
}

TEST_CASE("pinned: training sees the bridge, and what does not fit is named", "[corruption]") {
  const Level T{1, 1, 0.8};
  const Pinned bridge(end, T);
  const CorruptedBatch batch(bridge, clean, schedule::Edm({.min = 0.002, .max = 0.8}), Rng(1),
                             {.step = 0});
  CHECK(bridge.loss(batch.clean, batch).item() == 0);
  CHECK_THROWS_AS(bridge.corrupt(Tensor<double>({2, 1}), T, StepRng(Rng(1), 0, 0)), ShapeError);
  CHECK_THROWS_AS(bridge.prior({n, 1}, {0.5, 1, 0.3}, StepRng(Rng(1), 0, 0)), ArgumentError);
  CHECK_THROWS_AS(Pinned(end, Level{1, 0, 1}), ArgumentError);
}
