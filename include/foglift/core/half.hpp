#pragma once

#include "foglift/version.hpp"

#include <bit>
#include <cstdint>

namespace foglift::inline v0 {

/// The value of an IEEE 754 binary16 number, exactly; NaN keeps its payload.
inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1Fu;
  const std::uint32_t fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 0xFFu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// The value of a bfloat16 number: the upper half of a float.
inline float float_from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

namespace detail {

/// A double rounded to the nearest number of an IEEE 754 type of 16 bits, ties to even, once: by
/// way of float, 1 + 2^-8 + 2^-30 would become 1 in bfloat16. NaN keeps its sign and upper payload.
template <int FractionBits>
std::uint16_t narrow(double value) {
  constexpr int double_fraction = 52, double_bias = 1023;
  constexpr int exponent_bits = 15 - FractionBits;
  constexpr int least = 2 - (1 << (exponent_bits - 1));  // exponent of the smallest normal number
  constexpr std::uint64_t infinity = ((std::uint64_t{1} << exponent_bits) - 1) << FractionBits;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t sign = bits >> 63 << 15;
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << double_fraction) - 1);
  const int stored = static_cast<int>(bits >> double_fraction & 0x7FF);
  if (stored == 0x7FF) {
    const std::uint64_t quiet = std::uint64_t{1} << (FractionBits - 1);
    const std::uint64_t nan = fraction ? fraction >> (double_fraction - FractionBits) | quiet : 0;
    return static_cast<std::uint16_t>(sign | infinity | nan);
  }
  const int exponent = stored - double_bias;  // all subnormal doubles round to zero as they stand
  if (exponent >= (1 << (exponent_bits - 1))) return static_cast<std::uint16_t>(sign | infinity);
  const int below = exponent < least ? least - exponent : 0;
  const int shift = double_fraction - FractionBits + below;
  if (shift > double_fraction + 1) return static_cast<std::uint16_t>(sign);
  const std::uint64_t significand = fraction | std::uint64_t{1} << double_fraction;
  const std::uint64_t half = (std::uint64_t{1} << (shift - 1)) - 1;
  const std::uint64_t rounded = (significand + half + (significand >> shift & 1)) >> shift;
  // The leading one of a normal number counts the exponent up by one, as does a carry.
  const auto scale = static_cast<std::uint64_t>(exponent + below - least) << FractionBits;
  return static_cast<std::uint16_t>(sign | (scale + rounded));
}

}  // namespace detail

/// The nearest binary16 number, ties to even; infinity from 65520 on.
inline std::uint16_t half_from(double value) { return detail::narrow<10>(value); }

/// The nearest bfloat16 number, ties to even; infinity from 255.5 * 2^120 on.
inline std::uint16_t bfloat16_from(double value) { return detail::narrow<7>(value); }

}  // namespace foglift::inline v0
