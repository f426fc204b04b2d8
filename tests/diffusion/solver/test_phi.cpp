// Covers: phi
#include "foglift/diffusion/solver/parts/phi.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using foglift::solver::exponential_moments;
using foglift::solver::phi;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// int_0^1 e^{u x} u^n du, x >= 0, in 80 bits: a series of positive terms.
long double rising(int n, long double x) {
  long double sum = 0, term = 1;
  for (int j = 0; j < 400 + 4 * static_cast<int>(x); ++j) {
    sum += term / (j + n + 1);
    term *= x / (j + 1);
  }
  return sum;
}
/// int_0^1 e^{(1-u) x} u^n du = n! sum_j x^j / (j + n + 1)!
long double falling(int n, long double x) {
  long double term = 1.0L / (n + 1), sum = 0;
  for (int j = 0; j < 400 + 4 * static_cast<int>(x); ++j) {
    sum += term;
    term *= x / (j + n + 2);
  }
  return sum;
}

constexpr double sizes[] = {0,      1e-300, 1e-9, 1e-3, 0.1, 0.7, 1.3, 1.999, 2,
                            2.0001, 2.6,    3.5,  5,    8,   13,  21,  60};

}  // namespace

TEST_CASE("phi: against positive series in 80 bits", "[diffusion][solver]") {
  // 24 alternating terms at most 8 times the sum, or at most 5 recurrences: 2e-14.
  for (const double x : sizes)
    for (int k = 1; k <= 6; ++k) {
      long double factorial = 1;
      for (int j = 2; j < k; ++j) factorial *= j;
      INFO("k = " << k << ", z = " << x);
      CHECK_THAT(phi(k, x), WithinRel(double(falling(k - 1, x) / factorial), 2e-14));
      const long double below = std::exp(-static_cast<long double>(x)) * rising(k - 1, x);
      CHECK_THAT(phi(k, -x), WithinRel(double(below / factorial), 2e-14));
    }
  CHECK(phi(0, 1.5) == std::exp(1.5));
  CHECK(phi(3, 0) == 1.0 / 6);
}

TEST_CASE("phi: limits", "[diffusion][solver]") {
  for (int k = 1; k <= 6; ++k) {
    CHECK(phi(k, -infinity) == 0);
    CHECK(phi(k, infinity) == infinity);
    CHECK(phi(k, 2000) == infinity);
    CHECK(phi(k, -1e300) < 1e-299);
  }
}

TEST_CASE("phi: moments of both kernels", "[diffusion][solver]") {
  for (const double x : sizes) {
    const auto data = exponential_moments<5>(-x), noise = exponential_moments<5>(x);
    const long double shrunk = x * std::exp(-static_cast<long double>(x));
    for (int n = 0; n < 5; ++n) {
      INFO("n = " << n << ", z = " << x);
      const auto k = static_cast<std::size_t>(n);
      CHECK_THAT(data[k], WithinRel(double(shrunk * rising(n, x)), 2e-14));
      CHECK_THAT(noise[k], WithinRel(double(shrunk * falling(n, x)), 2e-14));
    }
  }
  for (const double x : {800.0, 1e300, infinity}) {
    const auto data = exponential_moments<5>(-x), noise = exponential_moments<5>(x);
    double factorial = 1;
    for (std::size_t n = 0; n < 5; ++n) {
      if (n > 0) factorial *= static_cast<double>(n);
      CHECK_THAT(data[n], WithinAbs(1, 1.01 * static_cast<double>(n) / x));
      CHECK_THAT(noise[n], WithinRel(factorial / std::pow(x, static_cast<double>(n)), 1e-13));
    }
  }
}
