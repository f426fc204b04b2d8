#pragma once

#include "bench/reference_models.hpp"
#include "bench/timing.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/train/denormals.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/shards.hpp"

#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::bench {

// What people do with a denoiser, as functions to be called again and again.

/// x [batch, ...]: noise.
inline Tensor<float> noise(const Shape& one, Index batch, std::uint64_t seed) {
  return Rng(seed).normal<float>(one.with(0, batch));
}

/// Times [batch] in 0 ... 999 that differ, as in training.
inline Tensor<float> times(Index batch) {
  Tensor<float> t({batch});
  for (Index b = 0; b < batch; ++b) t[b] = static_cast<float>((17 + 37 * b) % 1000);
  return t;
}

/// eps = net(x, t), the weights packed once.
template <class Net>
auto forward(const Net& net, const Shape& one, const Tensor<float>& t) {
  struct State {
    Net net;
    Tensor<float> x, t;
    PackedWeights packed{net};
  };
  return [state = std::shared_ptr<const State>(new State{net, noise(one, t.size(), 1), t})] {
    escape(state->net(state->x, state->t).data());
  };
}
template <class Net>
auto forward(const Net& net, const Shape& one, Index batch) {
  return forward(net, one, times(batch));
}

/// A sample from noise in `steps` steps of DDIM, the denoiser prepared once.
template <class Net>
auto ddim(const Net& net, const Shape& one, Index batch, Index steps) {
  struct State {
    NetworkDenoiser<Net, predict::Epsilon, schedule::Linear> denoise;
    TimeGrid grid;
    PackedWeights packed{denoise};
  };
  const std::shared_ptr<State> state(new State{{Net(net), predict::Epsilon{}, schedule::Linear{}},
                                               grid::uniform(schedule::Linear{}, steps)});
  precompute(state->packed, state->denoise, state->grid);
  return [state, shape = one.with(0, batch)] {
    escape(sample(solver::Ddim{}, state->denoise, shape, state->grid, Rng(2)).data());
  };
}

/// Forward, backward, Adam.
template <class Net>
auto training_step(const Net& net, const Shape& one, Index batch) {
  struct State {
    Net net;
    Tensor<float> x, t, eps;
    train::Adam<float> adam{{.lr = 1e-4}};
  };
  auto state =
      std::make_shared<State>(State{net, noise(one, batch, 1), times(batch), noise(one, batch, 3)});
  return [state] {
    State& s = *state;
    const FlushDenormals guard;
    Tape<float> tape;
    const auto loss = mse(s.net(tape.constant(s.x), s.t), s.eps);
    s.adam.step(s.net, tape.backward(loss));
    escape(&s);
  };
}

/// The same as train::fit does it: gradients of shards of 8 samples, which threads share.
template <class Net>
auto sharded_step(const Net& net, const Shape& one, Index batch) {
  struct State {
    Net net;
    Tensor<float> x, t, eps;
    std::vector<Index> samples;
    train::Adam<float> adam{{.lr = 1e-4}};
    train::Shards<float> shards{8};
  };
  auto state =
      std::make_shared<State>(State{net, noise(one, batch, 1), times(batch), noise(one, batch, 3),
                                    std::vector<Index>(static_cast<std::size_t>(batch))});
  std::iota(state->samples.begin(), state->samples.end(), Index{0});
  return [state] {
    State& s = *state;
    const FlushDenormals guard;
    const auto loss = [&s](const Net& model, Tape<float>& tape, const train::Examples& examples) {
      const auto rows = [&](const Tensor<float>& all) {
        return all.rows(examples.index.front(), std::ssize(examples.index));
      };
      return mse(model(tape.constant(rows(s.x)), rows(s.t)), rows(s.eps));
    };
    s.adam.step(s.net, s.shards(s.net, loss, s.samples, 0).gradients);
    escape(&s);
  };
}

/// f(net, shape of one sample [1, ...]) of the reference denoiser with this name.
template <class F>
auto with_model(const std::string& name, const F& f) {
  if (name == "mlp2d") return f(mlp2d(Rng(0)), Shape{1, 2});
  if (name == "unet1d") return f(unet1d(Rng(0)), Shape{1, 96, 1});
  if (name == "dit1d") return f(dit1d(Rng(0)), Shape{1, 96, 1});
  if (name == "unet2d") return f(unet2d(Rng(0)), Shape{1, 32, 32, 3});
  raise<ArgumentError>("no reference denoiser \"", name, '"');
}

}  // namespace foglift::bench
