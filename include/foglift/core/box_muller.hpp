#pragma once

#include "foglift/version.hpp"

#include <bit>
#include <cstdint>

namespace foglift::inline v0 {

/// Square root of x >= 0, to 2 ulp: a first guess y of 1 / sqrt(x) from the exponent's half,
/// to 4 %, then sqrt(x) = x y / sqrt(1 - e), e = 1 - x y^2, by a polynomial in e. std::sqrt may set
/// errno, and a loop over it is then not vectorized unless the whole program is compiled with
/// -fno-math-errno.
inline float square_root(float x) {
  const float y = std::bit_cast<float>(0x5F375A86u - (std::bit_cast<std::uint32_t>(x) >> 1));
  const float root = x * y, e = 1.0f - root * y;  // in [-0.0692, 0.0676]
  const float p = 4.99998209e-1f + e * (3.74999672e-1f + e * (3.13986289e-1f + e * 2.74254711e-1f));
  return root + root * e * p;
}

/// The float nearest to bits.
inline float nearest_float(std::uint32_t bits) {
#if defined(__AVX512F__)
  return static_cast<float>(bits);
#else  // without an instruction for it: both halves and the product are exact, the sum is rounded
  return static_cast<float>(static_cast<std::int32_t>(bits >> 8)) * 256.0f +
         static_cast<float>(static_cast<std::int32_t>(bits & 0xFF));
#endif
}

/// -2 ln u for u = (bits + 1) / 2^32 in (0, 1]: the square of Box and Muller's radius.
inline float squared_radius(std::uint32_t bits) {
  // Split as 2^32 u = m 2^(e + 32) with m in [sqrt(1/2), sqrt(2)).
  constexpr std::uint32_t root = 0x3F3504F3u;  // sqrt(1/2)
  const auto raw = std::bit_cast<std::uint32_t>(nearest_float(bits) + 1.0f) - (root + (32u << 23));
  const auto e = static_cast<float>(static_cast<std::int32_t>(raw) >> 23);
  const float f = std::bit_cast<float>((raw & 0x007FFFFFu) + root) - 1.0f;
  // -2 ln(1 + f) = -2 f + f^2 P(f), P the polynomial of least greatest error, 8e-8.
  const float high =
      ((2.00692346e-1f * f - 3.26712835e-1f) * f + 3.46519876e-1f) * f - 3.97765549e-1f;
  const float p = ((high * f + 4.99229305e-1f) * f - 6.66705228e-1f) * f + 1.00001169f;
  return e * -1.38629436111989062f + f * (f * p - 2.0f);
}

struct NormalPair {
  float first, second;
};

/// The point of that radius at the angle 2 pi bits / 2^32.
inline NormalPair at_angle(float radius, std::uint32_t bits) {
  // The nearest quarter turn in the first two bits of b, exactly, and a rest in [-pi/4, pi/4].
  const std::uint32_t b = bits + 0x20000000u;
  const float x =
      static_cast<float>(static_cast<std::int32_t>(bits << 2)) * (1.57079632679489662f * 0x1p-32f);
  const float x2 = x * x;  // polynomials of least greatest error, 4e-9 and 4e-8
  const float sin = x + x * x2 * (-1.66666549e-1f + x2 * (8.33217815e-3f + x2 * -1.95172989e-4f));
  const float cos = 1.0f + x2 * (-4.99998948e-1f + x2 * (4.16562946e-2f + x2 * -1.35978231e-3f));
  // By bits: compilers make branches of conditions here, and no vector code.
  const auto bits_of = [](float z) { return std::bit_cast<std::uint32_t>(z); };
  const auto made_of = [](std::uint32_t z) { return std::bit_cast<float>(z); };
  const std::uint32_t swap = 0u - (b >> 30 & 1u);
  const std::uint32_t exchange = (bits_of(sin) ^ bits_of(cos)) & swap;
  const auto flip = [&](std::uint32_t by) { return made_of(bits_of(radius) ^ (by & 0x80000000u)); };
  return {flip(b + 0x40000000u) * made_of(bits_of(cos) ^ exchange),
          flip(b) * made_of(bits_of(sin) ^ exchange)};
}

/// Two independent standard normals from two 32-bit words (Box & Muller 1958): |z| < 6.7. In float
/// whatever the tensor's type, without branches and without the C library's functions, so that
/// loops over it become vector code; builds differ by rounding alone. Errors stay below 1e-6 where
/// the radius is above 0.1 (tested against double), less than a sample of any size can show.
inline NormalPair box_muller(std::uint32_t radius_bits, std::uint32_t angle_bits) {
  return at_angle(square_root(squared_radius(radius_bits)), angle_bits);
}

}  // namespace foglift::inline v0
