#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace foglift::inline v0::kernels {

/// cosines[i] = cos(t f[i]) and sines[i] = sin(t f[i]) for n frequencies, computed in double with
/// an error of 2e-16 beside the rounding of the angle. All of it is arithmetic, which compilers
/// turn into vector code.
template <Scalar T>
void sinusoids(Index n, double t, const double* f, T* cosines, T* sines) {
  // pi / 2 in three parts, the first two of 33 bits: their products with the number of quarter
  // turns are exact up to 2^20 turns (fdlibm, e_rem_pio2.c).
  constexpr double first = 1.57079632673412561417, second = 6.07710050630396597660e-11,
                   third = 2.02226624879595063154e-21;
  constexpr double most = 1048576 * first;
  constexpr double round = 6755399441055744;  // 1.5 * 2^52: the sum's low bits are the integer
  std::int64_t large = 0;
  for (Index i = 0; i < n; ++i) large += std::abs(t * f[i]) < most ? 0 : 1;
  if (large > 0) {
    for (Index i = 0; i < n; ++i) {
      cosines[i] = static_cast<T>(std::cos(t * f[i]));
      sines[i] = static_cast<T>(std::sin(t * f[i]));
    }
    return;
  }
  for (Index i = 0; i < n; ++i) {
    const double x = t * f[i];
    const double shifted = x * 0.63661977236758134308 + round, turns = shifted - round;
    const auto quadrant = std::bit_cast<std::uint64_t>(shifted);
    const double r = ((x - turns * first) - turns * second) - turns * third, z = r * r;
    // The polynomials of fdlibm's k_sin.c and k_cos.c on [-pi / 4, pi / 4].
    const double s =
        r +
        r * z *
            (-1.66666666666666324348e-01 +
             z * (8.33333333332248946124e-03 +
                  z * (-1.98412698298579493134e-04 +
                       z * (2.75573137070700676789e-06 +
                            z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const double c =
        1 -
        (0.5 * z -
         z * z *
             (4.16666666666666019037e-02 +
              z * (-1.38888888888741095749e-03 +
                   z * (2.48015872894767294178e-05 +
                        z * (-2.75573143513906633035e-07 +
                             z * (2.08757232129817482790e-09 - z * 1.13596475577881948265e-11))))));
    // Odd quadrants exchange the two, and two quadrants each turn their signs: on the bits, as
    // compilers leave a loop with branches in scalar code.
    const auto odd = ~((quadrant & 1) - 1);  // all ones or none
    const auto bits_s = std::bit_cast<std::uint64_t>(s), bits_c = std::bit_cast<std::uint64_t>(c);
    const auto exchange = (bits_s ^ bits_c) & odd;
    sines[i] = static_cast<T>(std::bit_cast<double>(bits_s ^ exchange ^ (quadrant & 2) << 62));
    cosines[i] =
        static_cast<T>(std::bit_cast<double>(bits_c ^ exchange ^ ((quadrant + 1) & 2) << 62));
  }
}

}  // namespace foglift::inline v0::kernels
