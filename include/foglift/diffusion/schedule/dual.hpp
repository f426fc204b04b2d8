#pragma once

#include "foglift/version.hpp"

#include <cmath>

namespace foglift::inline v0::schedule {

/// A number and its derivative in t: what a function written with + - * / and these functions
/// returns for Dual{t, 1} carries its exact derivative.
struct Dual {
  double value = 0, slope = 0;

  Dual() = default;
  Dual(double v, double d = 0) : value(v), slope(d) {}  // NOLINT: numbers are constants

  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend Dual operator-(Dual a) { return {-a.value, -a.slope}; }
  friend Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend Dual operator/(Dual a, Dual b) {
    const double q = a.value / b.value;
    return {q, (a.slope - q * b.slope) / b.value};
  }
};

inline Dual exp(Dual a) { return {std::exp(a.value), std::exp(a.value) * a.slope}; }
inline Dual log(Dual a) { return {std::log(a.value), a.slope / a.value}; }
inline Dual sqrt(Dual a) {
  const double root = std::sqrt(a.value);
  return {root, a.slope / (2 * root)};
}
inline Dual sin(Dual a) { return {std::sin(a.value), std::cos(a.value) * a.slope}; }
inline Dual cos(Dual a) { return {std::cos(a.value), -std::sin(a.value) * a.slope}; }
inline Dual tan(Dual a) {
  const double t = std::tan(a.value);
  return {t, (1 + t * t) * a.slope};
}
inline Dual tanh(Dual a) {
  const double t = std::tanh(a.value);
  return {t, (1 - t * t) * a.slope};
}
/// a^p, p a number.
inline Dual pow(Dual a, double p) {
  return {std::pow(a.value, p), a.slope == 0 ? 0 : p * std::pow(a.value, p - 1) * a.slope};
}

}  // namespace foglift::inline v0::schedule
