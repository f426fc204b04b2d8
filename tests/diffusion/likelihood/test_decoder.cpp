// Covers: decoder dequantise
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/likelihood/decoder.hpp"
#include "foglift/diffusion/likelihood/gaussian_kl.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using likelihood::Dequantised;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// ln of the integral of the standard normal density over [a, b], by Simpson's rule in 4000 parts
/// relative to the largest value of the density in it; error below 1e-12 for b - a <= 10.
double simpson(double a, double b) {
  const double top = a > 0 ? a : b < 0 ? b : 0;
  const auto f = [&](double x) { return std::exp(-0.5 * (x - top) * (x + top)); };
  const int n = 4000;
  const double h = (b - a) / n;
  double sum = f(a) + f(b);
  for (int i = 1; i < n; ++i) sum += (i % 2 ? 4 : 2) * f(a + h * i);
  return std::log(sum * h / 3) - 0.5 * top * top - 0.5 * std::log(2 * std::acos(-1.0));
}

}  // namespace

TEST_CASE("decoder: intervals of the normal law against quadrature", "[diffusion][likelihood]") {
  for (const double a : {-60.0, -33.0, -30.2, -29.9, -8.0, -1.0, -0.3, 0.0, 0.4, 7.0, 30.1, 50.0})
    for (const double width : {1e-6, 9e-4, 1.1e-3, 0.02, 0.3, 1.5, 6.0}) {
      // Steep tails fall by e^-(a width) within the interval: Simpson's part of it is looked at.
      const double looked = std::min(width, 60 / std::max(1.0, std::abs(a)));
      const double inner = a >= 0 ? a + looked : a + width;
      const double lower = a + width <= 0 ? inner - looked : a;
      const double exact = simpson(std::max(a, lower), inner);
      CHECK_THAT(likelihood::log_normal_interval(a, a + width),
                 WithinRel(exact, 1e-9) || WithinAbs(exact, 1e-9));
    }
  CHECK_THAT(likelihood::log_normal_interval(-inf, inf), WithinAbs(0, 1e-15));
  CHECK_THAT(likelihood::log_normal_interval(-inf, 0), WithinAbs(-std::log(2.0), 1e-15));
  CHECK_THAT(likelihood::log_normal_interval(0, inf), WithinAbs(-std::log(2.0), 1e-15));
  // Mills' ratio at 40: Phi(-x) = phi(x) / x (1 - 1 / x^2 + 3 / x^4 - 15 / x^6 ...)
  const double tail = -800 - 0.5 * std::log(2 * std::acos(-1.0)) - std::log(40.0) +
                      std::log(1 - 1 / 1600.0 + 3 / 2.56e6 - 15 / 4.096e9);
  CHECK_THAT(likelihood::log_normal_interval(40, inf), WithinAbs(tail, 1e-9));
  CHECK_THAT(likelihood::log_normal_interval(-inf, -40), WithinAbs(tail, 1e-9));
}

TEST_CASE("decoder: the distribution function is smooth where its formula changes",
          "[diffusion][likelihood]") {
  // Both forms of ln Phi a step apart: slope phi / Phi, about 30 at -30.
  const double h = 1e-6, low = likelihood::log_normal_cdf(-30 - h),
               high = likelihood::log_normal_cdf(-30 + h);
  CHECK_THAT((high - low) / (2 * h), WithinAbs(30 + 1.0 / 30, 1e-3));
  CHECK_THAT(likelihood::log_normal_cdf(0), WithinAbs(-std::log(2.0), 1e-15));
  CHECK_THAT(likelihood::log_normal_cdf(10),
             WithinRel(-0.5 * std::erfc(10 / std::sqrt(2.0)), 1e-9));
}

TEST_CASE("decoder: intervals of the logistic law", "[diffusion][likelihood]") {
  const auto S = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const double a : {-3.0, -0.5, 0.0, 1.0})
    for (const double width : {0.1, 1.0, 4.0})
      CHECK_THAT(likelihood::log_logistic_interval(a, a + width),
                 WithinAbs(std::log(S(a + width) - S(a)), 1e-12));
  // Far out S is e^x: ln(e^-700 (1 - e^-1)).
  const double far = -700 + std::log(1 - std::exp(-1.0));
  CHECK_THAT(likelihood::log_logistic_interval(-701, -700), WithinAbs(far, 1e-10));
  CHECK_THAT(likelihood::log_logistic_interval(700, 701), WithinAbs(far, 1e-10));
  CHECK_THAT(likelihood::log_logistic_interval(-inf, 2), WithinAbs(std::log(S(2)), 1e-14));
  CHECK_THAT(likelihood::log_logistic_interval(2, inf), WithinAbs(std::log(1 - S(2)), 1e-14));
}

TEST_CASE("decoder: probabilities of all values are one", "[diffusion][likelihood]") {
  for (const auto& scale :
       {Dequantised::unit(16), Dequantised::symmetric(), Dequantised::centred(7)})
    for (const double spread : {0.004, 0.3, 20.0})
      for (const double mean : {-1.2, 0.1, 0.93}) {
        double normal = 0, logistic = 0;
        for (Index k = 0; k < scale.bins; ++k) {
          normal += std::exp(likelihood::discretised_gaussian(scale, k, mean, spread));
          logistic += std::exp(likelihood::discretised_logistic(scale, k, mean, spread));
        }
        CHECK_THAT(normal, WithinAbs(1, 1e-12));
        CHECK_THAT(logistic, WithinAbs(1, 1e-12));
      }
  CHECK_THROWS_AS(likelihood::discretised_gaussian({}, 256, 0, 1), ArgumentError);
  CHECK_THROWS_AS(likelihood::discretised_gaussian({}, -1, 0, 1), ArgumentError);
  CHECK_THROWS_AS(likelihood::discretised_gaussian({}, 0, 0, 0), ArgumentError);
}

TEST_CASE("dequantise: scales and their offsets", "[diffusion][likelihood]") {
  CHECK(Dequantised::unit().offset() == 8);
  CHECK(Dequantised::symmetric().offset() == 7);
  CHECK_THAT(Dequantised::centred().offset(), WithinAbs(std::log2(127.5), 1e-14));
  CHECK(Dequantised{}.offset() == 8);
  CHECK(Dequantised::symmetric().lower(0) == -1);
  CHECK(Dequantised::symmetric().lower(256) == 1);
  CHECK(Dequantised::symmetric().lower(3) == 3 / 128.0 - 1);
  for (const Index k : {0, 1, 100, 255})
    CHECK_THAT(Dequantised::centred().middle(k),
               WithinAbs(static_cast<double>(k) / 127.5 - 1, 1e-15));
  const auto scale = Dequantised::centred(5);
  for (Index k = 0; k < 5; ++k) {
    CHECK(scale.bin(scale.middle(k)) == k);
    CHECK(scale.bin(scale.lower(k) + 1e-9) == k);
  }
  CHECK(scale.bin(-7) == 0);
  CHECK(scale.bin(7) == 4);
}

TEST_CASE("dequantise: draws fill the interval of each value", "[diffusion][likelihood]") {
  const auto scale = Dequantised::symmetric(4);
  Tensor<double> k({1000, 4});
  for (Index i = 0; i < k.size(); ++i) k[i] = static_cast<double>(i % 4);
  const auto x = likelihood::dequantise(k, scale, Rng(1));
  double mean = 0, square = 0;
  for (Index i = 0; i < k.size(); ++i) {
    const double u = (x[i] + 1) * 2 - k[i];
    REQUIRE((u >= 0 && u < 1));
    REQUIRE(scale.bin(x[i]) == i % 4);
    mean += u / 4000;
    square += u * u / 4000;
  }
  // Standard errors of u and u^2: sqrt(1 / 12 / 4000) and sqrt(4 / 45 / 4000); 4 of them.
  CHECK_THAT(mean, WithinAbs(0.5, 4 * 0.0046));
  CHECK_THAT(square, WithinAbs(1.0 / 3, 4 * 0.0048));
  CHECK(likelihood::dequantise(k.rows(3, 5), scale, Rng(1), 3) == x.rows(3, 5));
  CHECK_THROWS_AS(likelihood::dequantise(Tensor<double>({1, 1}, 4.0), scale, Rng(1)),
                  ArgumentError);
  CHECK_THROWS_AS(likelihood::dequantise(Tensor<double>({1, 1}, 0.5), scale, Rng(1)),
                  ArgumentError);
  CHECK_THROWS_AS(likelihood::dequantise(Tensor<double>({1, 1}, -1.0), scale, Rng(1)),
                  ArgumentError);
}

TEST_CASE("dequantise: bits per dimension of discretised Gaussian data are its entropy",
          "[diffusion][likelihood]") {
  // Values k of N(m, s^2): entropy by summing over them. The density's bits, averaged over the
  // interval, are too many by about (width / s)^2 / 24 / ln 2 = 6e-5.
  const double m = 0.1, s = 0.2;
  const auto data = analytic::gaussian({.mean = m, .variance = s * s});
  for (const auto& scale :
       {Dequantised::symmetric(), Dequantised::unit(), Dequantised::centred()}) {
    // the scale must hold the data: seven deviations up and down, or its first values none
    double entropy = 0, bits = 0, held = 0;
    for (Index k = 0; k < scale.bins; ++k) {
      const double a = scale.lower(k), b = scale.lower(k + 1);
      const double P =
          0.5 * (std::erf((b - m) / s / std::sqrt(2.0)) - std::erf((a - m) / s / std::sqrt(2.0)));
      held += P;
      if (P < 1e-12) continue;
      entropy -= P * std::log2(P);
      const Tensor<double> values({2, 3}, static_cast<double>(k));
      const auto x = likelihood::dequantise(values, scale, Rng(static_cast<std::uint64_t>(k)));
      const auto found = likelihood::bits_per_dim(data.log_density(x, Level{}), 3, scale);
      bits += P * 0.5 * (found[0] + found[1]);
    }
    // The noise left by 6 draws an interval: a score of up to 7 / s times width / sqrt(12 * 6), in
    // 100 independent intervals: below 1e-3 bit.
    CHECK_THAT(bits, WithinAbs(entropy, 1e-3 + 1e-9 * held));
  }
  const auto plain = likelihood::bits_per_dim(Tensor<double>({1}, -6 * std::log(2.0)), 3);
  CHECK_THAT(plain[0], WithinAbs(2, 1e-14));
  CHECK_THROWS_AS(likelihood::bits_per_dim(Tensor<double>({1}), 0), ArgumentError);
  CHECK_THROWS_AS(likelihood::bits_per_dim(Tensor<double>({1}), 1, {.bins = 1}), ArgumentError);
  CHECK_THROWS_AS(likelihood::bits_per_dim(Tensor<double>({1}), 1, {.width = 0}), ArgumentError);
}

TEST_CASE("gaussian kl: against its integral", "[diffusion][likelihood]") {
  // int p ln(p / q) by the trapezoidal rule, which is exact to rounding for Gaussians.
  const auto integral = [](double m, double v, double w) {
    double sum = 0;
    const double s = std::sqrt(v), h = 0.02;
    for (double z = -12; z <= 12; z += h) {
      const double x = m + s * z, p = std::exp(-0.5 * z * z) / std::sqrt(2 * std::acos(-1.0));
      sum += h * p * (-0.5 * z * z - 0.5 * std::log(v) + 0.5 * x * x / w + 0.5 * std::log(w));
    }
    return sum;
  };
  for (const double m : {0.0, 0.7, -3.0})
    for (const double v : {0.2, 1.0, 5.0})
      for (const double w : {0.5, 1.0})
        CHECK_THAT(likelihood::gaussian_kl(std::log(v), std::log(w), m * m),
                   WithinAbs(integral(m, v, w), 1e-10));
  CHECK(likelihood::gaussian_kl(0.3, 0.3, 0) == 0);
  CHECK_THAT(likelihood::gaussian_kl(-7 + 1e-5, -7, 0), WithinRel(0.25e-10, 1e-4));
}
