#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "foglift/nn/layers/quantizer.hpp"
#include "foglift/nn/layers/state_space.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/nn/nets/wavenet.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#ifdef COUNTS_ALLOCATIONS

using namespace foglift;

namespace {

/// One step of training as a user writes it.
template <class Net>
void step(Net& net, Net& ema, train::Adam<float>& opt, const Tensor<float>& x,
          const Tensor<float>& time) {
  Tape<float> tape;
  const auto loss = mse(net(tape.constant(x), time), x);
  opt.step(net, std::move(tape).backward(loss), 1e-3, {.ema = &ema, .decay = 0.99});
}

template <class Net>
void check(Net net, const Shape& shape) {
  Net ema = net;
  train::Adam<float> opt({}, {{.holds = train::is_vector, .rate = 0.5}});
  const auto x = Rng(1).normal<float>(shape);
  const Tensor<float> time({shape[0]}, 0.5f);
  const int before = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    // Which thread does which part, and so which pool a block ends in, is chance: with two threads
    // there must be a step that asks for nothing, with one every step must.
    long least = 1;
    for (int k = 0; k < 3; ++k) step(net, ema, opt, x, time);
    for (int k = 0; k < 20 && (n == 1 ? k == 0 : least > 0); ++k) {
      const long made = counted::calls;
      step(net, ema, opt, x, time);
      least = counted::calls.load() - made;
    }
    CHECK(least == 0);
  }
  set_threads(before);
}

}  // namespace

TEST_CASE("training: a step of an MLP allocates nothing once it is warm", "[train][allocation]") {
  Rng rng(1);
  check(nn::Mlp<float>({.in = 2, .width = 64, .depth = 3}, rng), {16, 2});
}

TEST_CASE("training: a step of a U-Net allocates nothing once it is warm", "[train][allocation]") {
  Rng rng(1);
  check(
      nn::UNet1d<float>(
          {.in = 1, .width = 8, .multipliers = {1, 2}, .blocks = 1, .heads = 2, .groups = 4}, rng),
      {4, 16, 1});
}

namespace {

/// A layer over a graph and a state-space layer, called as a network: x [B, L, 3].
struct Shelf {
  nn::GraphConv<float> graph;
  nn::StateSpace<float> memory;
  nn::Quantizer<float> codes;

  explicit Shelf(Rng& rng)
      : graph({.in = 1, .out = 1, .hops = 2}, {Csr<float>::of(Tensor<float>({3, 3}, 0.25F))}, rng),
        memory({.channels = 3, .modes = 4}, rng),
        codes({.codes = 5, .width = 3}, rng) {}
  template <Value X>
  X operator()(const X& x, const Tensor<float>&) const {
    const Shape s = value_of(x).shape();
    const X h = reshape(graph(reshape(x, {s[0], s[1], 3, 1})), s);
    const auto coded = codes(memory(h).sequence);
    return coded.quantized + coded.loss;
  }
  static void each(auto& self, auto&& f) {
    f("graph", self.graph), f("memory", self.memory), f("codes", self.codes);
  }
};

}  // namespace

TEST_CASE("training: a step of a WaveNet and of other layers allocates nothing once it is warm",
          "[train][allocation]") {
  Rng rng(1);
  check(nn::Wavenet<float>({.in = 2, .width = 8, .depth = 3}, rng), {2, 16, 2});
  check(Shelf(rng), {2, 16, 3});
}

TEST_CASE("training: a step of a transformer allocates nothing once it is warm",
          "[train][allocation]") {
  Rng rng(1);
  check(nn::Dit1d<float>({.in = 1, .width = 32, .depth = 2, .heads = 2}, rng), {4, 16, 1});
}

#endif
