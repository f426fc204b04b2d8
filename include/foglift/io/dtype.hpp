#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/half.hpp"
#include "foglift/core/scalar.hpp"

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

namespace foglift {
inline namespace v0 {
namespace io {

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
  if constexpr (std::same_as<U, float>)
    return DType::f32;
  else if constexpr (std::same_as<U, double>)
    return DType::f64;
  else if constexpr (std::same_as<U, std::int8_t>)
    return DType::i8;
  else if constexpr (std::same_as<U, std::uint8_t>)
    return DType::u8;
  else if constexpr (std::same_as<U, std::int16_t>)
    return DType::i16;
  else if constexpr (std::same_as<U, std::uint16_t>)
    return DType::u16;
  else if constexpr (std::same_as<U, std::int32_t>)
    return DType::i32;
  else if constexpr (std::same_as<U, std::uint32_t>)
    return DType::u32;
  else if constexpr (sizeof(U) == 8 && std::signed_integral<U>)
    return DType::i64;
  else {
    static_assert(sizeof(U) == 8 && std::unsigned_integral<U>, "no safetensors type stores this");
    return DType::u64;
  }
}

/// Writes the elements stored in `bytes` to `to`, which has room for them, as numbers: floating
/// types widen exactly, integers and F64 round to nearest, BOOL becomes 0 or 1. False for a type
/// that is no plain number (complex, 4, 6 and 8 bit floats).
template <Scalar T>
bool decode(DType dtype, std::span<const std::byte> bytes, T* to) {
  const auto each = [&]<class Stored>(Stored, auto&& value) {
    for (std::size_t i = 0; i < bytes.size() / sizeof(Stored); ++i) {
      Stored stored;
      std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      to[i] = static_cast<T>(value(stored));
    }
    return true;
  };
  const auto same = [](auto stored) { return stored; };
  switch (dtype) {
    case DType::f32:
      return each(float{}, same);
    case DType::f64:
      return each(double{}, same);
    case DType::f16:
      return each(std::uint16_t{}, float_from_half);
    case DType::bf16:
      return each(std::uint16_t{}, float_from_bfloat16);
    case DType::i8:
      return each(std::int8_t{}, same);
    case DType::i16:
      return each(std::int16_t{}, same);
    case DType::i32:
      return each(std::int32_t{}, same);
    case DType::i64:
      return each(std::int64_t{}, same);
    case DType::u8:
      return each(std::uint8_t{}, same);
    case DType::u16:
      return each(std::uint16_t{}, same);
    case DType::u32:
      return each(std::uint32_t{}, same);
    case DType::u64:
      return each(std::uint64_t{}, same);
    case DType::boolean:
      return each(std::uint8_t{}, [](std::uint8_t b) { return b ? 1 : 0; });
    default:
      return false;
  }
}

/// Flat index of the first element that is infinite or not a number; nothing for other types.
inline std::optional<std::size_t> first_non_finite(DType dtype, std::span<const std::byte> bytes) {
  const auto search = [&]<class Stored>(Stored, auto&& value) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < bytes.size() / sizeof(Stored); ++i) {
      Stored stored;
      std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
      if (!std::isfinite(value(stored))) return i;
    }
    return std::nullopt;
  };
  const auto same = [](auto stored) { return stored; };
  switch (dtype) {
    case DType::f32:
      return search(float{}, same);
    case DType::f64:
      return search(double{}, same);
    case DType::f16:
      return search(std::uint16_t{}, float_from_half);
    case DType::bf16:
      return search(std::uint16_t{}, float_from_bfloat16);
    default:
      return std::nullopt;
  }
}

}  // namespace io
}  // namespace v0
}  // namespace foglift
