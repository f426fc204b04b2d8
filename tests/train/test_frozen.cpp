// Covers: frozen
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/frozen.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <optional>

using namespace foglift;
using Net = nn::Mlp<float>;

namespace {

Net mlp(std::uint64_t seed) {
  Rng rng(seed);
  return Net({.in = 2, .width = 8}, rng);
}

bool same(const Net& a, const Net& b) {
  bool equal = true;
  Net copy = a;
  train::for_each_pair("test", copy, b, [&](const std::string&, const auto& p, const auto& q) {
    equal = equal && p.value == q.value;
  });
  return equal;
}

/// A head on features of a network that is not trained.
struct Headed {
  train::Frozen<Net> body;
  nn::Linear<float> head;
  template <class X>
  X operator()(const X& x, const Tensor<float>& time) const {
    return head(body(x, time));
  }
  static void each(auto& self, auto&& f) { f("head", self.head); }
};

}  // namespace

TEST_CASE("frozen: gradients pass through and reach no weight", "[train][frozen]") {
  const Net net = mlp(1);
  const auto x = Rng(2).normal({5, 2}), y = Rng(3).normal({5, 2});
  const Tensor<float> time({5}, 0.3f);
  const auto gradient = [&](const auto& f, std::size_t parameters) {
    Tape<float> tape;
    const auto at = tape.variable(x);
    const auto grads = tape.backward(mse(f(at, time), y));
    CHECK(grads.parameters() == parameters);
    return grads[at];
  };
  std::size_t count = 0;
  nn::for_each_unnamed(net, [&](const auto&) { ++count; });
  CHECK(gradient(train::frozen(net), 0) == gradient(net, count));
  CHECK(train::frozen(net)(x, time) == net(x, time));
  Tape<float> tape;
  const auto in = tape.variable(x);
  net(in, time);
  CHECK_THROWS_AS(train::frozen(net)(in, time), ArgumentError);  // is trained on this tape
}

TEST_CASE("frozen: a named network is referred to, a temporary kept", "[train][frozen]") {
  Net net = mlp(1);
  const auto refers = train::frozen(net);
  const auto keeps = train::frozen(Net(net));
  CHECK(&refers.network() == &net);
  net = mlp(2);
  CHECK(same(refers.network(), mlp(2)));
  CHECK(same(keeps.network(), mlp(1)));
}

TEST_CASE("frozen: a part of a model is neither trained nor named", "[train][frozen]") {
  Rng rng(4);
  using State = train::FitState<Headed, train::AdamW<float>>;
  State state({train::frozen(mlp(1)), nn::Linear<float>({.in = 2, .out = 2}, rng)},
              train::AdamW<float>({.lr = 0.1}), 1);
  const auto head = state.model.head.weight.value;
  const auto x = Rng(2).normal({8, 2});
  const auto loss = [&](const Headed& net, Tape<float>& tape, const train::Examples& examples) {
    const auto batch = x.rows(examples.index);
    return mse(net(tape.constant(batch), Tensor<float>({batch.dim(0)}, 0.5f)), batch);
  };
  train::fit(state, loss, {.examples = 8, .batch = 8, .shard = 4, .steps = 3});
  CHECK(same(state.model.body.network(), mlp(1)));
  CHECK_FALSE(state.model.head.weight.value == head);
  CHECK(state.optimizer.slots.size() == 2);
  CHECK(&state.model.body.network() == &state.ema.body.network());
}

TEST_CASE("frozen: the average of a run is a teacher", "[train][frozen]") {
  // Tarvainen & Valpola 2017: loss of the data, and distance to what the average says of the same.
  const auto data = Rng(2).normal({32, 2});
  const NetworkDenoiser untrained(mlp(1), predict::Velocity{}, schedule::Cosine{});
  train::FitState state(untrained, train::Adam<float>({.lr = 1e-2}), 7);
  const auto loss_with = [&](const auto& teacher, const Net& net, Tape<float>& tape,
                             const train::Examples& examples) {
    const auto student = untrained.of(net);
    const auto batch = student.batch(data.rows(examples.index), Rng(5), examples.draws);
    const auto output = student.output(tape, batch);
    return batch.loss(output) +
           0.5f * mse(output - teacher.output(tape, batch), Tensor<float>(batch.target.shape()));
  };
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    return loss_with(untrained.of(train::frozen(state.ema)), net, tape, examples);
  };
  train::fit(state, loss, {.examples = 32, .batch = 32, .shard = 32, .steps = 5});

  Net net = mlp(1), ema = net;
  train::Adam<float> adam({.lr = 1e-2});
  train::Shuffle batches(32, 32, 7);
  for (Index step = 0; step < 5; ++step) {
    const auto batch = batches(step);
    const std::vector<std::uint64_t> samples(batch.begin(), batch.end());
    std::vector<std::uint64_t> slots(32);
    for (std::size_t i = 0; i < 32; ++i) slots[i] = i;
    Tape<float> tape;
    tape.freeze(ema);
    const auto value =
        loss_with(untrained.of(ema), net, tape,
                  {.index = batch,
                   .draws = {.samples = samples, .step = step, .strata = 32, .slots = slots}});
    adam.step(net, tape.backward(value));
    train::ema_update(ema, net, train::EmaDecay{}(step));
  }
  CHECK(same(state.model, net));
  CHECK(same(state.ema, ema));
  CHECK_FALSE(same(state.ema, mlp(1)));
}
