#pragma once

#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/nn/blocks/residual.hpp"

#include <optional>
#include <vector>

namespace foglift::inline v0::nn {

struct ConvEncoderOptions {
  Index in = 0;                             ///< channels of what is encoded (or decoded to)
  Index out = 0;                            ///< channels of the code
  Index width = 32;                         ///< channels of the finest level
  std::vector<Index> multipliers = {1, 2};  ///< of the width, one a level; each halves the extents
  Index blocks = 1;                         ///< residual blocks a level
  Index groups = 8;
  Padding padding = Padding::zero;
  bool pool = false;  ///< the mean over all positions: a vector for each sample (encoder only)
};

namespace detail {

/// Residual blocks of one width, the first of which may come from another, and what leads to the
/// next level.
template <int Dims, Scalar T>
struct CodecLevel {
  std::vector<ResBlock<Dims, T>> blocks;
  std::optional<Conv<Dims, T>> resample;

  CodecLevel(const ConvEncoderOptions& o, Index in, Index out, bool last, Index stride, Rng& rng) {
    for (Index i = 0; i < o.blocks; ++i)
      blocks.emplace_back(
          ResBlockOptions{
              .in = i == 0 ? in : out, .out = out, .groups = o.groups, .padding = o.padding},
          rng);
    if (!last)
      resample.emplace(ConvLayerOptions{.in = out, .out = out, .stride = stride, .mode = o.padding},
                       rng);
  }

  template <Value X>
  X operator()(X h) const {
    for (const auto& block : blocks) h = block(h);
    return h;
  }

  static void each(auto& self, auto&& f) {
    f("blocks", self.blocks);
    f("resample", self.resample);
  }
};

inline const ConvEncoderOptions& checked(const char* net, const ConvEncoderOptions& o) {
  need_positive(net, "in", o.in);
  need_positive(net, "out", o.out);
  need_positive(net, "blocks", o.blocks);
  if (o.multipliers.empty()) raise<ArgumentError>(net, ": multipliers are empty");
  for (const Index m : o.multipliers) need_positive(net, "multipliers", m);
  return o;
}

}  // namespace detail

/// Convolutional encoder of x [B, L, in] or [B, H, W, in]: residual blocks on levels of half the
/// extents each (rounded up) -> [B, L / s, out] or [B, H / s, W / s, out] with s = 2^(levels - 1),
/// or with `pool` [B, out]. What a network is to be told of another series or image.
template <int Dims, Scalar T = float>
class ConvEncoder {
 public:
  using value_type = T;
  using Options = ConvEncoderOptions;

  Conv<Dims, T> input;
  std::vector<detail::CodecLevel<Dims, T>> levels;
  GroupNorm<T> norm;
  Conv<Dims, T> output;

  /// Throws ArgumentError for an extent that is not positive, no levels, or groups that do not
  /// divide each level's width.
  explicit ConvEncoder(const Options& o, Rng& rng)
      : input({.in = detail::checked("ConvEncoder", o).in,
               .out = o.width * o.multipliers.front(),
               .mode = o.padding},
              rng),
        norm({.channels = o.width * o.multipliers.back(), .groups = o.groups}),
        output({.in = o.width * o.multipliers.back(), .out = o.out, .mode = o.padding}, rng),
        options_(o) {
    Index before = o.width * o.multipliers.front();
    for (std::size_t i = 0; i < o.multipliers.size(); ++i) {
      const Index width = o.width * o.multipliers[i];
      levels.emplace_back(o, before, width, i + 1 == o.multipliers.size(), 2, rng);
      before = width;
    }
  }

  const Options& options() const { return options_; }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    X h = input(x);
    for (const auto& level : levels) {
      h = level(h);
      if (level.resample) h = (*level.resample)(h);
    }
    h = output(h, ConvExtras<X>{.norm = &norm});
    return options_.pool ? mean(as_sequence(h), 1) : h;
  }

  static void each(auto& self, auto&& f) {
    f("input", self.input);
    f("levels", self.levels);
    f("norm", self.norm);
    f("output", self.output);
  }

 private:
  Options options_;
};

/// The way back: z [B, l, out] or [B, h, w, out] -> [B, l s, in] or [B, h s, w s, in] with s =
/// 2^(levels - 1), from the coarsest level of the same options to the finest.
template <int Dims, Scalar T = float>
class ConvDecoder {
 public:
  using value_type = T;
  using Options = ConvEncoderOptions;

  Conv<Dims, T> input;
  std::vector<detail::CodecLevel<Dims, T>> levels;
  GroupNorm<T> norm;
  Conv<Dims, T> output;

  /// Throws as ConvEncoder.
  explicit ConvDecoder(const Options& o, Rng& rng)
      : input({.in = detail::checked("ConvDecoder", o).out,
               .out = o.width * o.multipliers.back(),
               .mode = o.padding},
              rng),
        norm({.channels = o.width * o.multipliers.front(), .groups = o.groups}),
        output({.in = o.width * o.multipliers.front(), .out = o.in, .mode = o.padding}, rng) {
    Index before = o.width * o.multipliers.back();
    for (std::size_t i = o.multipliers.size(); i-- > 0;) {
      const Index width = o.width * o.multipliers[i];
      levels.emplace_back(o, before, width, i == 0, 1, rng);
      before = width;
    }
  }

  template <ValueOf<T> X>
  X operator()(const X& z) const {
    X h = input(z);
    for (const auto& level : levels) {
      h = level(h);
      if (level.resample) h = (*level.resample)(upsample_nearest(h, 2));
    }
    return output(h, ConvExtras<X>{.norm = &norm});
  }

  static void each(auto& self, auto&& f) {
    f("input", self.input);
    f("levels", self.levels);
    f("norm", self.norm);
    f("output", self.output);
  }
};

}  // namespace foglift::inline v0::nn
