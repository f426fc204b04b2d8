#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace foglift::inline v0::kernels {

namespace detail {

// A vector register as the compilers' own vector type, on which +, -, *, /, comparisons and ?: act
// lane by lane on every machine. What they have no spelling for is here: a multiply-add that is
// rounded once, a square root without errno, and a transpose.

#if defined(__AVX512F__)
inline constexpr int packet_bytes = 64;
#elif defined(__AVX__)
inline constexpr int packet_bytes = 32;
#else
inline constexpr int packet_bytes = 16;
#endif

/// Whether the machine has 32 vector registers, or 16.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool many_registers = true;
#else
inline constexpr bool many_registers = false;
#endif

template <Scalar T>
struct PacketOf {
  typedef T type __attribute__((vector_size(packet_bytes)));  // NOLINT: `using` can not say it
};
template <Scalar T>
using Packet = typename PacketOf<T>::type;

/// Elements in a packet.
template <Scalar T>
inline constexpr int lanes = packet_bytes / int{sizeof(T)};

template <Scalar T>
[[gnu::always_inline]] inline Packet<T> load_packet(const T* x) {
  Packet<T> p;
  std::memcpy(&p, x, sizeof p);
  return p;
}
template <Scalar T>
[[gnu::always_inline]] inline void store_packet(Packet<T> p, T* y) {
  std::memcpy(y, &p, sizeof p);
}
template <Scalar T>
[[gnu::always_inline]] inline Packet<T> broadcast(T s) {
  return s - Packet<T>{};  // s - 0 is s, a negative 0 and not a number too
}

/// Whether multiply_add rounds once.
#if defined(__FMA__) || defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool fused_multiply_add = true;
#else
inline constexpr bool fused_multiply_add = false;
#endif

// a * b + c of each lane, rounded once where the machine can.
#if defined(__AVX512F__)
inline __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
inline __m512d multiply_add(__m512d a, __m512d b, __m512d c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__FMA__)
inline __m256 multiply_add(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
inline __m256d multiply_add(__m256d a, __m256d b, __m256d c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
inline float32x4_t multiply_add(float32x4_t a, float32x4_t b, float32x4_t c) {
  return vfmaq_f32(c, a, b);
}
inline float64x2_t multiply_add(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmaq_f64(c, a, b);
}
#else
inline Packet<float> multiply_add(Packet<float> a, Packet<float> b, Packet<float> c) {
  return a * b + c;
}
inline Packet<double> multiply_add(Packet<double> a, Packet<double> b, Packet<double> c) {
  return a * b + c;
}
#endif

// The square root of each lane, rounded correctly.
#if defined(__AVX512F__)
inline __m512 square_root(__m512 x) { return _mm512_sqrt_ps(x); }
#elif defined(__AVX__)
inline __m256 square_root(__m256 x) { return _mm256_sqrt_ps(x); }
#elif defined(__SSE2__)
inline __m128 square_root(__m128 x) { return _mm_sqrt_ps(x); }
#elif defined(__aarch64__)
inline float32x4_t square_root(float32x4_t x) { return vsqrtq_f32(x); }
#else
inline Packet<float> square_root(Packet<float> x) {
  for (int i = 0; i < lanes<float>; ++i) x[i] = std::sqrt(x[i]);
  return x;
}
#endif

// 1 / x of each lane to 2^-14 or better.
#if defined(__AVX512F__)
inline __m512 rough_reciprocal(__m512 x) { return _mm512_rcp14_ps(x); }
#else
inline Packet<float> rough_reciprocal(Packet<float> x) { return 1 / x; }
#endif

/// Deals units of `Unit` elements out of two rows, apart in each span of `Span` elements: the even
/// ones of both to the first row, the odd ones to the second. One instruction a row where a unit is
/// an element and a span 128 bits, or a unit 128 bits.
template <Scalar T, int Unit, int Span, int... Lane>
[[gnu::always_inline]] inline void deal(Packet<T>& a, Packet<T>& b,
                                        std::integer_sequence<int, Lane...>) {
  constexpr auto from = [](int lane, int odd) {
    const int half = Span / Unit / 2, unit = lane % Span / Unit;
    return unit / half * lanes<T> + lane / Span * Span + (unit % half * 2 + odd) * Unit +
           lane % Unit;
  };
  const Packet<T> even = __builtin_shufflevector(a, b, from(Lane, 0)...);
  b = __builtin_shufflevector(a, b, from(Lane, 1)...);
  a = even;
}

/// Transposes the two or four units in each span of as many rows, which stand `Unit` apart.
template <Scalar T, int Unit, int Span>
[[gnu::always_inline]] inline void transpose_units(Packet<T>* row) {
  const auto pair = [&](int i, int j) {
    deal<T, Unit, Span>(row[i * Unit], row[j * Unit], std::make_integer_sequence<int, lanes<T>>{});
  };
  if constexpr (Span / Unit == 2) {
    pair(0, 1);
  } else {
    static_assert(Span / Unit == 4);
    pair(0, 1);
    pair(2, 3);
    pair(0, 2);
    pair(1, 3);
  }
}

/// The transpose of a square block whose rows are packets: within 128 bits, then of parts of 128
/// bits.
template <Scalar T>
[[gnu::always_inline]] inline void transpose_packets(Packet<T>* row) {
  constexpr int S = lanes<T>, part = 16 / int{sizeof(T)};
#pragma GCC unroll 16
  for (int i = 0; i < S; i += part) transpose_units<T, 1, part>(row + i);
  if constexpr (S > part)
#pragma GCC unroll 16
    for (int i = 0; i < part; ++i) transpose_units<T, part, S>(row + i);
}

}  // namespace detail
}  // namespace foglift::inline v0::kernels
