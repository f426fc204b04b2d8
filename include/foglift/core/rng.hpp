#pragma once

#include "foglift/core/box_muller.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/philox.hpp"
#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace foglift {
inline namespace v0 {

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

  /// Standard normals for one sample, by Box & Muller's transform.
  template <Scalar T>
  void fill_normal(std::span<T> out, std::uint64_t sample, std::uint32_t step) const {
    fill(out, sample, step, [](const PhiloxBlock& block, T* z, std::size_t count) {
      // Step by step for all numbers: one's long chain of dependent operations hides behind
      // another's.
      constexpr std::size_t lanes = PhiloxBlock::lanes;
      alignas(64) std::array<std::array<float, lanes>, 2> radius;
      for (std::size_t i = 0; i < count; i += 2)
        for (std::size_t j = 0; j < lanes; ++j)
          radius[i / 2][j] = squared_radius(block.words[i][j]);
      for (std::size_t i = 0; i < count; i += 2)
        for (std::size_t j = 0; j < lanes; ++j) radius[i / 2][j] = square_root(radius[i / 2][j]);
      for (std::size_t i = 0; i < count; i += 2)
        for (std::size_t j = 0; j < lanes; ++j) {
          const NormalPair p = at_angle(radius[i / 2][j], block.words[i + 1][j]);
          z[i * lanes + j] = static_cast<T>(p.first);
          z[(i + 1) * lanes + j] = static_cast<T>(p.second);
        }
    });
  }
  /// Uniforms in [0, 1) for one sample; 24 bits, so that float holds them exactly and never rounds
  /// up to 1.
  template <Scalar T>
  void fill_uniform(std::span<T> out, std::uint64_t sample, std::uint32_t step) const {
    fill(out, sample, step, [](const PhiloxBlock& block, T* u, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < PhiloxBlock::lanes; ++j)
          u[i * PhiloxBlock::lanes + j] = static_cast<T>(
              static_cast<float>(static_cast<std::int32_t>(block.words[i][j] >> 8)) * 0x1p-24f);
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

  /// Blocks of 64 numbers: transform(block, to, words) writes 16 for each of its words. Of the last
  /// block only as many words as are asked for, in pairs; an element's bits do not depend on that.
  template <class T, class F>
  void fill(std::span<T> out, std::uint64_t sample, std::uint32_t step, F transform) const {
    constexpr std::size_t lanes = PhiloxBlock::lanes;
    const auto block = [&](std::size_t at) {
      return PhiloxBlock(static_cast<std::uint32_t>(at / 4), step,
                         static_cast<std::uint32_t>(sample),
                         static_cast<std::uint32_t>(sample >> 32), key_);
    };
    std::size_t at = 0;
    for (; at + 4 * lanes <= out.size(); at += 4 * lanes) transform(block(at), out.data() + at, 4);
    if (at == out.size()) return;
    alignas(64) std::array<T, 4 * lanes> last;
    const std::size_t n = out.size() - at;
    transform(block(at), last.data(), n > 2 * lanes ? 4 : 2);
    std::copy_n(last.data(), n, out.data() + at);
  }

  template <class T, class F>
  static Tensor<T> rows(Shape shape, std::uint64_t first_sample, F fill_row) {
    auto out = Tensor<T>::uninitialized(shape);
    const Index n = out.row_size(), batch = shape.rank() ? shape[0] : 1;
    parallel_for(batch, grain_of(n), [&](Index b) {
      fill_row(std::span<T>(out.data() + b * n, static_cast<std::size_t>(n)),
               first_sample + static_cast<std::uint64_t>(b));
    });
    return out;
  }

  std::uint64_t key_;
  std::uint64_t children_ = 0;
};

}  // namespace v0
}  // namespace foglift
