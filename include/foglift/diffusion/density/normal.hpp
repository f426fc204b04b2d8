#pragma once

#include "foglift/core/error.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace foglift::inline v0::density {

/// P(Z < z) for a standard normal Z; keeps its digits in the lower tail.
inline double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// The density of a standard normal at z.
inline double normal_pdf(double z) {
  return std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

namespace detail {
/// Horner's rule; coefficients from the highest power down.
template <std::size_t n>
double polynomial(const double (&c)[n], double x) {
  double sum = c[0];
  for (std::size_t i = 1; i < n; ++i) sum = sum * x + c[i];
  return sum;
}
}  // namespace detail

/// The inverse of normal_cdf for u in [0, 1], -inf and +inf at the ends (Wichura 1988, AS 241,
/// PPND16): relative error about 1e-15. Throws ArgumentError outside.
inline double normal_quantile(double u) {
  if (!(u >= 0 && u <= 1)) raise<ArgumentError>("normal_quantile: u = ", u, ", must be in [0, 1]");
  const double q = u - 0.5;
  if (u == 0 || u == 1) return std::copysign(std::numeric_limits<double>::infinity(), q);
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           detail::polynomial(
               {2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
                4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
                1.3314166789178437745e2, 3.3871328727963666080},
               r) /
           detail::polynomial(
               {5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
                2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
                4.2313330701600911252e1, 1.0},
               r);
  }
  const double tail = std::sqrt(-std::log(q < 0 ? u : 1 - u));
  double z;
  if (tail <= 5) {
    const double r = tail - 1.6;
    z = detail::polynomial(
            {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
             1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
             4.63033784615654529590, 1.42343711074968357734},
            r) /
        detail::polynomial(
            {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
             1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
             2.05319162663775882187, 1.0},
            r);
  } else {
    const double r = tail - 5;
    z = detail::polynomial(
            {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
             2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
             5.46378491116411436990, 6.65790464350110377720},
            r) /
        detail::polynomial(
            {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
             7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
             5.99832206555887937690e-1, 1.0},
            r);
  }
  return std::copysign(z, q);
}

}  // namespace foglift::inline v0::density
