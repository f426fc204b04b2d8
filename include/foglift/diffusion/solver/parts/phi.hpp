#pragma once

#include "foglift/version.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace foglift::inline v0::solver {

/// phi_k(z) = int_0^1 e^{(1-u) z} u^(k-1) / (k-1)! du for k >= 1, phi_0 = exp: the functions of
/// exponential integrators (Hochbruck & Ostermann 2010, eq. 2.10), phi_{k+1} = (phi_k - 1/k!) / z.
/// That recurrence loses digits where z is small against k: for |z| <= 2 the series, whose 24 terms
/// reach rounding, takes its place. A few roundings of relative error for k <= 6; 0 at -inf.
inline double phi(int k, double z) {
  if (k == 0) return std::exp(z);
  if (z == std::numeric_limits<double>::infinity()) return z;
  if (std::abs(z) <= 2) {
    double sum = 1, factorial = 1;
    for (int j = 24; j >= 1; --j) sum = 1 + z / (k + j) * sum;
    for (int j = 2; j <= k; ++j) factorial *= j;
    return sum / factorial;
  }
  double out = std::expm1(z) / z, inverse = 1;
  for (int j = 1; j < k; ++j) {
    inverse /= j;
    out = (out - inverse) / z;
  }
  return out;
}

/// |z| int_0^1 K(u) u^n du, n = 0 ... N - 1, of the two kernels that do not grow: K = e^{(1-u) z},
/// that is |z| n! phi_{n+1}(z), for z <= 0; and e^{-u z}, e^{-z} times that, for z > 0. Finite for
/// every z: 1, 1, 1, ... at -inf, 1, 0, 0, ... at +inf.
template <std::size_t N>
std::array<double, N> exponential_moments(double z) {
  std::array<double, N> out;
  const double size = std::abs(z), end = z > 0 ? std::exp(-z) : 1.0;
  out[0] = -std::expm1(-size);
  double factorial = 1;
  for (std::size_t n = 1; n < N; ++n) {
    const double k = static_cast<double>(n);
    factorial *= k;
    if (size <= 2)
      out[n] = size * end * factorial * phi(static_cast<int>(n) + 1, z);
    else
      out[n] = z > 0 ? k * out[n - 1] / size - end : 1 - k * out[n - 1] / size;
  }
  return out;
}

}  // namespace foglift::inline v0::solver
