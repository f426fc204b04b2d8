// Covers: empirical marginal mixture
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

static_assert(BatchDenoiser<analytic::Gaussian, float> &&
              BatchDenoiser<analytic::Gaussian, double>);
static_assert(BatchDenoiser<analytic::Mixture, float>);

const Level pure_noise{1, 0, 1}, clean{0, 1, 0};
const Level between[] = {{0.1, 0.99, 0.1}, {0.5, 0.7, 0.7}, {0.9, 0.1, 0.995}, {0.5, 2, 3}};

/// E[x0 | x] and log p(x) of one-dimensional data with density p0, by the trapezoidal rule on
/// [-12, 12]: for smooth integrands that vanish at the ends its error is below e^(-2 pi w / h), w
/// >= 0.07 the narrowest width and h = 24/24000, far below rounding.
struct Quadrature {
  double mean = 0, log_density = 0;
  template <class Density>
  Quadrature(const Density& p0, double x, const Level& l) {
    double z = 0, zx = 0;
    const int n = 24000;
    for (int i = 0; i <= n; ++i) {
      const double x0 = -12 + 24.0 * i / n, e = (x - l.alpha * x0) / l.sigma;
      const double p = p0(x0) * std::exp(-0.5 * e * e) / (l.sigma * std::sqrt(2 * std::acos(-1.0)));
      z += p * 24 / n;
      zx += p * x0 * 24 / n;
    }
    mean = zx / z;
    log_density = std::log(z);
  }
};

double normal_density(double x, double m, double v) {
  return std::exp(-0.5 * (x - m) * (x - m) / v) / std::sqrt(2 * std::acos(-1.0) * v);
}

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});

/// Central difference of the log density in element i of a single sample: h = 1e-5, error h^2 f'''
/// / 6 + eps |f| / h ~ 1e-9 for third derivatives up to 100.
template <class D>
double slope(const D& d, Tensor<double> x, Index i, const Level& l) {
  x[i] += 1e-5;
  const double up = d.log_density(x, l).item();
  x[i] -= 2e-5;
  return (up - d.log_density(x, l).item()) / 2e-5;
}

}  // namespace

TEST_CASE("analytic: posterior means and densities against quadrature", "[diffusion][analytic]") {
  const auto gaussian = analytic::gaussian({.mean = 2, .variance = 0.25});
  const auto p_gaussian = [](double x) { return normal_density(x, 2, 0.25); };
  const auto p_mixture = [](double x) {
    return 0.3 * normal_density(x, -1, 0.16) + 0.7 * normal_density(x, 1.5, 0.36);
  };
  for (const Level& l : between)
    for (const double x : {-2.0, 0.1, 1.7, 4.0}) {
      const Tensor<double> at({1, 1}, x);
      const auto check = [&](const auto& d, const auto& density) {
        const Quadrature exact(density, x, l);
        CHECK_THAT(d(at, l).item(), WithinAbs(exact.mean, 1e-9));
        CHECK_THAT(d.log_density(at, l).item(), WithinAbs(exact.log_density, 1e-9));
      };
      check(gaussian, p_gaussian);
      check(mixture, p_mixture);
    }
}

TEST_CASE("analytic: the score is the slope of the log density and obeys Tweedie",
          "[diffusion][analytic]") {
  const analytic::Gaussian diagonal({1, -2, 0.5}, {0.3, 2, 0});
  const analytic::Mixture plane({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.5}, {1, {-2, 0, 1}, 0}});
  const auto x = Rng(9).normal<double>({6, 3});
  const auto check = [&](const auto& d) {
    for (const Level& l : between) {
      const auto score = d.score(x, l), x0 = d(x, l);
      for (Index b = 0; b < 6; ++b)
        for (Index i = 0; i < 3; ++i) {
          const double s = score(b, i);
          CHECK_THAT(s, WithinAbs(slope(d, x.rows(b, 1), i, l), 1e-5 * (1 + std::abs(s))));
          const double tweedie = (l.alpha * x0(b, i) - x(b, i)) / (l.sigma * l.sigma);
          CHECK_THAT(s, WithinAbs(tweedie, 1e-10 * (1 + std::abs(s))));
        }
    }
  };
  check(diagonal);
  check(plane);
}

TEST_CASE("analytic: exact at both ends", "[diffusion][analytic]") {
  const Tensor<double> x({3, 1}, {-1.0, 0.4, 60.0});
  const auto gaussian = analytic::gaussian({.mean = 2, .variance = 0.25});
  for (Index b = 0; b < 3; ++b) {
    CHECK(gaussian(x, pure_noise)[b] == 2);
    CHECK_THAT(gaussian(x, clean)[b], WithinRel(x[b], 1e-15));      // 2 + (x - 2)
    CHECK_THAT(mixture(x, pure_noise)[b], WithinAbs(0.75, 1e-12));  // exponents near 2000
    CHECK_THAT(mixture(x, clean)[b], WithinRel(x[b], 1e-15));
    CHECK(std::isfinite(mixture.score(x, clean)[b]));
    CHECK_THAT(mixture.score(x, pure_noise)[b], WithinRel(-x[b], 1e-15));  // sum of r_k = 1
  }
  const auto constant = analytic::gaussian({.mean = 2, .variance = 0});
  CHECK(constant(x, clean)[0] == 2);
}

TEST_CASE("analytic: mixture is stable where every density underflows", "[diffusion][analytic]") {
  // At 1000 standard deviations from both means the nearer one has all the weight.
  const analytic::Mixture two({{0.5, {-1}, 0}, {0.5, {1}, 0}});
  const Level l{0.01, 1, 1e-3};
  CHECK(two(Tensor<double>({1, 1}, 1e-3), l).item() > 0.96);  // tanh(1e-3 / 1e-6) = 1
  CHECK_THAT(two(Tensor<double>({1, 1}, 1e-6), l).item(), WithinAbs(std::tanh(1.0), 1e-9));
  CHECK(std::isfinite(two.log_density(Tensor<double>({1, 1}, 1e6), l).item()));
}

TEST_CASE("analytic: empirical is the softmax mean of the data", "[diffusion][analytic]") {
  const auto data = Rng(2).normal<double>({40, 2, 3});
  const auto x = Rng(3).normal<double>({5, 2, 3});
  const auto d = analytic::empirical(data);
  for (const Level& l : between) {
    const auto x0 = d(x, l);
    for (Index b = 0; b < 5; ++b) {
      double z = 0;
      std::vector<double> sum(6);
      for (Index k = 0; k < 40; ++k) {
        double square = 0;
        for (Index i = 0; i < 6; ++i)
          square += std::pow(x[b * 6 + i] - l.alpha * data[k * 6 + i], 2);
        const double w = std::exp(-0.5 * square / (l.sigma * l.sigma));
        z += w;
        for (Index i = 0; i < 6; ++i) sum[static_cast<std::size_t>(i)] += w * data[k * 6 + i];
      }
      if (z < 1e-280) continue;  // the naive form has underflowed
      for (Index i = 0; i < 6; ++i)
        CHECK_THAT(x0[b * 6 + i], WithinAbs(sum[static_cast<std::size_t>(i)] / z, 1e-11));
    }
  }
  CHECK(d(data, clean) == data);  // each row is its own nearest point
  const auto mean = d(x, pure_noise);
  double m = 0;
  for (Index k = 0; k < 40; ++k) m += data[k * 6] / 40;
  CHECK_THAT(mean[0], WithinAbs(m, 1e-14));
}

TEST_CASE("analytic: one level for each sample", "[diffusion][analytic]") {
  const std::vector<Level> each(std::begin(between), std::end(between));
  const auto x = Rng(8).normal<float>({4, 1});
  const auto all = mixture(x, each);
  for (Index b = 0; b < 4; ++b)
    CHECK(all.rows(b, 1) == mixture(x.rows(b, 1), each[static_cast<std::size_t>(b)]));
  CHECK_THROWS_AS(mixture(x.rows(0, 3), each), ShapeError);
}

TEST_CASE("analytic: refuses what is no distribution", "[diffusion][analytic]") {
  using analytic::Gaussian, analytic::Mixture;
  CHECK_THROWS_AS(Gaussian({.mean = 0, .variance = -1}), ArgumentError);
  CHECK_THROWS_AS(Gaussian({1, 2}, {1}), ArgumentError);
  CHECK_THROWS_AS(Gaussian(std::vector<double>{}, {}), ArgumentError);
  CHECK_THROWS_AS(Mixture({}), ArgumentError);
  CHECK_THROWS_AS(Mixture({{0, {1}, 1}}), ArgumentError);
  CHECK_THROWS_AS(Mixture({{1, {1}, 1}, {1, {1, 2}, 1}}), ArgumentError);
  CHECK_THROWS_AS(Mixture({{1, {std::nan("")}, 1}}), ArgumentError);
  CHECK_THROWS_AS(analytic::empirical(Tensor<float>({0, 3})), ArgumentError);
  CHECK_THROWS_AS(mixture(Tensor<float>({2, 2}), clean), ShapeError);
  CHECK_THROWS_AS(Gaussian({1, 2}, {1, 1})(Tensor<float>({2, 3}), clean), ShapeError);
}
