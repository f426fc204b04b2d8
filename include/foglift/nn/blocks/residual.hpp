#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/conditioning.hpp"
#include "foglift/nn/layers/conv.hpp"
#include "foglift/nn/layers/dropout.hpp"
#include "foglift/nn/layers/norm.hpp"

#include <optional>

namespace foglift::inline v0::nn {

struct ResBlockOptions {
  Index in = 0;
  Index out = 0;
  Index embedding = 0;       ///< features of the time embedding; 0: none
  bool scale_shift = false;  ///< the embedding scales and shifts (FiLM) instead of adding
  Index groups = 8;
  double norm_eps = 1e-5;
  Index kernel = 3;
  Padding padding = Padding::zero;
  double dropout = 0;
  bool zero = false;  ///< the last convolution starts at zero
};

/// Residual block of the U-Nets of Ho et al. (2020), x [B, ..., in] -> [B, ..., out]:
/// h = conv1(silu(norm1(x))) + embed(e);  skip(x) + conv2(dropout(silu(norm2(h)))). With
/// scale_shift (Dhariwal & Nichol 2021) [scale | shift] = embed(e) instead, and norm2(h) (1 +
/// scale) + shift goes on: the scale comes first, as in guided-diffusion and in diffusers'
/// "scale_shift". The input may come in two parts, concat({x, x2}) along the channels.
template <int Dims, Scalar T = float>
class ResBlock : public Layer<T, ResBlockOptions> {
 public:
  GroupNorm<T> norm1;
  Conv<Dims, T> conv1;
  std::optional<Linear<T>> embed;
  GroupNorm<T> norm2;
  Conv<Dims, T> conv2;
  std::optional<Conv<Dims, T>> skip;  ///< 1 x 1, where in and out differ

  /// Throws ArgumentError for an even kernel, groups that do not divide both in and out, or a
  /// dropout outside [0, 1).
  explicit ResBlock(const ResBlockOptions& o, Rng& rng)
      : norm1({.channels = o.in, .groups = o.groups, .eps = o.norm_eps}),
        conv1({.in = o.in,
               .out = o.out,
               .kernel = detail::odd_kernel("ResBlock", o.kernel),
               .mode = o.padding},
              rng),
        norm2({.channels = o.out, .groups = o.groups, .eps = o.norm_eps}),
        conv2({.in = o.out, .out = o.out, .kernel = o.kernel, .mode = o.padding, .zero = o.zero},
              rng),
        scale_shift_(o.scale_shift),
        dropout_(o.dropout) {
    detail::need_dropout("ResBlock", o.dropout);
    if (o.embedding > 0)
      embed.emplace(LinearOptions{.in = o.embedding, .out = o.scale_shift ? 2 * o.out : o.out},
                    rng);
    if (o.in != o.out) skip.emplace(ConvLayerOptions{.in = o.in, .out = o.out, .kernel = 1}, rng);
  }

  /// A block built without an embedding.
  template <ValueOf<T> X>
  X operator()(const X& x) const {
    DropoutCalls none;
    return run<X>(x, nullptr, nullptr, none);
  }
  /// e [B, embedding]; nothing is dropped.
  template <ValueOf<T> X>
  X operator()(const X& x, const X& e) const {
    DropoutCalls none;
    return run<X>(x, nullptr, &e, none);
  }
  template <ValueOf<T> X>
  X operator()(const X& x, const X& e, DropoutCalls& dropouts) const {
    return run<X>(x, nullptr, &e, dropouts);
  }
  /// x2 is the second part of the input, or null.
  template <ValueOf<T> X>
  X operator()(const X& x, const X* x2, const X& e, DropoutCalls& dropouts) const {
    return run(x, x2, &e, dropouts);
  }

  /// The block without its residual branch: x, with the number of channels that the block gives.
  template <ValueOf<T> X>
  X shortcut(const X& x, const X* x2 = nullptr) const {
    if (skip) return x2 ? (*skip)(x, ConvExtras<X>{.x2 = x2}) : (*skip)(x);
    return x2 ? concat({x, *x2}, -1) : x;
  }

  static void each(auto& self, auto&& f) {
    f("norm1", self.norm1);
    f("conv1", self.conv1);
    // Another name for another meaning: files of the time when the shift came first are refused.
    f(self.scale_shift_ ? "scale_shift" : "embed", self.embed);
    f("norm2", self.norm2);
    f("conv2", self.conv2);
    f("skip", self.skip);
  }

 private:
  template <Value X>
  X run(const X& x, const X* x2, const X* e, DropoutCalls& dropouts) const {
    const std::optional<X> embedded = detail::embedded("ResBlock", embed, e);
    ConvExtras<X> first{.x2 = x2, .norm = &norm1}, second{};
    std::optional<X> direct;
    if (e && !scale_shift_) first.shift = &*embedded;
    X h = conv1(x, first);
    if (skip || x2) direct.emplace(shortcut(x, x2));
    second.residual = direct ? &*direct : &x;
    if (!scale_shift_ && !dropouts.active(dropout_)) {
      second.norm = &norm2;
      return conv2(h, second);
    }
    h = norm2(h);
    if (e && scale_shift_) {
      const X s = per_sample(*embedded, x.rank());
      const X scale = chunk(s, 0, 2), shift = chunk(s, 1, 2);
      h = modulate(h, shift, scale);
    }
    return conv2(dropouts(silu(h), dropout_), second);
  }

  bool scale_shift_;
  double dropout_;
};

}  // namespace foglift::inline v0::nn
