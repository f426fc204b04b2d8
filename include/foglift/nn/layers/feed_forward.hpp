#pragma once

#include "foglift/nn/layers/linear.hpp"

namespace foglift::inline v0::nn {

struct FeedForwardOptions {
  Index width = 0, hidden = 0;
  bool zero = false;  ///< the second layer starts at zero
};

/// The feed-forward half of a transformer block: fc2(gelu(fc1(x))) on the last axis.
template <Scalar T = float>
class FeedForward : public Layer<T, FeedForwardOptions> {
 public:
  Linear<T> fc1, fc2;

  explicit FeedForward(const FeedForwardOptions& o, Rng& rng)
      : fc1({.in = o.width, .out = o.hidden}, rng),
        fc2({.in = o.hidden, .out = o.width, .zero = o.zero}, rng) {}

  template <ValueOf<T> X>
  X operator()(const X& x) const {
    return fc2(hidden(x));
  }
  /// What fc2 is applied to.
  template <ValueOf<T> X>
  X hidden(const X& x) const {
    return fc1(x, Activation::gelu);
  }

  FOGLIFT_CHILDREN(fc1, fc2);
};

}  // namespace foglift::inline v0::nn
