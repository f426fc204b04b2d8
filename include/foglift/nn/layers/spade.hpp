#pragma once

#include "foglift/autograd/ops/norm.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/nn/layers/conditioning.hpp"
#include "foglift/nn/layers/conv.hpp"

namespace foglift::inline v0::nn {

struct SpadeOptions {
  Index channels = 0;  ///< of x
  Index map = 0;       ///< channels of the map
  Index hidden = 128;  ///< channels of the convolution that reads the map
  Index groups = 8;    ///< of the normalization
  Index kernel = 3;
  double norm_eps = 1e-5;
};

/// Spatially adaptive normalization (Park et al. 2019): group_norm(x) (1 + scale(m)) + shift(m),
/// where scale and shift are convolutions of relu(conv(m)) of a map m, which may have other extents
/// than x: it is resized linearly. x [B, L, channels] with m [B, L', map], or x [B, H, W, channels]
/// with m [B, H', W', map]. Normalized by groups, as in semantic diffusion models (Wang et al.
/// 2022).
template <int Dims, Scalar T = float>
class Spade : public Layer<T, SpadeOptions> {
 public:
  Conv<Dims, T> shared, scale, shift;

  /// Throws ArgumentError for an extent that is not positive, an even kernel, or groups that do not
  /// divide the channels.
  explicit Spade(const SpadeOptions& o, Rng& rng)
      : shared({.in = o.map, .out = o.hidden, .kernel = detail::odd_kernel("Spade", o.kernel)},
               rng),
        scale({.in = o.hidden, .out = o.channels, .kernel = o.kernel}, rng),
        shift({.in = o.hidden, .out = o.channels, .kernel = o.kernel}, rng),
        groups_(o.groups),
        eps_(o.norm_eps) {
    GroupNorm<T>({.channels = o.channels, .groups = o.groups, .eps = o.norm_eps});  // refuses
  }

  template <ValueOf<T> X>
  X operator()(const X& x, const X& map) const {
    const Shape &s = value_of(x).shape(), &m = value_of(map).shape();
    if (s.rank() != Dims + 2 || m.rank() != s.rank() || m[0] != s[0])
      raise<ShapeError>("Spade: input ", s, " with a map ", m, ", needed are ", Dims,
                        " spatial axes in both, and equal batches");
    const Shape extents = s.slice(1, Dims + 1);
    const X seen =
        relu(shared(m.slice(1, Dims + 1) == extents ? map : resize_linear(map, extents)));
    return modulate(normalized(x), shift(seen), scale(seen));
  }

  FOGLIFT_CHILDREN(shared, scale, shift);

 private:
  /// Without gain and shift of its own.
  template <Value X>
  X normalized(const X& x) const {
    const Shape channels{x.dim(-1)};
    return group_norm(x, constant(Tensor<T>(channels, T(1)), x), constant(Tensor<T>(channels), x),
                      groups_, eps_);
  }

  Index groups_;
  double eps_;
};

}  // namespace foglift::inline v0::nn
