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

  FOGLIFT_CHILDREN(blocks, resample);
};

inline const ConvEncoderOptions& checked(const char* net, const ConvEncoderOptions& o) {
  need_positive(net, {{"in", o.in}, {"out", o.out}, {"blocks", o.blocks}});
  if (o.multipliers.empty()) raise<ArgumentError>(net, ": multipliers are empty");
  for (const Index m : o.multipliers) need_positive(net, "multipliers", m);
  return o;
}

/// What encoder and decoder are made of: levels of widths * `width`, in this order, between two
/// convolutions. Throws as ConvEncoder.
template <int Dims, Scalar T>
class Codec : public Layer<T, ConvEncoderOptions> {
 public:
  Conv<Dims, T> input;
  std::vector<CodecLevel<Dims, T>> levels;
  GroupNorm<T> norm;
  Conv<Dims, T> output;

  FOGLIFT_CHILDREN(input, levels, norm, output);

 protected:
  Codec(const ConvEncoderOptions& o, Index in, Index out, const std::vector<Index>& widths,
        Index stride, Rng& rng)
      : input({.in = in, .out = o.width * widths.front(), .mode = o.padding}, rng),
        norm({.channels = o.width * widths.back(), .groups = o.groups}),
        output({.in = o.width * widths.back(), .out = out, .mode = o.padding}, rng) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      levels.emplace_back(o, o.width * widths[i > 0 ? i - 1 : 0], o.width * widths[i],
                          i + 1 == widths.size(), stride, rng);
  }

  /// What leads from a level to the next is given resized(h).
  template <Value X, class F>
  X run(const X& x, const F& resized) const {
    X h = input(x);
    for (const auto& level : levels) {
      h = level(h);
      if (level.resample) h = (*level.resample)(resized(h));
    }
    return output(h, ConvExtras<X>{.norm = &norm});
  }
};

}  // namespace detail

/// Convolutional encoder of x [B, L, in] or [B, H, W, in]: residual blocks on levels of half the
/// extents each (rounded up) -> [B, L / s, out] or [B, H / s, W / s, out] with s = 2^(levels - 1),
/// or with `pool` [B, out]. What a network is to be told of another series or image.
template <int Dims, Scalar T = float>
class ConvEncoder : public detail::Codec<Dims, T> {
 public:
  /// Throws ArgumentError for an extent that is not positive, no levels, or groups that do not
  /// divide each level's width.
  explicit ConvEncoder(const ConvEncoderOptions& o, Rng& rng)
      : ConvEncoder::Codec(detail::checked("ConvEncoder", o), o.in, o.out, o.multipliers, 2, rng),
        options_(o) {}

  const ConvEncoderOptions& options() const { return options_; }

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X h = this->run(x, [](const X& level) { return level; });
    return options_.pool ? mean(as_sequence(h), 1) : h;
  }

 private:
  ConvEncoderOptions options_;
};

/// The way back: z [B, l, out] or [B, h, w, out] -> [B, l s, in] or [B, h s, w s, in] with s =
/// 2^(levels - 1), from the coarsest level of the same options to the finest.
template <int Dims, Scalar T = float>
class ConvDecoder : public detail::Codec<Dims, T> {
 public:
  /// Throws as ConvEncoder.
  explicit ConvDecoder(const ConvEncoderOptions& o, Rng& rng)
      : ConvDecoder::Codec(detail::checked("ConvDecoder", o), o.out, o.in,
                           {o.multipliers.rbegin(), o.multipliers.rend()}, 1, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& z) const {
    return this->run(z, [](const X& level) { return upsample_nearest(level, 2); });
  }
};

}  // namespace foglift::inline v0::nn
