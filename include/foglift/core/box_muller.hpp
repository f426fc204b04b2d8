#pragma once

#include "foglift/version.hpp"

#include <bit>
#include <cstdint>

namespace foglift {
inline namespace v0 {

/// Square root of x >= 0 by Newton's iteration on 1 / sqrt(x), to about 2 ulp. std::sqrt may set
/// errno, and a loop over it is then not vectorized unless the whole program is compiled with
/// -fno-math-errno.
inline float square_root(float x) {
  float y = std::bit_cast<float>(0x5F375A86u - (std::bit_cast<std::uint32_t>(x) >> 1));
  for (int i = 0; i < 4; ++i) y *= 1.5f - (0.5f * x * y) * y;
  return x * y;
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
  // Split as u = m 2^e with m in [sqrt(1/2), sqrt(2)).
  const float u = (nearest_float(bits) + 1.0f) * 0x1p-32f;
  const auto raw = std::bit_cast<std::uint32_t>(u) - 0x3F3504F3u;  // offset by sqrt(1/2)
  const auto e = static_cast<float>(static_cast<std::int32_t>(raw) >> 23);
  const float m = std::bit_cast<float>((raw & 0x007FFFFFu) + 0x3F3504F3u);
  // ln m = 2 artanh(s), s = (m - 1) / (m + 1) in [-0.172, 0.172]; the series' next term is below
  // 3e-9.
  const float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
  const float series = ((2.0f / 9 * s2 + 2.0f / 7) * s2 + 2.0f / 5) * s2 + 2.0f / 3;
  const float ln = e * 0.693147180559945f + (2.0f * s + s * s2 * series);
  return -2.0f * ln;
}

struct NormalPair {
  float first, second;
};

/// The point of that radius at the angle 2 pi bits / 2^32.
inline NormalPair at_angle(float radius, std::uint32_t bits) {
  // The nearest quarter turn in the first two bits of b, exactly, and a rest in [-pi/4, pi/4].
  const std::uint32_t b = bits + 0x20000000u;
  const float x = static_cast<float>(static_cast<std::int32_t>(b & 0x3FFFFFFFu) - 0x20000000) *
                  (1.57079632679489662f * 0x1p-30f);
  const float x2 = x * x;  // Taylor series; the next terms are below 2e-9 and 3e-8 at pi/4
  const float sin =
      x + x * x2 * (-1.0f / 6 + x2 * (1.0f / 120 + x2 * (-1.0f / 5040 + x2 * (1.0f / 362880))));
  const float cos =
      1.0f + x2 * (-0.5f + x2 * (1.0f / 24 + x2 * (-1.0f / 720 + x2 * (1.0f / 40320))));
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
/// loops over it become vector code; builds differ by rounding alone. Errors stay below 3e-6 where
/// the radius is above 0.1 (tested against double), less than a sample of any size can show.
inline NormalPair box_muller(std::uint32_t radius_bits, std::uint32_t angle_bits) {
  return at_angle(square_root(squared_radius(radius_bits)), angle_bits);
}

}  // namespace v0
}  // namespace foglift
