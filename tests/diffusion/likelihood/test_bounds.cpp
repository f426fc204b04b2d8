// Covers: gaussian_kl vdm vlb
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/likelihood.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <vector>

using namespace foglift;
using likelihood::Dequantised, likelihood::StepVariance;

namespace {

const double mean = 0.3, variance = 0.5;
const auto data = analytic::gaussian({.mean = mean, .variance = variance});
const double entropy = 0.5 * std::log(2 * std::acos(-1.0) * variance) + 0.5;  // E[-ln p(x0)]

/// Expectations over x0 and eps of what is quadratic in both, exactly, by four points.
const Tensor<double> x0({4, 1}, {mean - std::sqrt(variance), mean - std::sqrt(variance),
                                 mean + std::sqrt(variance), mean + std::sqrt(variance)});
const Tensor<double> eps({4, 1}, {-1, 1, -1, 1});
double average(const Tensor<double>& x) { return (x[0] + x[1] + x[2] + x[3]) / 4; }
Tensor<double> at(const Level& l) { return affine(l.alpha, x0, l.sigma, eps); }

TimeGrid chain(Index steps) {
  return grid::trailing(DiscreteSchedule::linear(steps), steps - 1, grid::Last::keep);
}

/// The expected bound on the density of x0.
double expected_vlb(const TimeGrid& g, StepVariance v) {
  double sum = average(likelihood::prior_kl(x0, g.front()));
  for (std::size_t i = 0; i + 1 < g.size(); ++i)
    sum += average(likelihood::step_kl(data, x0, at(g[i]), g[i], g[i + 1], v));
  const Level& last = g.back();
  const Tensor<double> log_variance({4, 1}, 2 * std::log(last.sigma));
  return sum + average(likelihood::decoder_nats(x0, data(at(last), last), log_variance));
}

/// A denoiser with a variance head that says v.
struct WithHead {
  double v;
  Tensor<double> operator()(const Tensor<double>& x, const Levels& l) const { return data(x, l); }
  predict::Moments<double> moments(const Tensor<double>& x, const Levels& l) const {
    return {data(x, l), Tensor<double>(x.shape(), v)};
  }
};

struct Mean {
  double value, error;
  explicit Mean(const Tensor<double>& x) : value(0), error(0) {
    const auto n = static_cast<double>(x.size());
    for (const double v : x) value += v / n;
    for (const double v : x) error += (v - value) * (v - value) / n;
    error = std::sqrt(error / n);
  }
};

}  // namespace

TEST_CASE("vlb: above the exact value by a gap that falls as one over the steps",
          "[diffusion][likelihood]") {
  std::vector<double> scaled;
  for (const Index steps : {250, 500, 1000, 2000}) {
    const double gap = expected_vlb(chain(steps), StepVariance::large) - entropy;
    CHECK(gap > 0);
    scaled.push_back(gap * static_cast<double>(steps));
  }
  for (const double s : scaled) CHECK_THAT(s / scaled.back(), WithinAbs(1, 0.1));
}

TEST_CASE("vlb: a step is the divergence of two Gaussians", "[diffusion][likelihood]") {
  // q(x' | x, x0) as the product of q(x | x') and q(x' | x0), written out for one step.
  const Level from{0.6, 0.5, 0.9}, to{0.5, 0.7, 0.65};
  const double a = from.alpha / to.alpha, beta = 0.81 - a * a * 0.4225;
  const double small = 1 / (a * a / beta + 1 / 0.4225);
  const auto posterior = [&](double x, double clean) {
    return small * (a * x / beta + to.alpha * clean / 0.4225);
  };
  const Tensor<double> x = at(from), D = data(x, from);
  const auto exact = [&](Index i, double v) {
    const double d = posterior(x[i], x0[i]) - posterior(x[i], D[i]);
    return 0.5 * (std::log(v / small) + (small + d * d) / v - 1);
  };
  const auto check = [&](const auto& denoise, StepVariance rule, double v) {
    const auto kl = likelihood::step_kl(denoise, x0, x, from, to, rule);
    for (Index i = 0; i < 4; ++i) CHECK_THAT(kl[i], WithinRel(exact(i, v), 1e-10));
  };
  check(data, StepVariance::small, small);
  check(data, StepVariance::large, beta);
  check(WithHead{0}, StepVariance::learned, std::sqrt(small * beta));
  check(WithHead{1}, StepVariance::learned, beta);
  CHECK_THROWS_AS(check(data, StepVariance::learned, 1), ArgumentError);
  CHECK_THROWS_AS(likelihood::step_kl(data, x0, x, to, from), ArgumentError);
  CHECK_THROWS_AS(likelihood::step_kl(data, x0, x, from, {0, 1, 0}), ArgumentError);
}

TEST_CASE("vlb: drawn bounds have the expected mean", "[diffusion][likelihood]") {
  const TimeGrid g = chain(40);
  const Index n = 8000;
  const auto draws = data.draw({n, 1}, Rng(1));
  const auto found = likelihood::vlb(data, draws, g, Rng(2));
  CHECK(found.steps.shape() == Shape{n, 39});
  const Mean m(found.total());
  CHECK_THAT(m.value, WithinAbs(expected_vlb(g, StepVariance::large), 4 * m.error));
  CHECK(m.error < 0.03);
  // with a scale: bits of the integers, whose entropy is the density's less the bins' logarithm
  const Dequantised scale{.bins = 4000, .width = 0.0025, .first = -5};
  const TimeGrid fine = chain(150);
  const auto rows = draws.rows(0, 1500);
  const auto integers = likelihood::vlb(data, rows, fine, Rng(2), {.scale = scale});
  const auto density = likelihood::vlb(data, rows, fine, Rng(2));
  const auto bits = likelihood::bits_per_dim(integers.lower_bound(), 1),
             bits2 = likelihood::bits_per_dim(density.lower_bound(), 1, scale);
  // bins are 10 times narrower than the decoder: (1/10)^2 / 24 of relative error and its curvature
  CHECK_THAT(Mean(bits).value, WithinAbs(Mean(bits2).value, 0.01));
  const auto part = likelihood::vlb(data, rows.rows(7, 3), fine, Rng(2), {.first_sample = 7});
  CHECK(part.total() == density.total().rows(7, 3));
}

TEST_CASE("vlb: the decoder of the small variance has the one of the step before",
          "[diffusion][likelihood]") {
  const TimeGrid g = chain(20);
  const Level &last = g.back(), &before = g[g.size() - 2];
  const double q = before.alpha * last.sigma / (last.alpha * before.sigma);
  const auto check = [&](const auto& denoise, StepVariance rule, double log_variance) {
    const auto found = likelihood::vlb(denoise, x0, g, Rng(3), {.variance = rule});
    const auto noise = Rng(3).normal<double>({4, 1}, 0, static_cast<std::uint32_t>(g.size() - 1));
    const auto D = data(affine(last.alpha, x0, last.sigma, noise), last);
    for (Index i = 0; i < 4; ++i) {
      const double d = x0[i] - D[i];
      CHECK_THAT(found.decoder[i], WithinAbs(0.5 * (std::log(2 * std::acos(-1.0)) + log_variance +
                                                    d * d * std::exp(-log_variance)),
                                             1e-10));
    }
  };
  const double large = 2 * std::log(last.sigma), small = large + std::log1p(-q * q);
  check(data, StepVariance::large, large);
  check(data, StepVariance::small, small);
  check(WithHead{0.5}, StepVariance::learned, 0.75 * large + 0.25 * small);
  CHECK_THROWS_AS(likelihood::vlb(data, x0, grid::uniform(schedule::Linear{}, 5), Rng(1)),
                  ArgumentError);
}

TEST_CASE("prior kl: of Gaussians in one dimension", "[diffusion][likelihood]") {
  const Level l{1, 0.2, 3};
  const auto kl = likelihood::prior_kl(Tensor<double>({1, 2}, {1, -2}), l, 4);
  double exact = 0;
  for (const double m : {0.2, -0.4}) exact += std::log(4.0 / 3) + (9 + m * m) / (2 * 16) - 0.5;
  CHECK_THAT(kl[0], WithinAbs(exact, 1e-14));
  CHECK_THROWS_AS(likelihood::prior_kl(Tensor<double>({1, 2}), {0, 1, 0}), ArgumentError);
}

TEST_CASE("vdm: the continuous bound is the exact value", "[diffusion][likelihood]") {
  // With the exact denoiser int snr E|x0 - D|^2 dlambda is the information between the ends, and
  // what is left of the gap is of the ends: alpha^4 at noise, (sigma^2 / v)^2 / 4 at data; 1e-4.
  const Index n = 8192;
  const auto draws = data.draw({n, 1}, Rng(5));
  const std::array<std::array<Level, 2>, 3> ends{{
      {Level{0, std::sqrt(1 - 1e-4), 0.01}, Level{1, 0.005, std::sqrt(1 - 2.5e-5)}},
      {Level{0, 1, 0.01}, Level{1, 1, 100}},
      {Level{0, 0.99, 0.01}, Level{1, 0.005, 0.995}},
  }};
  for (const auto& [clean, noise] : ends) {
    const auto bound = likelihood::vdm_bound(data, draws, clean, noise, Rng(6),
                                             {.points = 16, .prior_sigma = noise.sigma});
    const Mean diffusion(bound.diffusion), total(bound.total());
    const double exact =
        0.5 * std::log((1 + variance * clean.snr()) / (1 + variance * noise.snr()));
    CHECK_THAT(diffusion.value, WithinAbs(exact, 4 * diffusion.error));
    CHECK_THAT(total.value, WithinAbs(entropy, 4 * total.error + 1e-3));
    CHECK(diffusion.error < 0.03);
  }
}

TEST_CASE("vdm: a chain has the sum of its steps and lies above", "[diffusion][likelihood]") {
  const Level clean{0, std::sqrt(1 - 1e-4), 0.01}, noise{1, 0.01, std::sqrt(1 - 1e-4)};
  const Index n = 4096, steps = 8;
  const auto draws = data.draw({n, 1}, Rng(5));
  const double h = (clean.lambda() - noise.lambda()) / steps;
  double exact = 0;
  for (Index i = 0; i < steps; ++i) {
    const double lambda = noise.lambda() + h * static_cast<double>(i);
    const double snr = std::exp(2 * lambda), next = std::exp(2 * (lambda + h));
    exact += 0.5 * (next - snr) * variance / (1 + variance * snr);
  }
  CHECK(exact > 0.5 * std::log((1 + variance * clean.snr()) / (1 + variance * noise.snr())));
  for (const Index points : {8, 3}) {  // each step once, or steps at random
    const auto bound = likelihood::vdm_bound(data, draws, clean, noise, Rng(6),
                                             {.steps = steps, .points = points});
    const Mean diffusion(bound.diffusion);
    CHECK_THAT(diffusion.value, WithinAbs(exact, 4 * diffusion.error));
  }
}

TEST_CASE("vdm: reconstruction and samples", "[diffusion][likelihood]") {
  const Level clean{0, 0.98, 0.1}, noise{1, 0.01, 1};
  const auto bound = likelihood::vdm_bound(data, x0, clean, noise, Rng(6), {.points = 2});
  // A Gaussian around x0's estimate with the variance 0.01 / 0.98^2.
  const auto D = data(affine(0.98, x0, 0.1, Rng(6).stream(1).normal<double>({4, 1})), clean);
  const double v = 0.01 / (0.98 * 0.98);
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(bound.reconstruction[i], WithinAbs(0.5 * std::log(2 * std::acos(-1.0) * v) +
                                                      (x0[i] - D[i]) * (x0[i] - D[i]) / (2 * v),
                                                  1e-10));
  const auto part = likelihood::vdm_bound(data, x0.rows(1, 2), clean, noise, Rng(6),
                                          {.points = 2, .first_sample = 1});
  CHECK(part.total() == bound.total().rows(1, 2));
  CHECK(part.lower_bound()[0] == -part.total()[0]);
  const Dequantised scale{.bins = 64, .width = 0.1, .first = -3.2};
  const auto binned =
      likelihood::vdm_bound(data, x0, clean, noise, Rng(6), {.points = 2, .scale = scale});
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(binned.reconstruction[i], WithinAbs(-likelihood::discretised_gaussian(
                                                       scale, scale.bin(x0[i]), D[i], std::sqrt(v)),
                                                   1e-10));
  CHECK_THROWS_AS(likelihood::vdm_bound(data, x0, noise, clean, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(likelihood::vdm_bound(data, x0, {0, 1, 0}, noise, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(likelihood::vdm_bound(data, x0, clean, noise, Rng(1), {.points = 0}),
                  ArgumentError);
}
