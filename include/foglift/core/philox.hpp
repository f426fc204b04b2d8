#pragma once

#include "foglift/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace foglift::inline v0 {

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

#pragma GCC diagnostic push
#if !defined(__clang__)  // g++ 12 warns of what its own AVX-512 header has inlined here
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
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
#pragma GCC diagnostic pop

}  // namespace detail

/// The counters {*, c1, c2, c3} under a key: what they have in common is computed once.
class PhiloxRow {
 public:
  static constexpr std::size_t lanes = 16;
  static constexpr std::size_t block = 4 * lanes;

  PhiloxRow(std::uint32_t c1, std::uint32_t c2, std::uint32_t c3, std::uint64_t key) {
    auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (auto& k : keys_) {
      k = {k0, k1};
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    // Half of the first two rounds is the same for all counters: it goes into their keys.
    const std::uint64_t p1 = std::uint64_t{m1} * c2;
    const auto a0 = static_cast<std::uint32_t>((p1 >> 32) ^ c1 ^ keys_[0][0]);
    word3_ = std::uint64_t{m0} * a0;
    keys_[0][1] ^= c3;
    keys_[1][0] ^= p1;
    keys_[1][1] ^= word3_ >> 32;
  }

  /// Blocks of 16 counters from `first` on: words[64 b + 16 i + j] becomes word i of the counter
  /// first + 16 b + j. Not inlined: compilers then lose themselves in rearranging the keys, and a
  /// tenth of the speed (benchmark normal_philox).
  [[gnu::noinline]] void write(std::uint32_t first, std::span<std::uint32_t> words) const {
    constexpr std::size_t together = sizeof(detail::Wide) == 64 ? 2 : 1;  // what registers hold
    std::size_t at = 0;
    const auto counter = [&] { return first + static_cast<std::uint32_t>(at / 4); };
    for (; at + together * block <= words.size(); at += together * block)
      some<together>(counter(), &words[at]);
    for (; at < words.size(); at += block) some<1>(counter(), &words[at]);
  }

 private:
  static constexpr std::uint32_t m0 = 0xD2511F53, m1 = 0xCD9E8D57;
  static constexpr std::size_t rounds = 10;

  /// n blocks, in 8 n registers.
  template <std::size_t n>
  void some(std::uint32_t first, std::uint32_t* words) const {
    using detail::Wide;
    static_assert(std::endian::native == std::endian::little, "low halves come first");
    constexpr std::size_t width = sizeof(Wide) / 8;
    alignas(64) static constexpr std::array<std::uint64_t, lanes / 2> evens = {0, 2,  4,  6,
                                                                               8, 10, 12, 14};
    for (std::size_t j = 0; j < lanes; j += 2 * width) {
      // Words in the low halves; what stands in the high ones is of no account. The even counters
      // in one register and the odd ones in the next: together they fill one. A register's latency
      // hides behind the others' work.
      Wide w[2 * n][4];
      for (std::size_t k = 0; k < n; ++k) {
        Wide& even = w[2 * k][0];
        std::memcpy(&even, &evens[j / 2], sizeof(Wide));
        even += first + k * lanes;
        w[2 * k + 1][0] = even + 1;
      }
      for (auto& x : w) {
        const Wide y0 = detail::product(x[0], m0);
        const Wide y1 = detail::product((y0 >> 32) ^ keys_[0][1], m1);
        x[0] = (y1 >> 32) ^ keys_[1][0];
        x[1] = y1;
        x[2] = y0 ^ keys_[1][1];
        x[3] = Wide{} + word3_;
      }
      for (std::size_t round = 2; round < rounds; ++round)
        for (auto& x : w) {
          const Wide y0 = detail::product(x[0], m0), y1 = detail::product(x[2], m1);
          x[0] = (y1 >> 32) ^ x[1] ^ keys_[round][0];
          x[1] = y1;
          x[2] = (y0 >> 32) ^ x[3] ^ keys_[round][1];
          x[3] = y0;
        }
      for (std::size_t k = 0; k < n; ++k)
        for (std::size_t i = 0; i < 4; ++i) {
          const Wide both = (w[2 * k][i] & 0xFFFFFFFF) | (w[2 * k + 1][i] << 32);
          std::memcpy(&words[k * block + i * lanes + j], &both, sizeof(Wide));
        }
    }
  }

  std::array<std::array<std::uint64_t, 2>, rounds> keys_;
  std::uint64_t word3_;  // of all counters after two rounds
};

}  // namespace foglift::inline v0
