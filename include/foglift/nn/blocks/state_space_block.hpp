#pragma once

#include "foglift/nn/blocks/wavenet.hpp"
#include "foglift/nn/layers/two_way_state_space.hpp"

namespace foglift::inline v0::nn {

struct StateSpaceBlockOptions {
  Index width = 0;
  Index modes = 32;     ///< of the state spaces, see StateSpaceOptions
  Index embedding = 0;  ///< features of the time embedding
  Index condition = 0;  ///< channels of a condition at every position; 0: none
};

/// Residual block of TSDiff (Kollovieh et al. 2023, figure 6): h = ssm(x + embed(e)) +
/// condition(c), [r | s] = output(tanh(h) sigmoid(h)), x' = x + r, skip s. x [B, L, width], e [B,
/// embedding], c [B, L, condition].
template <Scalar T = float>
class StateSpaceBlock : public Layer<T, StateSpaceBlockOptions> {
 public:
  Linear<T> embed;
  std::optional<Linear<T>> condition;
  TwoWayStateSpace<T> ssm;
  Linear<T> output;

  /// Throws ArgumentError for an extent that is not positive.
  explicit StateSpaceBlock(const StateSpaceBlockOptions& o, Rng& rng)
      : embed({.in = o.embedding, .out = o.width}, rng),
        ssm({.channels = o.width, .modes = o.modes}, rng),
        output({.in = o.width, .out = 2 * o.width}, rng) {
    if (o.condition > 0) condition.emplace(LinearOptions{.in = o.condition, .out = o.width}, rng);
  }

  template <ValueOf<T> X>
  SkipOutput<X> operator()(const X& x, const X* e, const X* c = nullptr) const {
    X h = ssm(x + per_sample(embed(*e), x.rank()));
    if (c && condition) h = h + (*condition)(*c);
    const X both = output(tanh(h) * sigmoid(h));
    return {x + chunk(both, 0, 2), chunk(both, 1, 2)};
  }

  FOGLIFT_CHILDREN(embed, condition, ssm, output);
};

/// Residual block of SSSD (Lopez Alcaraz & Strodthoff 2022, figure 1): a convolution and two state
/// spaces of twice the width, the condition between them, in the frame of GatedResidual.
template <Scalar T = float>
class DoubleStateSpaceBlock : public Layer<T, StateSpaceBlockOptions> {
 public:
  GatedResidual<T> gated;
  Conv1d<T> conv;
  TwoWayStateSpace<T> before, after;
  std::optional<Linear<T>> condition;

  /// Throws ArgumentError for an extent that is not positive.
  explicit DoubleStateSpaceBlock(const StateSpaceBlockOptions& o, Rng& rng)
      : gated({.width = o.width, .embedding = o.embedding}, rng),
        conv({.in = o.width, .out = 2 * o.width}, rng),
        before({.channels = 2 * o.width, .modes = o.modes, .norm_first = false}, rng),
        after({.channels = 2 * o.width, .modes = o.modes, .norm_first = false}, rng) {
    if (o.condition > 0)
      condition.emplace(LinearOptions{.in = o.condition, .out = 2 * o.width}, rng);
  }

  template <ValueOf<T> X>
  SkipOutput<X> operator()(const X& x, const X* e, const X* c = nullptr) const {
    return gated(x, e, static_cast<const X*>(nullptr), [&](const X& h) {
      const X mixed = before(conv(h));
      return after(c && condition ? mixed + (*condition)(*c) : mixed);
    });
  }

  FOGLIFT_CHILDREN(gated, conv, before, after, condition);
};

}  // namespace foglift::inline v0::nn
