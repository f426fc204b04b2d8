// Covers: density/density gamma_rate log_ratio loss_history noise normal steps time
#include "foglift/diffusion/density.hpp"
#include "foglift/diffusion/times.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

using namespace foglift;

namespace {

/// Variance-exploding from 0.02 to 80: alpha = 1 and a derivative, no rate.
struct Exploding {
  Level at(double t) const { return {t, 1, 0.02 * std::pow(4000, t)}; }
  double time(double lambda) const {
    return std::clamp((-lambda - std::log(0.02)) / std::log(4000), 0.0, 1.0);
  }
  LevelRate derivative(double t) const { return {0, at(t).sigma * std::log(4000)}; }
};

/// cdf and quantile are inverse, and pdf is the cdf's slope: central differences of step h have
/// error h^2 f''/6 + 1e-16/h, below 1e-7 of the density for h = 1e-5 in the middle of each.
template <class D>
void consistent(const D& d) {
  double before = d.quantile(0.0005);
  for (int i = 1; i < 40; ++i) {
    const double u = i / 40.0, x = d.quantile(u);
    CHECK(x > before);
    before = x;
    CHECK_THAT(d.cdf(x), WithinAbs(u, 1e-12));
    const double h = 1e-5;
    CHECK_THAT((d.cdf(x + h) - d.cdf(x - h)) / (2 * h), WithinRel(d.pdf(x), 1e-6));
  }
}

/// The mean of f over times t(u) of f(t) / pdf(t), by the midpoint rule in u: that of f over
/// uniform times.
template <class D, class F>
double reweighted_mean(const D& d, const F& f, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double t = d.quantile((i + 0.5) / n);
    sum += f(t) / d.pdf(t) / n;
  }
  return sum;
}

}  // namespace

TEST_CASE("normal quantile: published points and the inverse of the cdf", "[diffusion][density]") {
  // Points of Wichura 1988, table 1: z(0.25), z(0.001), z(1e-20).
  CHECK_THAT(density::normal_quantile(0.25), WithinRel(-0.6744897501960817, 1e-15));
  CHECK_THAT(density::normal_quantile(0.001), WithinRel(-3.090232306167814, 1e-15));
  CHECK_THAT(density::normal_quantile(1e-20), WithinRel(-9.262340089798408, 1e-15));
  // erfc is an oracle of its own: the relative error of u is |z| phi(z) / u (about z^2) times that
  // of z; 1e-15 (1 + z^2) times a safety of 4, on both sides of the joints at 0.075 and e^-25.
  for (const double u : {1e-300, 1e-100, 1e-30, 1.3e-11, 1.5e-11, 1e-6, 0.01, 0.0749, 0.0751, 0.2,
                         0.4, 0.4999, 0.5, 0.6, 0.9}) {
    const double z = density::normal_quantile(u);
    CHECK_THAT(density::normal_cdf(z), WithinRel(u, 4e-15 * (1 + z * z)));
    if (u > 0.01) CHECK_THAT(density::normal_quantile(1 - u), WithinAbs(-z, 1e-14));
  }
  CHECK(density::normal_quantile(0.5) == 0);
  CHECK(std::isinf(density::normal_quantile(0)));
  CHECK(density::normal_quantile(1) > 1e300);
  CHECK_THROWS_AS(density::normal_quantile(1.1), ArgumentError);
  CHECK_THROWS_AS(density::normal_quantile(std::nan("")), ArgumentError);
  CHECK_THAT(density::normal_pdf(0.7), WithinRel(0.31225393336676127, 1e-15));
}

TEST_CASE("density: quantile and cdf and pdf agree", "[diffusion][density]") {
  consistent(density::Uniform{});
  consistent(density::LogitNormal());
  consistent(density::LogitNormal({.m = -0.5, .s = 0.6}));
  consistent(density::Mode());
  consistent(density::Mode({.scale = -0.8}));
  consistent(density::CosMap{});
  consistent(density::LogNormal());
  consistent(density::LogLogistic({.location = 0.3, .scale = 0.7}));
  consistent(density::LogUniform({.min = 0.01, .max = 50}));
  consistent(density::Cosine({.scale = 0.5}));
  consistent(density::CosineInterpolated({.image = 256, .noise_low = 32, .noise_high = 256}));
  const schedule::Cosine cosine;
  consistent(density::Noise(density::LogNormal(), cosine));
  consistent(density::Noise(density::LogNormal(), Exploding{}));
  consistent(density::Noise(density::LogLogistic(), schedule::Linear()));
  consistent(density::Truncated(density::LogitNormal(), 0.2, 0.9));
  consistent(density::Any(density::Mode()));
}

TEST_CASE("density: one side of a split log-normal may be wider", "[diffusion][density]") {
  // Mode -1, deviations 0.5 and 1.5: a quarter of the mass below it; at one deviation to either
  // side the same density, e^-1/2 of the mode's, 2 / (0.5 + 1.5) phi(0).
  const density::SplitLogNormal d({.mode = -1, .std_below = 0.5, .std_above = 1.5});
  CHECK_THAT(d.cdf(-1), WithinAbs(0.25, 1e-15));
  CHECK_THAT(d.pdf(-1), WithinRel(std::numbers::inv_sqrtpi / std::numbers::sqrt2, 1e-14));
  CHECK_THAT(d.pdf(-1.5), WithinRel(d.pdf(-1) * std::exp(-0.5), 1e-14));
  CHECK_THAT(d.pdf(0.5), WithinRel(d.pdf(-1) * std::exp(-0.5), 1e-14));
  for (const double u : {0.01, 0.1, 0.24, 0.26, 0.6, 0.99}) {
    CHECK_THAT(d.cdf(d.quantile(u)), WithinAbs(u, 1e-14));
    const double x = d.quantile(u), h = 1e-5;
    CHECK_THAT((d.cdf(x + h) - d.cdf(x - h)) / (2 * h), WithinRel(d.pdf(x), 1e-7));
  }
}

TEST_CASE("density: quantiles are the published formulas", "[diffusion][density]") {
  // k-diffusion's rand_* and Esser et al. 2024, eq. 19-21, written out for u.
  for (const double u : {0.03, 0.3, 0.5, 0.77}) {
    const double pi = std::numbers::pi;
    CHECK_THAT(density::LogNormal().quantile(u),
               WithinRel(-1.2 + 1.2 * density::normal_quantile(u), 1e-15));
    CHECK_THAT(density::LogLogistic({.location = 0.4, .scale = 2}).quantile(u),
               WithinAbs(std::log(u / (1 - u)) * 2 + 0.4, 1e-14));
    CHECK_THAT(density::LogUniform({.min = 0.1, .max = 20}).quantile(u),
               WithinAbs(u * std::log(20.0) + (1 - u) * std::log(0.1), 1e-14));
    CHECK_THAT(std::exp(density::Cosine({.scale = 0.5}).quantile(u)),
               WithinRel(std::tan(u * pi / 2) * 0.5, 1e-14));
    const double logit = density::LogitNormal({.m = 0.2, .s = 1.5}).quantile(u);
    CHECK_THAT(std::log(logit / (1 - logit)),
               WithinAbs(0.2 + 1.5 * density::normal_quantile(u), 1e-13));
    const double v = 1 - u, c = std::cos(pi / 2 * v);
    CHECK_THAT(density::Mode({.scale = 0.9}).quantile(u),
               WithinAbs(1 - v - 0.9 * (c * c - 1 + v), 1e-15));
    CHECK_THAT(density::CosMap{}.quantile(u), WithinAbs(1 - 1 / (std::tan(pi / 2 * u) + 1), 1e-14));
    // rand_cosine_interpolated with log-SNRs, where its u runs from noise to data.
    const double image = 256, low = 32, high = 256, data = 0.5, lo = 0.002, hi = 90;
    const double min_logsnr = -2 * std::log(lo / data), max_logsnr = -2 * std::log(hi / data);
    const auto shifted = [&](double t, double noise_d) {
      const double shift = 2 * std::log(noise_d / image);
      const double t_min = std::atan(std::exp(-0.5 * (max_logsnr - shift)));
      const double t_max = std::atan(std::exp(-0.5 * (min_logsnr - shift)));
      return -2 * std::log(std::tan(t_min + t * (t_max - t_min))) + shift;
    };
    const double logsnr = (1 - v) * shifted(v, low) + v * shifted(v, high);
    CHECK_THAT(density::CosineInterpolated({.image = image,
                                            .noise_low = low,
                                            .noise_high = high,
                                            .sigma_data = data,
                                            .range = {.min = lo, .max = hi}})
                   .quantile(u),
               WithinAbs(std::log(std::exp(-logsnr / 2) * data), 1e-11));
  }
}

TEST_CASE("density: weights of one over pdf undo it", "[diffusion][density]") {
  // The midpoint rule with n points converges as 1/n^2 where the integrand in u is smooth, more
  // slowly where f / pdf grows at an end; f = t^2 (1 - t)^2 sin(3 t) vanishes there, and 1e5 points
  // leave 1e-6. Oracle: Simpson's rule in t.
  const auto f = [](double t) { return t * t * (1 - t) * (1 - t) * std::sin(3 * t); };
  double exact = 0;
  for (int i = 0; i < 1000; ++i) exact += f((i + 0.5) / 1000) / 1000;
  const schedule::Cosine cosine;
  const int n = 20000;
  const std::vector<density::Any> all = {
      density::Uniform{},
      density::LogitNormal(),
      density::Mode(),
      density::Mode({.scale = -0.7}),
      density::CosMap{},
      density::Noise(density::Cosine(), cosine),
      density::Noise(density::LogLogistic(), cosine),
      density::Noise(density::LogUniform({.min = 0.02, .max = 80}), Exploding{}),
      density::Noise(density::SplitLogNormal({.mode = -1, .std_below = 2, .std_above = 3}),
                     Exploding{}),
      density::Noise(density::LogNormal({.mean = 0, .std = 2}), Exploding{}),
      density::Piecewise({1, 4, 2, 0.5})};
  for (const auto& d : all) CHECK_THAT(reweighted_mean(d, f, n), WithinAbs(exact, 2e-5 * exact));
  // Truncated: the mean over [0.2, 0.7] of f.
  double part = 0;
  for (int i = 0; i < 1000; ++i) part += f(0.2 + 0.5 * (i + 0.5) / 1000) / 1000;
  const density::Truncated cut(density::LogitNormal(), 0.2, 0.7);
  CHECK_THAT(reweighted_mean(cut, f, n) / 0.5, WithinAbs(part, 1e-6 * part));
}

TEST_CASE("density: noise densities stay within the schedule", "[diffusion][density]") {
  // A wide density on a narrow schedule: all times in [0, 1], ends reached, and shares in the
  // proportion of the normal masses.
  const density::Noise d(density::LogNormal({.mean = 0, .std = 3}), Exploding{});
  CHECK_THAT(d.quantile(0), WithinAbs(0, 1e-14));
  CHECK_THAT(d.quantile(1), WithinAbs(1, 1e-14));
  const double lo = density::normal_cdf(std::log(0.02) / 3),
               hi = density::normal_cdf(std::log(80) / 3);
  const double half = Exploding{}.at(0.5).lambda();
  CHECK_THAT(d.cdf(0.5), WithinRel((density::normal_cdf(-half / 3) - lo) / (hi - lo), 1e-12));
  const density::Noise whole(density::LogNormal{}, schedule::Cosine{});
  for (const double u : {0.0, 0x1p-53, 0.5, 1 - 0x1p-53, 1.0}) {
    CHECK(whole.quantile(u) >= 0);
    CHECK(whole.quantile(u) <= 1);
  }
  CHECK(whole.pdf(0) == 0);
  CHECK(whole.pdf(1) == 0);
  CHECK_THROWS_AS(density::Noise(density::LogUniform({.min = 1e-6, .max = 1e-5}), Exploding{}),
                  ArgumentError);
}

TEST_CASE("density: the rate of gamma is a finite difference", "[diffusion][density]") {
  const auto check = [](const auto& s) {
    for (const double t : {0.05, 0.3, 0.8}) {
      const double h = 1e-5, up = -2 * s.at(t + h).lambda(), down = -2 * s.at(t - h).lambda();
      CHECK_THAT(gamma_rate(s, t), WithinRel((up - down) / (2 * h), 1e-6));
    }
  };
  check(schedule::Cosine());
  check(schedule::Linear());
  check(Exploding{});
  CHECK(std::isinf(gamma_rate(schedule::Cosine(), 0)));
  CHECK(std::isinf(gamma_rate(schedule::Cosine(), 1)));
  CHECK_THAT(gamma_rate(Exploding{}, 0), WithinRel(2 * std::log(4000), 1e-14));
}

TEST_CASE("density: steps take the shares of their intervals", "[diffusion][density]") {
  const density::Steps uniform(5);
  const std::array<double, 5> firsts = {0, 0.2001, 0.4001, 0.6001, 0.8001};
  for (std::size_t k = 0; k < 5; ++k) {
    const double t = static_cast<double>(k + 1) / 5;
    CHECK(uniform.quantile(firsts[k]) == t);
    CHECK(uniform.quantile(firsts[k] + 0.199) == t);
    CHECK_THAT(uniform.pdf(t), WithinAbs(1, 1e-14));
    CHECK_THAT(uniform.cdf(t), WithinAbs(t, 1e-15));
    CHECK_THAT(uniform.cdf(t - 0.05), WithinAbs(t - 0.2, 1e-15));
  }
  CHECK(uniform.quantile(1) == 1);
  // Over a table: sum of p f / (T p) is the mean of f over the steps, exactly.
  const density::Steps table(4, density::Piecewise({1, 5, 2, 2}));
  double sum = 0, mass = 0;
  for (int k = 1; k <= 4; ++k) {
    const double p = table.pdf(k / 4.0) / 4;
    sum += p * std::exp(k) / table.pdf(k / 4.0);
    mass += p;
  }
  CHECK_THAT(sum, WithinRel((std::exp(1) + std::exp(2) + std::exp(3) + std::exp(4)) / 4, 1e-14));
  CHECK_THAT(mass, WithinRel(1, 1e-14));
  CHECK_THAT(table.pdf(0.5), WithinRel(2, 1e-14));
  // Truncated from 0.5 on, the steps beyond it are left: 3 / 4 and 1.
  const density::Truncated late(uniform, 0.4, 1);
  CHECK(late.quantile(0.01) == 3.0 / 5);
  CHECK_THAT(late.pdf(0.6), WithinRel(1 / 0.6, 1e-14));
  CHECK_THROWS_AS(density::Steps(0), ArgumentError);
}

TEST_CASE("density: a loss history is uniform until warm then importance", "[diffusion][density]") {
  density::LossHistory history({.parts = 4, .length = 2, .uniform = 0.1});
  const auto tell = [&](double t, double loss) { history.update(std::array{t}, std::array{loss}); };
  for (const double t : {0.1, 0.3, 0.6, 0.9}) tell(t, 100);
  for (const double t : {0.1, 0.3, 0.6}) tell(t, 7);
  CHECK_FALSE(history.warm());
  CHECK(history.density().probability(2) == 0.25);
  tell(1.0, 3);   // the last part's right end
  tell(0.25, 1);  // the first part's right end pushes out its oldest
  CHECK(history.warm());
  // Latest two of each part: {1, 7}, {100, 7}, {100, 7}, {100, 3}.
  const double a = std::sqrt((1 + 49) / 2.0), b = std::sqrt((10000 + 49) / 2.0),
               c = std::sqrt((10000 + 9) / 2.0), all = a + 2 * b + c;
  const density::Piecewise d = history.density();
  CHECK_THAT(d.probability(0), WithinRel(0.1 / 4 + 0.9 * a / all, 1e-14));
  CHECK_THAT(d.probability(1), WithinRel(0.1 / 4 + 0.9 * b / all, 1e-14));
  CHECK_THAT(d.probability(3), WithinRel(0.1 / 4 + 0.9 * c / all, 1e-14));
  // Unbiased, exhaustively: the sum over parts of p * f / (N p).
  double sum = 0;
  for (Index i = 0; i < 4; ++i) {
    const double t = (static_cast<double>(i) + 0.5) / 4;
    sum += d.probability(i) * t * t / d.pdf(t);
  }
  CHECK_THAT(sum, WithinRel((1 + 9 + 25 + 49) / 64.0 / 4, 1e-14));
  // A value: a copy goes its own way.
  density::LossHistory copy = history;
  copy.update(std::array{0.1, 0.2}, std::array{500.0, 500.0});
  CHECK(copy.density().probability(0) > d.probability(0));
  CHECK(history.density().probability(0) == d.probability(0));
  CHECK_THROWS_AS(tell(1.5, 1), ArgumentError);
  CHECK_THROWS_AS(tell(0.5, std::nan("")), NumericError);
  CHECK_THROWS_AS(history.update(std::array{0.1, 0.2}, std::array{1.0}), ShapeError);
  CHECK_THROWS_AS(density::LossHistory({.parts = 0}), ArgumentError);
}

TEST_CASE("density: a piecewise table skips empty parts", "[diffusion][density]") {
  const density::Piecewise d({0, 3, 0, 1});
  CHECK(d.quantile(0) == 0.25);
  CHECK_THAT(d.quantile(0.375), WithinAbs(0.375, 1e-15));
  CHECK(d.quantile(0.75) == 0.75);
  CHECK_THAT(d.quantile(0.875), WithinAbs(0.875, 1e-15));
  CHECK(d.cdf(0.6) == 0.75);
  CHECK_THAT(d.pdf(0.3), WithinRel(3, 1e-15));
  CHECK(d.pdf(0.1) == 0);
  CHECK_THROWS_AS(density::Piecewise({}), ArgumentError);
  CHECK_THROWS_AS(density::Piecewise({1, -1}), ArgumentError);
  CHECK_THROWS_AS(density::Piecewise({0, 0}), ArgumentError);
}

TEST_CASE("density: impossible settings are refused", "[diffusion][density]") {
  CHECK_THROWS_AS(density::LogitNormal({.s = 0}), ArgumentError);
  CHECK_THROWS_AS(density::Mode({.scale = 1.8}), ArgumentError);
  CHECK_THROWS_AS(density::Mode({.scale = -1.1}), ArgumentError);
  CHECK_THROWS_AS(density::LogNormal({.std = -1}), ArgumentError);
  CHECK_THROWS_AS(density::LogLogistic({.scale = 0}), ArgumentError);
  CHECK_THROWS_AS(density::LogUniform({.min = 0, .max = 1}), ArgumentError);
  CHECK_THROWS_AS(density::Cosine({.scale = 0}), ArgumentError);
  CHECK_THROWS_AS(density::CosineInterpolated({.noise_low = 64, .noise_high = 32}), ArgumentError);
  CHECK_THROWS_AS(density::SplitLogNormal({.std_above = 0}), ArgumentError);
  CHECK_THROWS_AS(density::Truncated(density::Uniform{}, 0.5, 0.5), ArgumentError);
  CHECK_THROWS_AS(density::Any{}.pdf(0.5), ArgumentError);
  static_assert(!TimeDensity<density::LogNormal> && !NoiseDensity<density::Uniform>);
}
