#pragma once

#include "foglift/version.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace foglift {
inline namespace v0 {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): ten rounds
/// that map a 128-bit counter and a 64-bit key to 128 random bits.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

namespace detail {

/// 32-bit numbers in the low halves of 64-bit lanes, as many as fill a register.
#if defined(__AVX512F__)
inline constexpr std::size_t wide_bytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t wide_bytes = 32;
#else
inline constexpr std::size_t wide_bytes = 16;
#endif
using Wide = std::uint64_t __attribute__((vector_size(wide_bytes)));

/// The 64-bit products of the low halves. The one instruction that plain code does not lead to:
/// compilers multiply all 64 bits, which takes several times as long.
inline Wide product(Wide a, std::uint32_t b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Wide>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), _mm512_set1_epi64(static_cast<long long>(b))));
#elif defined(__AVX2__)
  return reinterpret_cast<Wide>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a),
                                                 _mm256_set1_epi64x(static_cast<long long>(b))));
#else
  return (a & 0xFFFFFFFF) * b;
#endif
}

}  // namespace detail

/// Words of 16 consecutive counters at once, word by word: words[i][j] is word i of counter j.
struct PhiloxBlock {
  static constexpr std::size_t lanes = 16;
  alignas(64) std::array<std::array<std::uint32_t, lanes>, 4> words;

  /// Counters {first + j, c1, c2, c3} for lanes j.
  PhiloxBlock(std::uint32_t first, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
              std::uint64_t key) {
    using detail::Wide;
    constexpr std::uint32_t m0 = 0xD2511F53, m1 = 0xCD9E8D57, w0 = 0x9E3779B9, w1 = 0xBB67AE85;
    alignas(64) static constexpr std::array<std::uint64_t, lanes> numbers = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const auto key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
    // Half of the first two rounds is the same for all counters.
    const std::uint64_t p1 = std::uint64_t{m1} * c2;
    const auto a0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ key0;
    const auto a1 = static_cast<std::uint32_t>(p1);
    const std::uint64_t p0 = std::uint64_t{m0} * a0;
    const auto a2 = static_cast<std::uint32_t>(p0 >> 32) ^ (key1 + w1);
    const auto a3 = static_cast<std::uint32_t>(p0);

    constexpr std::size_t width = sizeof(Wide) / 8, count = std::min<std::size_t>(2, lanes / width);
    for (std::size_t j = 0; j < lanes; j += count * width) {
      // Words in the low halves; what stands in the high ones is of no account. Two registers a
      // word, so that one's latency hides behind the other's work.
      Wide w[count][4];
      for (std::size_t v = 0; v < count; ++v) {
        std::memcpy(&w[v][0], &numbers[j + v * width], sizeof(Wide));
        const Wide first_product = detail::product(w[v][0] + first, m0);
        const Wide second = detail::product((first_product >> 32) ^ (c3 ^ key1), m1);
        w[v][0] = (second >> 32) ^ (a1 ^ (key0 + w0));
        w[v][1] = second;
        w[v][2] = first_product ^ a2;
        w[v][3] = Wide{} + a3;
      }
      std::uint32_t k0 = key0 + 2 * w0, k1 = key1 + 2 * w1;
      for (int round = 2; round < 10; ++round) {
        for (auto& x : w) {
          const Wide y0 = detail::product(x[0], m0), y1 = detail::product(x[2], m1);
          x[0] = (y1 >> 32) ^ x[1] ^ k0;
          x[1] = y1;
          x[2] = (y0 >> 32) ^ x[3] ^ k1;
          x[3] = y0;
        }
        k0 += w0;
        k1 += w1;
      }
      for (std::size_t v = 0; v < count; ++v)
        for (std::size_t i = 0; i < 4; ++i)
          for (std::size_t k = 0; k < width; ++k)
            words[i][j + v * width + k] = static_cast<std::uint32_t>(w[v][i][k]);
    }
  }
};

}  // namespace v0
}  // namespace foglift
