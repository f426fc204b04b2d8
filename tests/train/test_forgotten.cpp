// Covers: fit gradients optimizer
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "support/catch.hpp"

#include <memory>

using namespace foglift;

namespace {

/// y = out(silu(mid(silu(in(x))))).
struct Own {
  nn::Linear<float> in, mid, out;
  explicit Own(Rng& rng)
      : in({.in = 2, .out = 4}, rng),
        mid({.in = 4, .out = 4}, rng),
        out({.in = 4, .out = 2}, rng) {}
  template <class X>
  X operator()(const X& x) const {
    return out(silu(mid(silu(in(x)))));
  }
  static void each(auto& self, auto&& f) {
    f("in", self.in), f("mid", self.mid), f("out", self.out);
  }
};
/// The same network, naming two of three layers.
struct Forgetful {
  Own net;
  explicit Forgetful(Rng& rng) : net(rng) {}
  template <class X>
  X operator()(const X& x) const {
    return net(x);
  }
  static void each(auto& self, auto&& f) { f("in", self.net.in), f("out", self.net.out); }
};
/// One layer of a vector is used and not named.
struct HalfNamed {
  std::vector<nn::Linear<float>> layers;
  explicit HalfNamed(Rng& rng) {
    for (int i = 0; i < 2; ++i) layers.emplace_back(nn::LinearOptions{.in = 2, .out = 2}, rng);
  }
  template <class X>
  X operator()(const X& x) const {
    return layers[1](silu(layers[0](x)));
  }
  static void each(auto& self, auto&& f) { f("first", self.layers[0]); }
};
/// A student beside the teacher that it refers to.
struct Student {
  Own net;
  std::shared_ptr<const Own> teacher;
  static void each(auto& self, auto&& f) { f("net", self.net); }
};

template <class Net>
Var<float> loss_of(const Net& net, Tape<float>& tape) {
  return mse(net(tape.constant(Rng(2).normal({3, 2}))), Rng(3).normal({3, 2}));
}
template <class Net>
Gradients<float> gradients_of(const Net& net) {
  Tape<float> tape;
  return tape.backward(loss_of(net, tape));
}
template <class Net>
bool same(const Net& a, const Net& b) {
  bool equal = true;
  Net copy = a;
  train::for_each_pair("test", copy, b, [&](const std::string&, const auto& p, const auto& q) {
    equal = equal && p.value == q.value;
  });
  return equal;
}

}  // namespace

TEST_CASE("forgotten: a gradient of a child that each does not name ends the step",
          "[train][forgotten]") {
  Rng rng(1);
  Forgetful net(rng);
  const Forgetful before = net;
  const auto grads = gradients_of(net);
  const auto refuses = [&](auto rule) {
    CHECK_THROWS_AS(rule.step(net, grads), ArgumentError);
    CHECK_THROWS_WITH(rule.step(net, grads),
                      ContainsSubstring("2 parameters that the model's each() does not name: [4, 4]"
                                        " (behind 'in.bias'), [4] (behind 'in.bias')") &&
                          ContainsSubstring("it names 4: in.weight [2, 4], in.bias [4]"));
    CHECK(rule.slots.empty());
  };
  refuses(train::Adam<float>());
  refuses(train::AdamW<float>());
  refuses(train::Sgd<float>());
  CHECK(same(net, before));
  HalfNamed half(rng);
  CHECK_THROWS_WITH(train::Adam<float>().step(half, gradients_of(half)),
                    ContainsSubstring("[2, 2], [2]; it names 2: first.weight [2, 2]"));
}

TEST_CASE("forgotten: fit refuses such a model before it starts, and in the step",
          "[train][forgotten]") {
  Rng rng(1);
  using State = train::FitState<Forgetful, train::Adam<float>>;
  CHECK_THROWS_AS(State(Forgetful(rng), train::Adam<float>(), 1), ArgumentError);
  CHECK_THROWS_WITH(State(Forgetful(rng), train::Adam<float>(), 1),
                    ContainsSubstring("FitState: there are 2 parameters"));
  // What the loss reaches outside of the model shows in the step: here a second network.
  Own other(rng);
  train::FitState<Own, train::Adam<float>> state(Own(rng), train::Adam<float>(), 1);
  const auto loss = [&](const Own& net, Tape<float>& tape, const train::Examples&) {
    return loss_of(net, tape) + loss_of(other, tape);
  };
  const auto run = [&] { train::fit(state, loss, {.examples = 8, .batch = 8, .shard = 2}); };
  CHECK_THROWS_AS(run(), ArgumentError);
  CHECK_THROWS_WITH(run(), ContainsSubstring("fit: step 0: gradients reach 6 parameters"));
  CHECK(state.step == 0);
}

TEST_CASE("forgotten: gradients of several models are shared by saying so", "[train][forgotten]") {
  Rng rng(1);
  Own a(rng), b(rng), c(rng);
  Tape<float> tape;
  auto grads = tape.backward(loss_of(a, tape) + loss_of(b, tape));
  train::Sgd<float> rule;
  CHECK_THROWS_AS(rule.step(a, grads), ArgumentError);
  CHECK_THROWS_AS(train::share(grads, a), ArgumentError);  // b is none's
  CHECK_THROWS_AS(train::share(grads, a, c), ArgumentError);
  CHECK_THROWS_AS(rule.step(a, grads), ArgumentError);
  train::share(grads, a, b);
  Own alone = a;
  train::Sgd<float>().step(alone, gradients_of(alone));
  rule.step(a, grads);
  CHECK(same(a, alone));
  const Own before = b;
  train::Adam<float>().step(b, grads);
  CHECK_FALSE(same(b, before));
  // A part of a model, with the rest left as it is.
  auto part = gradients_of(c);
  const Own start = c;
  train::share(part, c);
  train::Sgd<float>().step(c.mid, part);
  CHECK(c.in.weight.value == start.in.weight.value);
  CHECK_FALSE(c.mid.weight.value == start.mid.weight.value);
}

TEST_CASE("forgotten: gradients of variables are no child's", "[train][forgotten]") {
  Rng rng(1);
  Own net(rng);
  Tape<float> tape;
  const auto x = tape.variable(Rng(2).normal({3, 2}));
  const auto grads = tape.backward(mse(net(x), Rng(3).normal({3, 2})));
  CHECK(grads.size() == 7);
  CHECK(grads.parameters() == 6);
  CHECK_NOTHROW(train::Adam<float>().step(net, grads));
}

TEST_CASE("frozen: parts are passed through and not trained, checkpointed or not",
          "[train][forgotten]") {
  for (const bool checkpoint : {false, true}) {
    Rng rng(1);
    nn::UNet1d<float> net({.in = 1,
                           .width = 4,
                           .multipliers = {1, 2},
                           .blocks = 1,
                           .heads = 2,
                           .groups = 2,
                           .checkpoint = checkpoint},
                          rng);
    const auto x = Rng(2).normal({2, 8, 1});
    const Tensor<float> t({2}, 0.4f);
    const auto backward = [&](bool freeze) {
      Tape<float> tape;
      if (freeze) tape.freeze(net.middle), tape.freeze(net.embedding), tape.freeze(net.middle);
      return tape.backward(mse(net(tape.constant(x), t), x));
    };
    const auto all = backward(false), some = backward(true);
    std::size_t frozen = 0;
    const auto count = [&](const auto& p) { frozen += some.find(p) == nullptr; };
    nn::for_each_unnamed(net.middle, count), nn::for_each_unnamed(net.embedding, count);
    CHECK(some.parameters() + frozen == all.parameters());
    nn::for_each_unnamed(net, [&](const auto& p) {
      if (some.find(p)) CHECK(some[p] == all[p]);
    });
    nn::UNet1d<float> before = net;
    train::Adam<float>().step(net, some);
    CHECK(net.middle.blocks[0].conv1.weight.value == before.middle.blocks[0].conv1.weight.value);
    CHECK_FALSE(net.input.weight.value == before.input.weight.value);
  }
  Rng rng(1);
  Own net(rng);
  Tape<float> tape;
  loss_of(net, tape);
  CHECK_THROWS_AS(tape.freeze(net), ArgumentError);
}

TEST_CASE("forgotten: a teacher behind a pointer is none of the model's", "[train][forgotten]") {
  Rng rng(1);
  using State = train::FitState<Student, train::AdamW<float>>;
  State state({Own(rng), std::make_shared<const Own>(rng)}, train::AdamW<float>(), 1);
  const Own teacher = *state.model.teacher;
  const auto x = Rng(2).normal({8, 2});
  const auto loss = [&](const Student& s, Tape<float>& tape, const train::Examples&) {
    tape.freeze(*s.teacher);
    return mse(s.net(tape.constant(x)), s.teacher->operator()(x)) +
           0.1f * loss_of(*s.teacher, tape);
  };
  train::fit(state, loss, {.examples = 8, .batch = 8, .steps = 3});
  CHECK(same(teacher, *state.model.teacher));
  CHECK(state.step == 3);
}

TEST_CASE("optimizer: an empty list of options is the default", "[train]") {
  CHECK(train::Adam<float>({}).options().lr == 1e-3);
  CHECK(train::AdamW<float>({}).options().weight_decay == 0.01);
  CHECK(train::AdamW<double>({}).options().weight_decay == 0.01);
  CHECK(train::Sgd<float>({}).options().lr == 1e-2);
  CHECK(train::AdamW({}).options().lr == 1e-3);
}
