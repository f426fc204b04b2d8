#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/layers/spade.hpp"

#include <optional>

namespace foglift::inline v0::nn {

struct SpadeBlockOptions {
  Index in = 0;
  Index out = 0;
  Index map = 0;        ///< channels of the map
  Index hidden = 128;   ///< of the convolutions that read the map
  Index embedding = 0;  ///< features of the time embedding; 0: none
  Index groups = 8;
  double norm_eps = 1e-5;
  bool zero = false;  ///< the last convolution starts at zero
};

/// Residual block of semantic diffusion models (Wang et al. 2022): ResBlock with its norms adapted
/// to a map at every position. x [B, ..., in] -> [B, ..., out]: h = conv1(silu(spade1(x, m))) +
/// embed(e); skip(x) + conv2(silu(spade2(h, m))).
template <int Dims, Scalar T = float>
class SpadeBlock : public Layer<T, SpadeBlockOptions> {
 public:
  Spade<Dims, T> spade1;
  Conv<Dims, T> conv1;
  std::optional<Linear<T>> embed;
  Spade<Dims, T> spade2;
  Conv<Dims, T> conv2;
  std::optional<Conv<Dims, T>> skip;  ///< 1 x 1, where in and out differ

  /// Throws ArgumentError for an extent that is not positive, or groups that do not divide both in
  /// and out.
  explicit SpadeBlock(const SpadeBlockOptions& o, Rng& rng)
      : spade1(norm(o, o.in), rng),
        conv1({.in = o.in, .out = o.out}, rng),
        spade2(norm(o, o.out), rng),
        conv2({.in = o.out, .out = o.out, .zero = o.zero}, rng) {
    if (o.embedding > 0) embed.emplace(LinearOptions{.in = o.embedding, .out = o.out}, rng);
    if (o.in != o.out) skip.emplace(ConvLayerOptions{.in = o.in, .out = o.out, .kernel = 1}, rng);
  }

  /// map [B, ..., map] of any extents; e [B, embedding], nullptr: built without. Throws
  /// ArgumentError where an e is missing or not expected.
  template <ValueOf<T> X>
  X operator()(const X& x, const X& map, const X* e = nullptr) const {
    const std::optional<X> shift = detail::embedded("SpadeBlock", embed, e);
    const X h = conv1(silu(spade1(x, map)), ConvExtras<X>{.shift = shift ? &*shift : nullptr});
    const X direct = skip ? (*skip)(x) : x;
    return conv2(silu(spade2(h, map)), ConvExtras<X>{.residual = &direct});
  }

  FOGLIFT_CHILDREN(spade1, conv1, embed, spade2, conv2, skip);

 private:
  static SpadeOptions norm(const SpadeBlockOptions& o, Index channels) {
    return {.channels = channels,
            .map = o.map,
            .hidden = o.hidden,
            .groups = o.groups,
            .norm_eps = o.norm_eps};
  }
};

}  // namespace foglift::inline v0::nn
