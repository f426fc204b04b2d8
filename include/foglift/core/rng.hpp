#pragma once

#include "foglift/core/tensor.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

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

/// Counter-based random numbers: a value that holds a key and no position. What is drawn depends on
/// (seed, stream, sample, step, element) alone, so a sample's noise is the same whatever its batch,
/// its companions or the thread that draws it. Float and double tensors get the same numbers.
///
///   Rng rng(7);
///   auto noise = rng.stream(1).normal<float>({64, 96, 1}, /*first_sample=*/128, /*step=*/3);
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : key_(mix(seed)) {}

  /// The generator of a labelled stream under this one: independent for every label.
  Rng stream(std::uint64_t label) const {
    return Rng(Key{}, mix(key_ ^ mix(label + 0x632BE59BD9B4E019)));
  }
  /// The next unlabelled child: 0, 1, 2, ... in order of the calls. For code that needs many
  /// streams in a fixed order, like the initialization of a network.
  Rng split() { return stream(0x5EED000000000000 + children_++); }

  std::uint64_t key() const { return key_; }

  /// Four 32-bit words at (sample, step, block).
  std::array<std::uint32_t, 4> bits(std::uint64_t sample, std::uint32_t step,
                                    std::uint32_t block) const {
    return philox(
        {block, step, static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
        key_);
  }

  /// One uniform number in [0, 1) with 53 bits.
  double uniform(std::uint64_t sample, std::uint32_t step = 0) const {
    const auto w = bits(sample, step, 0);
    return static_cast<double>((std::uint64_t{w[0]} << 21) ^ (w[1] >> 11)) * 0x1p-53;
  }
  /// One integer uniform in [0, n); bias below n / 2^53. Throws ArgumentError for n <= 0.
  Index index(Index n, std::uint64_t sample, std::uint32_t step = 0) const {
    if (n <= 0) raise<ArgumentError>("Rng::index: n = ", n, ", must be positive");
    return static_cast<Index>(uniform(sample, step) * static_cast<double>(n));
  }

  /// Standard normals for one sample (Box & Muller 1958, on 32-bit uniforms: |z| < 6.7).
  template <Scalar T>
  void fill_normal(std::span<T> out, std::uint64_t sample, std::uint32_t step) const {
    fill(out, sample, step, [](const std::array<std::uint32_t, 4>& w) {
      std::array<T, 4> z;
      for (std::size_t i = 0; i < 4; i += 2) {
        const double radius = std::sqrt(-2 * std::log((w[i] + 1.0) * 0x1p-32));
        const double angle = w[i + 1] * (0x1p-32 * 6.283185307179586);
        z[i] = static_cast<T>(radius * std::cos(angle));
        z[i + 1] = static_cast<T>(radius * std::sin(angle));
      }
      return z;
    });
  }
  /// Uniforms in [0, 1) for one sample; 24 bits, so that float holds them exactly and never rounds
  /// up to 1.
  template <Scalar T>
  void fill_uniform(std::span<T> out, std::uint64_t sample, std::uint32_t step) const {
    fill(out, sample, step, [](const std::array<std::uint32_t, 4>& w) {
      std::array<T, 4> u;
      for (std::size_t i = 0; i < 4; ++i) u[i] = static_cast<T>(w[i] >> 8) * T(0x1p-24);
      return u;
    });
  }

  /// A tensor [B, ...] of standard normals; row b belongs to sample first_sample + b.
  template <Scalar T = float>
  Tensor<T> normal(Shape shape, std::uint64_t first_sample = 0, std::uint32_t step = 0) const {
    return rows<T>(shape, first_sample,
                   [&](std::span<T> row, std::uint64_t sample) { fill_normal(row, sample, step); });
  }
  /// A tensor [B, ...] of uniforms in [0, 1); row b belongs to sample first_sample + b.
  template <Scalar T = float>
  Tensor<T> uniform(Shape shape, std::uint64_t first_sample = 0, std::uint32_t step = 0) const {
    return rows<T>(shape, first_sample, [&](std::span<T> row, std::uint64_t sample) {
      fill_uniform(row, sample, step);
    });
  }

 private:
  struct Key {};
  Rng(Key, std::uint64_t key) : key_(key) {}

  /// SplitMix64's output function (Steele et al. 2014): a bijection that spreads close seeds apart.
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  template <class T, class F>
  void fill(std::span<T> out, std::uint64_t sample, std::uint32_t step, F transform) const {
    for (std::size_t at = 0; at < out.size(); at += 4) {
      const std::array<T, 4> v = transform(bits(sample, step, static_cast<std::uint32_t>(at / 4)));
      for (std::size_t i = 0; i < 4 && at + i < out.size(); ++i) out[at + i] = v[i];
    }
  }

  template <class T, class F>
  static Tensor<T> rows(Shape shape, std::uint64_t first_sample, F fill_row) {
    auto out = Tensor<T>::uninitialized(shape);
    const Index n = out.row_size(), batch = shape.rank() ? shape[0] : 1;
    for (Index b = 0; b < batch; ++b)
      fill_row(std::span<T>(out.data() + b * n, static_cast<std::size_t>(n)),
               first_sample + static_cast<std::uint64_t>(b));
    return out;
  }

  std::uint64_t key_;
  std::uint64_t children_ = 0;
};

}  // namespace v0
}  // namespace foglift
