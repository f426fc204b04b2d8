#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/layers/recurrent.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/train/rules/adam.hpp"
#include "reference/torch_dump.hpp"

#include <algorithm>
#include <cmath>
#include <string>

using namespace foglift;
using test::distance;
using test::TorchDump;

// Tests against what PyTorch 1.13.1 computed for the same networks: make_reference.py.

namespace {

const TorchDump& dump() {
  static const TorchDump file("reference_torch.safetensors");
  return file;
}

nn::UNet1d<float>::Options unet_options() {
  return {.in = 2,
          .width = 6,
          .multipliers = {1, 2},
          .blocks = 1,
          .attention = {1},
          .heads = 2,
          .groups = 3,
          .embedding = {.width = 12}};
}
nn::Dit1d<float>::Options dit_options() {
  return {.in = 3, .patch = 2, .width = 12, .depth = 2, .heads = 3, .extents = {8}};
}

/// Adam as its paper writes it, one scalar at a time.
template <Scalar T>
struct PlainAdam {
  std::vector<std::vector<T>> m, v;
  int steps = 0;

  template <class Model>
  void step(Model& model, const Gradients<T>& grads) {
    ++steps;
    std::size_t k = 0;
    nn::for_each_parameter(model, [&](const std::string&, Parameter<T>& p) {
      const auto n = static_cast<std::size_t>(p.value.size());
      if (m.size() == k) {
        m.emplace_back(n, T(0));
        v.emplace_back(n, T(0));
      }
      const Tensor<T>& g = grads[p];
      for (std::size_t i = 0; i < n; ++i) {
        const T d = g[static_cast<Index>(i)];
        m[k][i] = T(0.9) * m[k][i] + T(0.1) * d;
        v[k][i] = T(0.999) * v[k][i] + T(0.001) * d * d;
        const double mean = static_cast<double>(m[k][i]) / (1 - std::pow(0.9, steps));
        const double square = static_cast<double>(v[k][i]) / (1 - std::pow(0.999, steps));
        p.value[static_cast<Index>(i)] -= static_cast<T>(1e-2 * mean / (std::sqrt(square) + 1e-8));
      }
      ++k;
    });
  }
};

/// Losses before each of ten steps on the mean squared error of fixed data.
template <Scalar T, class Net, class Optimizer>
Tensor<T> ten_losses(Net net, const std::string& label, Optimizer optimizer) {
  const auto x = dump().tensor<T>(label + "/x"), time = dump().tensor<T>(label + "/time"),
             target = dump().tensor<T>(label + "/target");
  Tensor<T> losses({10});
  for (T& loss : losses) {
    Tape<T> tape;
    const Var<T> l = mse(net(tape.constant(x), time), target);
    loss = l.value().item();
    optimizer.step(net, tape.backward(l));
  }
  return losses;
}

/// Output, all gradients and ten losses of a denoiser, within `tolerance`.
template <Scalar T, class Net>
void compare(Net net, const std::string& label, double tolerance) {
  dump().load(net, label);
  const std::string kind = sizeof(T) == 4 ? "/f32" : "/f64";
  const auto x = dump().tensor<T>(label + "/x"), time = dump().tensor<T>(label + "/time");
  CHECK(distance(net(x, time), dump().tensor<T>(label + "/output" + kind)) < tolerance);

  Tape<T> tape;
  const auto grads =
      tape.backward(mse(net(tape.constant(x), time), dump().tensor<T>(label + "/target")));
  nn::for_each_parameter(net, [&](const std::string& name, const Parameter<T>& p) {
    const double d = distance(grads[p], dump().tensor<double>(label + "/gradient/" + name), 0.01);
    INFO(name);
    CHECK(d < tolerance);
  });

  const auto losses = dump().tensor<T>(label + "/losses" + kind);
  CHECK(losses[9] < losses[0]);
  CHECK(distance(ten_losses<T>(net, label, PlainAdam<T>()), losses) < tolerance);
  CHECK(distance(ten_losses<T>(net, label, train::Adam<T>({.lr = 1e-2})), losses) < tolerance);
}

}  // namespace

// Tolerances: both sides round each of some hundred operations in a row to 2^-24 (float) or 2^-53
// (double), and every activation is of the order of 1: about 1e-6 and 1e-15. Ten steps of Adam
// multiply a difference by about as much again.
TEST_CASE("pytorch: a U-Net computes, differentiates and trains the same", "[reference]") {
  Rng rng(1);
  compare<double>(nn::UNet1d<double>(unet_options(), rng), "unet1d", 1e-9);
  compare<float>(nn::UNet1d<float>(unet_options(), rng), "unet1d", 1e-5);
}

TEST_CASE("pytorch: a diffusion transformer computes, differentiates and trains the same",
          "[reference]") {
  Rng rng(1);
  compare<double>(nn::Dit1d<double>(dit_options(), rng), "dit1d", 1e-9);
  compare<float>(nn::Dit1d<float>(dit_options(), rng), "dit1d", 1e-5);
}

TEST_CASE("pytorch: two layers of GRU and LSTM compute the same", "[reference]") {
  Rng rng(1);
  const auto layer = [](const Tensor<double>& states, Index i) {
    return states.rows(i, 1).reshaped(states.shape().slice(1, 3));
  };
  nn::Gru<double> gru({.in = 3, .hidden = 4, .layers = 2}, rng);
  dump().load(gru, "gru");
  const auto g = gru(dump().tensor<double>("gru/x"));
  CHECK(distance(g.sequence, dump().tensor<double>("gru/sequence")) < 1e-14);
  for (const Index i : {0, 1})
    CHECK(distance(g.state[static_cast<std::size_t>(i)],
                   layer(dump().tensor<double>("gru/hidden"), i)) < 1e-14);

  nn::Lstm<double> lstm({.in = 3, .hidden = 4, .layers = 2}, rng);
  dump().load(lstm, "lstm");
  const auto l = lstm(dump().tensor<double>("lstm/x"));
  CHECK(distance(l.sequence, dump().tensor<double>("lstm/sequence")) < 1e-14);
  for (const Index i : {0, 1}) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(distance(l.hidden[at], layer(dump().tensor<double>("lstm/hidden"), i)) < 1e-14);
    CHECK(distance(l.cell[at], layer(dump().tensor<double>("lstm/cell"), i)) < 1e-14);
  }
}
