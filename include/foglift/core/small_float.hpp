#pragma once

#include "foglift/core/half.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace foglift::inline v0 {

/// What a small floating type does with the codes beyond its finite numbers.
enum class SmallFloatKind {
  ieee,           ///< the largest exponent is infinity and NaN
  finite,         ///< no infinity; NaN where all bits but the sign are set
  unsigned_zero,  ///< no infinity and no -0, whose code is the only NaN
  bounded         ///< numbers alone
};

/// A floating type of at most eight bits: a sign, exponent bits with their bias, fraction bits.
struct SmallFloat {
  int exponent_bits = 0;
  int fraction_bits = 0;
  int bias = 0;
  SmallFloatKind kind = SmallFloatKind::ieee;

  /// The value of a code, exactly.
  constexpr float value(unsigned code) const {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    const unsigned sign_bit = 1u << (exponent_bits + fraction_bits);
    const unsigned magnitude = code & (sign_bit - 1), largest = sign_bit - 1;
    const float sign = code & sign_bit ? -1.f : 1.f;
    const unsigned exponent = magnitude >> fraction_bits;
    const unsigned fraction = magnitude & ((1u << fraction_bits) - 1);
    if (kind == SmallFloatKind::unsigned_zero && code == sign_bit) return nan;
    if (kind == SmallFloatKind::finite && magnitude == largest) return nan;
    if (kind == SmallFloatKind::ieee && exponent == largest >> fraction_bits)
      return fraction ? nan : sign * std::numeric_limits<float>::infinity();
    // Numbers of exponent 0 have no leading one, and the scale of exponent 1.
    const unsigned significand = exponent ? fraction | 1u << fraction_bits : fraction;
    float result = sign * static_cast<float>(significand);
    int power = static_cast<int>(exponent ? exponent : 1) - bias - fraction_bits;
    for (; power > 0; --power) result *= 2;
    for (; power < 0; ++power) result /= 2;
    return result;
  }

  /// The values of all codes of `bits` bits.
  template <int Bits>
  constexpr std::array<float, std::size_t{1} << Bits> table() const {
    std::array<float, std::size_t{1} << Bits> values{};
    for (unsigned code = 0; code < values.size(); ++code) values[code] = value(code);
    return values;
  }
};

/// Values by code of the types of the OCP formats (8-bit floating point 1.0; microscaling 1.0) and
/// of the two without signed zero (Noune et al. 2022).
inline constexpr auto float8_e5m2 = SmallFloat{5, 2, 15, SmallFloatKind::ieee}.table<8>();
inline constexpr auto float8_e4m3 = SmallFloat{4, 3, 7, SmallFloatKind::finite}.table<8>();
inline constexpr auto float8_e4m3fnuz =
    SmallFloat{4, 3, 8, SmallFloatKind::unsigned_zero}.table<8>();
inline constexpr auto float8_e5m2fnuz =
    SmallFloat{5, 2, 16, SmallFloatKind::unsigned_zero}.table<8>();
inline constexpr auto float4_e2m1 = SmallFloat{2, 1, 1, SmallFloatKind::bounded}.table<4>();

/// The value of a scale of eight exponent bits: 2^(code - 127), NaN for the last.
inline float float_from_e8m0(std::uint8_t code) {
  if (code == 0xFF) return std::numeric_limits<float>::quiet_NaN();
  return code == 0 ? 0x1p-127f : float_from_bfloat16(static_cast<std::uint16_t>(code << 7));
}

}  // namespace foglift::inline v0
