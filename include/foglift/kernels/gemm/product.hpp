#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/kernels/packet.hpp"

#include <array>
#include <bit>
#include <cstdint>

namespace foglift::inline v0::kernels::detail {

// What a tile of a product adds in one step: `depth` elements of a row of A times as many rows of
// B. left() reads the former, right() a packet of columns of the latter.

/// One multiply-add a lane.
template <Scalar T>
struct Single {
  static constexpr Index depth = 1;
  using Left = Packet<T>;
  using Right = Packet<T>;

  [[gnu::always_inline]] static Left left(const T* a) { return broadcast(*a); }
  [[gnu::always_inline]] static Right right(const T* b) { return load_packet(b); }
  [[gnu::always_inline]] static Packet<T> add(Left a, Right b, Packet<T> sum) {
    return multiply_add(a, b, sum);
  }
};

/// Whether the machine multiplies pairs of bfloat16 numbers: twice the multiply-adds of floats.
#if defined(__AVX512BF16__)
inline constexpr bool pair_products = true;
#else
inline constexpr bool pair_products = false;
#endif

/// Unsigned words of a packet of floats.
typedef std::uint32_t Words __attribute__((vector_size(packet_bytes)));  // NOLINT

/// Two rows as pairs of bfloat16 numbers, the first row in the lower halves: the nearest ones, ties
/// to even; what is not a number stays so.
[[gnu::always_inline]] inline Packet<float> pairs(Packet<float> first, Packet<float> second) {
#if defined(__AVX512BF16__)
  constexpr auto from = [](int lane) { return lane / 2 + lane % 2 * 16; };
  const auto beside = std::bit_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
  const auto order = [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
    return std::bit_cast<__m512i>(std::array{static_cast<std::uint16_t>(from(Lane))...});
  }(std::make_integer_sequence<int, 32>{});
  return std::bit_cast<Packet<float>>(_mm512_permutexvar_epi16(order, beside));
#else
  const auto upper = [](Packet<float> x) {
    const Words bits = std::bit_cast<Words>(x);
    const Words nearest = bits + 0x7FFFu + (bits >> 16 & 1u);
    return (x == x ? nearest : bits | 0x400000u) & 0xFFFF0000u;
  };
  return std::bit_cast<Packet<float>>(upper(first) >> 16 | upper(second));
#endif
}

/// Stores the first n elements of a row of A, an even number of them, as Paired reads them, from
/// where the pair of the first one lies.
[[gnu::always_inline]] inline void store_pairs(Packet<float> x, Index n, float* out) {
#if defined(__AVX512BF16__)
  const auto rounded = _mm512_cvtneps_pbh(x);
  std::memcpy(out, &rounded, static_cast<std::size_t>(n) * 2);
#else
  std::memcpy(out, &x, static_cast<std::size_t>(n) * sizeof(float));
#endif
}

/// Two multiply-adds a lane: A's elements in pairs (LeftRows), B's as `pairs`, both in the memory
/// of floats. On a machine without pair products A is of floats, two adjacent ones a step, and B's
/// pairs are taken apart.
struct Paired {
  static constexpr Index depth = 2;

#if defined(__AVX512BF16__)
  using Left = __m512bh;
  using Right = __m512bh;

  [[gnu::always_inline]] static Left left(const float* a) {
    int bits;
    std::memcpy(&bits, a, sizeof bits);
    return std::bit_cast<Left>(_mm512_set1_epi32(bits));
  }
  [[gnu::always_inline]] static Right right(const float* b) {
    return std::bit_cast<Right>(load_packet(b));
  }
  [[gnu::always_inline]] static Packet<float> add(Left a, Right b, Packet<float> sum) {
    return _mm512_dpbf16_ps(sum, a, b);
  }
#else
  struct Left {
    Packet<float> first, second;
  };
  using Right = Left;

  [[gnu::always_inline]] static Left left(const float* a) {
    return {broadcast(a[0]), broadcast(a[1])};
  }
  [[gnu::always_inline]] static Right right(const float* b) {
    const Words both = std::bit_cast<Words>(load_packet(b));
    return {std::bit_cast<Packet<float>>(both << 16),
            std::bit_cast<Packet<float>>(both & 0xFFFF0000u)};
  }
  [[gnu::always_inline]] static Packet<float> add(const Left& a, const Right& b,
                                                  Packet<float> sum) {
    return multiply_add(a.second, b.second, multiply_add(a.first, b.first, sum));
  }
#endif
  /// Floats of memory that a step takes of a row of A.
  static constexpr Index left_size = pair_products ? 1 : 2;
};

}  // namespace foglift::inline v0::kernels::detail
