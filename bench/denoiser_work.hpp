#pragma once

#include "bench/reference_models.hpp"
#include "bench/timing.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/nn/state.hpp"
#include "foglift/train/denormals.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/shards.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace foglift::bench {

// What people do with a denoiser, as functions to be called again and again.

/// x [batch, ...]: noise, the same numbers in float and double.
template <Scalar T = float>
Tensor<T> noise(const Shape& one, Index batch, std::uint64_t seed) {
  return Rng(seed).normal<T>(one.with(0, batch));
}

/// Times [batch] in 0 ... 999 that differ, as in training.
template <Scalar T = float>
Tensor<T> times(Index batch) {
  Tensor<T> t({batch});
  for (Index b = 0; b < batch; ++b) t[b] = static_cast<T>((17 + 37 * b) % 1000);
  return t;
}

/// eps = net(x, t), the weights packed once.
template <class Net, Scalar T = nn::module_scalar<Net>>
auto forward(const Net& net, const Shape& one, const Tensor<T>& t) {
  struct State {
    Net net;
    Tensor<T> x, t;
    PackedWeights packed{net};
  };
  return [state = std::shared_ptr<const State>(new State{net, noise<T>(one, t.size(), 1), t})] {
    auto eps = state->net(state->x, state->t);
    escape(eps.data());
    return eps;
  };
}
template <class Net>
auto forward(const Net& net, const Shape& one, Index batch) {
  return forward(net, one, times<nn::module_scalar<Net>>(batch));
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
    auto x =
        sample<nn::module_scalar<Net>>(solver::Ddim{}, state->denoise, shape, state->grid, Rng(2));
    escape(x.data());
    return x;
  };
}

/// Gradients of mean((net(x, t) - eps)^2).
template <class Net, Scalar T = nn::module_scalar<Net>>
Gradients<T> gradients(const Net& net, const Tensor<T>& x, const Tensor<T>& t,
                       const Tensor<T>& eps) {
  Tape<T> tape;
  const auto loss = mse(net(tape.constant(x), t), eps);
  return tape.backward(loss);
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
    s.adam.step(s.net, gradients(s.net, s.x, s.t, s.eps));
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

/// `to` with the weights of `from`, a network of another type of numbers.
template <class To, class From>
To with_weights(To to, const From& from) {
  std::map<std::string, Tensor<nn::module_scalar<To>>> weights;
  nn::for_each_parameter(from, [&](const std::string& name, const auto& p) {
    Tensor<nn::module_scalar<To>> w(p.value.shape());
    std::copy(p.value.begin(), p.value.end(), w.begin());
    weights.emplace(name, std::move(w));
  });
  nn::load_state(to, weights);
  return to;
}

/// The network with the same weights in double.
template <template <Scalar> class Net>
Net<double> in_double(const Net<float>& net) {
  Rng rng(0);
  return with_weights(Net<double>(net.options(), rng), net);
}
template <template <int, Scalar> class Net, int Dims>
Net<Dims, double> in_double(const Net<Dims, float>& net) {
  Rng rng(0);
  return with_weights(Net<Dims, double>(net.options(), rng), net);
}

/// The largest difference of two tensors, and the largest value of the second.
struct Distance {
  double difference = 0, scale = 0;

  void add(const Tensor<float>& found, const Tensor<double>& exact) {
    for (Index i = 0; i < exact.size(); ++i) {
      const double d = std::abs(static_cast<double>(found[i]) - exact[i]);
      difference = std::isnan(d) ? INFINITY : std::max(difference, d);
      scale = std::max(scale, std::abs(exact[i]));
    }
  }
  double relative() const { return difference / scale; }
};

/// The largest error of what a work computes, relative to the largest value: `make(net)` in float
/// beside the same in double. Both give tensors.
template <class Net, class Make>
double output_error(const Net& net, const Make& make) {
  Distance d;
  d.add(make(net)(), make(in_double(net))());
  return d.relative();
}

/// The same of the gradients of all parameters, relative to the largest of them all.
template <class Net>
double gradient_error(const Net& net, const Shape& one, Index batch) {
  const auto of = [&]<class N>(const N& model) {
    using T = nn::module_scalar<N>;
    return gradients(model, noise<T>(one, batch, 1), times<T>(batch), noise<T>(one, batch, 3));
  };
  const auto exact = in_double(net);
  const auto found = of(net), reference = of(exact);
  std::vector<const Tensor<double>*> expected;
  nn::for_each_parameter(exact, [&](const std::string&, const Parameter<double>& p) {
    expected.push_back(&reference[p]);
  });
  Distance d;
  std::size_t at = 0;
  nn::for_each_parameter(net, [&](const std::string&, const Parameter<float>& p) {
    d.add(found[p], *expected[at++]);
  });
  return d.relative();
}

}  // namespace foglift::bench
