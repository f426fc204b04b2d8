#pragma once

#include "foglift/core/box_muller.hpp"
#include "foglift/core/parallel.hpp"
#include "foglift/core/philox.hpp"
#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace foglift::inline v0 {

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
    fill(out, sample, step, normals<T>);
  }
  /// Uniforms in [0, 1) for one sample; 24 bits, so that float holds them exactly and never rounds
  /// up to 1.
  template <Scalar T>
  void fill_uniform(std::span<T> out, std::uint64_t sample, std::uint32_t step) const {
    fill(out, sample, step, uniforms<T>);
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
  static constexpr std::size_t lanes = PhiloxRow::lanes;
  Rng(Key, std::uint64_t key) : key_(key) {}

  /// SplitMix64's output function (Steele et al. 2014): a bijection that spreads close seeds apart.
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  /// 16 pairs of normals of 32 words. Not inlined: in a larger function the formula's constants
  /// find no registers.
  template <class T>
  [[gnu::noinline]] static void normals(std::span<const std::uint32_t> words, T* z) {
    for (std::size_t i = 0; i < words.size(); i += 2 * lanes)
      for (std::size_t j = i; j < i + lanes; ++j) {
        const NormalPair p = box_muller(words[j], words[j + lanes]);
        z[j] = static_cast<T>(p.first);
        z[j + lanes] = static_cast<T>(p.second);
      }
  }
  template <class T>
  static void uniforms(std::span<const std::uint32_t> words, T* u) {
    for (std::size_t i = 0; i < words.size(); ++i)
      u[i] =
          static_cast<T>(static_cast<float>(static_cast<std::int32_t>(words[i] >> 8)) * 0x1p-24f);
  }

  /// 512 numbers at a time, so that the work on some hides the latency of others:
  /// transform(words, to) makes a number of each of the words, 32 of them or a multiple. Of the
  /// last 32 as many are kept as are asked for; an element's bits do not depend on that.
  template <class T, class F>
  void fill(std::span<T> out, std::uint64_t sample, std::uint32_t step, F transform) const {
    constexpr std::size_t block = PhiloxRow::block, pairs = 2 * lanes, chunk = 8 * block;
    const PhiloxRow row(step, static_cast<std::uint32_t>(sample),
                        static_cast<std::uint32_t>(sample >> 32), key_);
    alignas(64) std::array<std::uint32_t, chunk> buffer;
    for (std::size_t at = 0; at < out.size(); at += chunk) {
      const std::size_t n = std::min(out.size() - at, chunk), rest = n % pairs, whole = n - rest;
      const std::span words(buffer.data(), (n + block - 1) / block * block);
      row.write(static_cast<std::uint32_t>(at / 4), words);
      if (whole > 0) transform(words.first(whole), &out[at]);
      if (rest == 0) continue;
      alignas(64) std::array<T, pairs> last;
      transform(words.subspan(whole, pairs), last.data());
      std::copy_n(last.data(), rest, &out[at + whole]);
    }
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

}  // namespace foglift::inline v0
