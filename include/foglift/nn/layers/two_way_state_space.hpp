#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/layers/norm.hpp"
#include "foglift/nn/layers/state_space.hpp"

namespace foglift::inline v0::nn {

struct TwoWayStateSpaceOptions {
  Index channels = 0;
  Index modes = 32;        ///< N a channel and direction, see StateSpaceOptions
  bool norm_first = true;  ///< x + f(norm(x)); else norm(x + f(x))
};

/// The S4 layer of sequence models that see both ways (Goel et al. 2022), with a residual: f(x) =
/// mix(gelu(forward(x) + backward(x))), x [B, L, channels] of any L. The state spaces are diagonal
/// (S4D), one for each direction.
template <Scalar T = float>
class TwoWayStateSpace : public Layer<T, TwoWayStateSpaceOptions> {
 public:
  LayerNorm<T> norm;
  StateSpace<T> forward, backward;
  Linear<T> mix;

  /// Throws ArgumentError for an extent that is not positive.
  explicit TwoWayStateSpace(const TwoWayStateSpaceOptions& o, Rng& rng)
      : norm({.channels = o.channels}),
        forward({.channels = o.channels, .modes = o.modes}, rng),
        backward({.channels = o.channels, .modes = o.modes}, rng),
        mix({.in = o.channels, .out = o.channels}, rng),
        norm_first_(o.norm_first) {}

  /// Throws ShapeError for an x that is not [B, L > 0, channels].
  template <ValueOf<T> X>
  X operator()(const X& x) const {
    const X u = norm_first_ ? norm(x) : x;
    const X both = forward(u).sequence + flip(backward(flip(u, 1)).sequence, 1);
    const X y = x + mix(gelu(both));
    return norm_first_ ? y : norm(y);
  }

  FOGLIFT_CHILDREN(norm, forward, backward, mix);

 private:
  bool norm_first_;
};

}  // namespace foglift::inline v0::nn
