#pragma once

#include "foglift/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

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

/// Words of 16 consecutive counters at once, word by word: words[i][j] is word i of counter j. 16
/// lanes of 32 bits are one AVX-512 register and two AVX2 ones, so that the compiler turns each
/// line into vector instructions.
struct PhiloxBlock {
  static constexpr std::size_t lanes = 16;
  alignas(64) std::array<std::array<std::uint32_t, lanes>, 4> words;

  /// Counters {first + j, c1, c2, c3} for lanes j.
  PhiloxBlock(std::uint32_t first, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
              std::uint64_t key) {
    for (std::size_t j = 0; j < lanes; ++j) {
      words[0][j] = first + static_cast<std::uint32_t>(j);
      words[1][j] = c1;
      words[2][j] = c2;
      words[3][j] = c3;
    }
    auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      for (std::size_t j = 0; j < lanes; ++j) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53} * words[0][j];
        const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * words[2][j];
        words[0][j] = static_cast<std::uint32_t>(p1 >> 32) ^ words[1][j] ^ k0;
        words[1][j] = static_cast<std::uint32_t>(p1);
        words[2][j] = static_cast<std::uint32_t>(p0 >> 32) ^ words[3][j] ^ k1;
        words[3][j] = static_cast<std::uint32_t>(p0);
      }
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
  }
};

}  // namespace v0
}  // namespace foglift
