// Covers: brownian core/state step_rng
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/parts/brownian.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <vector>

using namespace foglift;

namespace {

constexpr Index many = 40'000;

/// W(to) - W(from) of `many` elements of one sample.
Tensor<double> increment(const NoiseSource& path, double from, double to,
                         std::uint64_t sample = 0) {
  Tensor<double> out(Shape{many});
  path.fill(std::span<double>(out.data(), static_cast<std::size_t>(many)),
            {.sample = sample, .step = 0, .draw = 0, .from = from, .to = to});
  for (double& v : out) v *= std::sqrt(to - from);
  return out;
}

double covariance(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  for (Index i = 0; i < many; ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(many);
}

}  // namespace

TEST_CASE("brownian: increments of a path add up", "[diffusion][solver]") {
  // Exactly, but for rounding: in one octave, over several, from 0, near an octave's ends.
  const BrownianPath path(Rng(3));
  for (const auto& [a, b, c] : {std::tuple{1.1, 1.3, 1.9},
                                {0.3, 1.0, 2.0},
                                {0.0, 1e-3, 700.0},
                                {1.0, 1.5, 1.75},
                                {5.0, 5.0 + 1e-4, 64.0},
                                {0.0, 1e-30, 1e-12}}) {
    const auto ab = increment(path, a, b), bc = increment(path, b, c), ac = increment(path, a, c);
    for (Index i = 0; i < 50; ++i)
      CHECK_THAT(ab[i] + bc[i], WithinAbs(ac[i], 1e-12 * std::sqrt(c)));
  }
}

TEST_CASE("brownian: increments have a Wiener process's covariances", "[diffusion][solver]") {
  // Sample covariance of n products has a standard error of at most sqrt(2 / n) sd sd' = 0.7 %; 4.5
  // of them for all.
  const BrownianPath path(Rng(11));
  const double error = 4.5 * std::sqrt(2.0 / static_cast<double>(many));
  const std::vector<std::pair<double, double>> parts = {
      {0.1, 0.2},  {0.2, 0.37}, {0.37, 0.4999}, {0.4999, 0.5001}, {0.5001, 0.75},
      {0.75, 1.3}, {1.3, 9.0},  {9.0, 9.003},   {0.3, 0.6},       {0.0, 0.9}};
  std::vector<Tensor<double>> w;
  for (const auto& [from, to] : parts) w.push_back(increment(path, from, to));
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const double overlap = std::max(0.0, std::min(parts[i].second, parts[j].second) -
                                               std::max(parts[i].first, parts[j].first));
      const double scale =
          std::sqrt((parts[i].second - parts[i].first) * (parts[j].second - parts[j].first));
      INFO(i << ' ' << j);
      CHECK_THAT(covariance(w[i], w[j]) / scale, WithinAbs(overlap / scale, error));
    }
  CHECK_THAT(covariance(w[0], increment(path, 0.1, 0.2, 1)) / 0.1, WithinAbs(0, error));
}

TEST_CASE("brownian: a path is a Wiener process at every scale of an octave",
          "[diffusion][solver]") {
  // Neighbouring increments of length 2^-k, away from the ends of any half, quarter ...: variances
  // and covariance, with standard errors of sqrt(2 / n) and 1 / sqrt(n) of the length; 4.5 of them.
  // A bisection that ends early makes the path smooth below its last interval.
  const BrownianPath path(Rng(17));
  const double error = 4.5 / std::sqrt(static_cast<double>(many));
  for (const double begin : {1.2345678, 0.7654321})
    for (int k = 3; k <= 17; k += 2) {
      const double h = std::ldexp(1.0, -k);
      const auto a = increment(path, begin, begin + h),
                 b = increment(path, begin + h, begin + 2 * h);
      INFO(begin << ", 2^-" << k);
      CHECK_THAT(covariance(a, a) / h, WithinAbs(1, std::sqrt(2) * error));
      CHECK_THAT(covariance(b, b) / h, WithinAbs(1, std::sqrt(2) * error));
      CHECK_THAT(covariance(a, b) / h, WithinAbs(0, error));
    }
}

TEST_CASE("brownian: finer steps converge to one sample", "[diffusion][solver]") {
  // With y = x alpha / sigma^2 and the clock c = (alpha / sigma)^2 ancestral sampling is Euler's
  // rule for dy = x0 dc + dW. Additive noise: its strong order, of the mean distance, is 1. Fresh
  // noise does not converge.
  const analytic::Mixture data({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
  const BrownianPath path(Rng(5));
  const auto run = [&](Index n, const NoiseSource* noise) {
    const auto g =
        grid::log_snr(schedule::Linear{}, n, {.min = 0.08, .max = 12, .end = grid::Last::keep});
    return sample<double>(solver::Ddpm{}, data, {100, 1}, g, Rng(2), {.noise = noise});
  };
  const auto distance = [](const Tensor<double>& a, const Tensor<double>& b) {
    double sum = 0;
    for (Index i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
    return sum / static_cast<double>(a.size());
  };
  const auto fine = run(640, &path);
  const double coarse = distance(run(40, &path), fine), half = distance(run(80, &path), fine);
  CHECK(std::log2(coarse / half) > 0.9);
  CHECK(half < 0.1);
  CHECK(distance(run(80, nullptr), run(160, nullptr)) > 0.3);
}

TEST_CASE("brownian: a sample's path does not depend on its batch", "[diffusion][solver]") {
  const BrownianPath path(Rng(5));
  const StepRng all(Rng(1), 0, 4, &path), part(Rng(9), 30, 7, &path);
  const auto z = all.increment<float>({33, 5}, 0.2, 0.9);
  CHECK(part.increment<float>({3, 5}, 0.2, 0.9) == z.rows(30, 3));
  // Draws that are no increments are fresh in every step, and apart from the path.
  CHECK(part.normal<float>({3, 5}) == StepRng(Rng(2), 30, 7, &path).normal<float>({3, 5}));
  CHECK_FALSE(part.normal<float>({3, 5}) == all.normal<float>({33, 5}).rows(30, 3));
  CHECK_FALSE(part.normal<float>({3, 5}) == part.normal<float>({3, 5}, 1));
  // Without a path an increment is a fresh draw.
  const StepRng fresh(Rng(1), 2, 4);
  CHECK(fresh.increment<float>({3, 5}, 0.1, 0.2) == fresh.normal<float>({3, 5}));
  CHECK_THROWS_AS(fresh.increment<float>({3, 5}, 0.2, 0.2), ArgumentError);
  CHECK_THROWS_AS(all.increment<float>({3, 5}, 1, HUGE_VAL), ArgumentError);
  CHECK_THROWS_AS(all.increment<float>({3, 5}, -1, 1), ArgumentError);
}
