#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/grid/dynamics.hpp"
#include "foglift/diffusion/solver/parts/step_rng.hpp"
#include "foglift/nn/call.hpp"
#include "foglift/nn/module.hpp"
#include "foglift/train/shards.hpp"

#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// A network that sees data of the batch beside its input, along the channels: net(x | data, time).
/// Refers to network and data; PackedWeights sees the network through it.
template <nn::Module Net>
struct Beside {
  const Net& net;
  const Tensor<float>& data;  ///< [B, ..., D]
  nn::Call<> call = {};

  template <Value X>
  X operator()(const X& x, const Tensor<float>& time) const {
    return net(concat({x, constant(data, x)}, -1), time, {}, call);
  }
  template <class F>
  void each_part(const F& f) const {
    f(net);
  }
};

/// The options of a network of so many channels.
template <class NetOptions>
NetOptions of_channels(NetOptions net, Index in, Index out) {
  net.in = in;
  net.out = out;
  return net;
}

/// What the models of dynamics have in common: options O, with `net` of the network and `channels`
/// of a state, and a network that takes `in` states side by side and gives `out`.
template <class Net, class O>
class DynamicsModel {
 public:
  using Options = O;

  const Options& options() const { return options_; }

  static void each(DynamicsModel& self, auto&& f) { Net::each(self.net_, f); }
  static void each(const DynamicsModel& self, auto&& f) { Net::each(self.net_, f); }

 protected:
  DynamicsModel(const Options& o, Index in, Index out, Rng& rng)
      : options_(o), net_(of_channels(o.net, in * o.channels, out * o.channels), rng) {}

  Options options_;
  Net net_;
};

/// Options of a model of single steps between two snapshots.
template <class Net>
struct DynamicsOptions {
  Index horizon = 8;               ///< steps from the first snapshot to the last
  typename Net::Options net = {};  ///< but for `in` and `out`, which follow
  Index channels = 1;              ///< of a state

  static void untold(const DynamicsOptions& o, auto&& f) {
    f("horizon", o.horizon);
    Net::Options::untold(o.net, f);
  }

  /// Throws ArgumentError for a horizon below `least`.
  void check(const char* where, Index least) const {
    if (horizon < least)
      raise<ArgumentError>(where, ": horizon ", horizon, ", needed at least ", least);
  }
};

/// The times of levels as networks take them, [batch].
inline Tensor<float> times_of(const Levels& levels, Index batch) {
  Tensor<float> out({batch});
  for (Index b = 0; b < batch; ++b) out[b] = static_cast<float>(levels[b].t);
  return out;
}

/// The noise of the examples of a step, by their slots, which are consecutive.
inline StepRng noise_of(const Rng& rng, const train::Examples& examples) {
  return StepRng(rng.stream(1), examples.draws.slot(0), Index{examples.draws.step});
}

/// A call with dropout by the noise of a step.
inline nn::Call<> dropping(const StepRng& rng) {
  return nn::Call(nn::DropoutNoise{rng.generator(), rng.first_sample(), rng.step()});
}

/// A whole step from first to last for each sample of a batch, evenly, by u in [0, 1).
inline std::vector<Index> drawn_steps(std::span<const double> u, Index first, Index last) {
  std::vector<Index> out;
  for (const double v : u)
    out.push_back(first + static_cast<Index>(v * static_cast<double>(last - first + 1)));
  return out;
}

/// The levels of such steps.
inline std::vector<Level> levels_of(std::span<const Index> steps, Index horizon) {
  std::vector<Level> out;
  for (const Index i : steps) out.push_back(grid::dynamic_level(static_cast<double>(i), horizon));
  return out;
}

}  // namespace foglift::inline v0::forecast
