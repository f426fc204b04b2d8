#pragma once

#include "foglift/core/element.hpp"
#include "foglift/core/error.hpp"
#include "foglift/core/half.hpp"
#include "foglift/core/scalar.hpp"
#include "foglift/core/small_float.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace foglift::inline v0::io {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little-endian and are read without swapping bytes");

/// Element types of safetensors, in the order of the reference implementation: by growing
/// alignment.
enum class DType : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64
};

struct DTypeInfo {
  std::string_view name;
  unsigned bits;  // of one element
};

inline constexpr std::array<DTypeInfo, 22> dtype_table{{
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
}};

inline constexpr const DTypeInfo& info(DType dtype) {
  return dtype_table[static_cast<std::size_t>(dtype)];
}

/// The type of that name, if there is one.
inline std::optional<DType> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < dtype_table.size(); ++i)
    if (dtype_table[i].name == name) return static_cast<DType>(i);
  return std::nullopt;
}

/// The type that stores a C++ number as it is in memory.
template <class U>
constexpr DType dtype_of() {
  if constexpr (std::floating_point<U>) {
    static_assert(sizeof(U) == 4 || sizeof(U) == 8, "no safetensors type stores this");
    return sizeof(U) == 4 ? DType::f32 : DType::f64;
  } else {
    static_assert(std::integral<U> && sizeof(U) <= 8 && !std::same_as<U, bool>,
                  "no safetensors type stores this");
    constexpr std::array<DType, 4> with_sign{DType::i8, DType::i16, DType::i32, DType::i64},
        without{DType::u8, DType::u16, DType::u32, DType::u64};
    return (std::signed_integral<U> ? with_sign : without)[std::countr_zero(sizeof(U))];
  }
}

/// Calls f(count, element) for the elements stored in `bytes`, element(i) being the i-th as a
/// number: floating types widened to float exactly, or double, integers as they are, BOOL as 0
/// and 1. F4 has its first element in the low half of a byte, as PyTorch and ONNX pack it. False,
/// and no call, for a type that is no plain number: C64, and F6, whose packing no writer defines.
template <class F>
bool with_elements(DType dtype, std::span<const std::byte> bytes, F&& f) {
  const auto of = [&]<class Stored>(Stored, auto&& value) {
    f(bytes.size() / sizeof(Stored), [&](std::size_t i) {
      Stored stored;
      std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      return value(stored);
    });
    return true;
  };
  const auto same = [](auto stored) { return stored; };
  const auto in = [](const auto& table) {
    return [&table](std::uint8_t code) { return table[code]; };
  };
  const auto plain = [&](auto... stored) {
    return ((dtype == dtype_of<decltype(stored)>() && of(stored, same)) || ...);
  };
  if (plain(float{}, double{}, std::int8_t{}, std::int16_t{}, std::int32_t{}, std::int64_t{},
            std::uint8_t{}, std::uint16_t{}, std::uint32_t{}, std::uint64_t{}))
    return true;
  switch (dtype) {
    case DType::f16:
      return of(std::uint16_t{}, float_from_half);
    case DType::bf16:
      return of(std::uint16_t{}, float_from_bfloat16);
    case DType::f8_e5m2:
      return of(std::uint8_t{}, in(float8_e5m2));
    case DType::f8_e4m3:
      return of(std::uint8_t{}, in(float8_e4m3));
    case DType::f8_e5m2fnuz:
      return of(std::uint8_t{}, in(float8_e5m2fnuz));
    case DType::f8_e4m3fnuz:
      return of(std::uint8_t{}, in(float8_e4m3fnuz));
    case DType::f8_e8m0:
      return of(std::uint8_t{}, float_from_e8m0);
    case DType::f4:
      f(2 * bytes.size(), [&](std::size_t i) {
        return float4_e2m1[std::to_integer<unsigned>(bytes[i / 2]) >> i % 2 * 4 & 15u];
      });
      return true;
    case DType::boolean:
      return of(std::uint8_t{}, [](std::uint8_t b) { return b ? 1 : 0; });
    default:
      return false;
  }
}

/// Writes the elements stored in `bytes` to `to`, which has room for them: integers and F64 rounded
/// to nearest, everything else exactly. False for a type that is no plain number.
template <Element T>
bool decode(DType dtype, std::span<const std::byte> bytes, T* to) {
  return with_elements(dtype, bytes, [to](std::size_t count, auto&& element) {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<T>(element(i));
  });
}

/// Flat index of the first element that is infinite or not a number; nothing for other types.
inline std::optional<std::size_t> first_non_finite(DType dtype, std::span<const std::byte> bytes) {
  std::optional<std::size_t> first;
  with_elements(dtype, bytes, [&](std::size_t count, auto&& element) {
    if constexpr (std::is_floating_point_v<decltype(element(0))>)
      for (std::size_t i = 0; i < count && !first; ++i)
        if (!std::isfinite(element(i))) first = i;
  });
  return first;
}

/// Writes numbers as elements of a half type, F16 or BF16, rounded to nearest, ties to even; NaN
/// stays NaN and infinity infinity. Returns the index of the first finite number beyond the type,
/// if there is one.
template <Scalar T>
std::optional<std::size_t> encode_half(DType dtype, std::span<const T> from, std::uint16_t* to) {
  const bool half = dtype == DType::f16;
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = half ? half_from(from[i]) : bfloat16_from(from[i]);
    const float back = half ? float_from_half(to[i]) : float_from_bfloat16(to[i]);
    if (std::isinf(back) && std::isfinite(from[i])) return i;
  }
  return std::nullopt;
}

}  // namespace foglift::inline v0::io
