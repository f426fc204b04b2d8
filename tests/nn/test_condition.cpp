// Covers: call diffusion/condition feed_forward layers/attention layers/embedding network
//   nn/condition uvit
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/hooks/record.hpp"
#include "foglift/nn/layers/feed_forward.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "nn/denoiser_checks.hpp"
#include "nn/small_networks.hpp"

using namespace foglift;

namespace {

using T2 = Tensor<double>;
using V2 = Var<double>;

/// Options of a network that is told maps, too.
template <class Options>
Options with_map(Options o) {
  o.map = 2;
  return o;
}
/// f(network) for all that take every kind of condition, of samples [8, 1].
template <class F>
void each_network(const F& f) {
  f(test::made<nn::Dit1d<double>>(with_map(test::small_transformer()), 1));
  f(test::made<nn::UVit1d<double>>(with_map(test::small_transformer()), 3));
  f(test::made<nn::UNet1d<double>>(with_map(test::small_unet()), 5));
}

const T2 x = Rng(2).normal<double>({4, 8, 1});
const T2 t = test::times<double>(4);

/// Every kind of condition, for 4 samples.
nn::Condition<double> everything() {
  auto c = test::told<double>(4, 3, 5);
  c.map = Rng(11).normal<double>({4, 8, 2});
  return c;
}

/// The same condition over Vars made of these three.
nn::Condition<V2> over(std::span<const V2> vector_sequence_map, const nn::Condition<double>& c) {
  return {.labels = c.labels,
          .vector = vector_sequence_map[0],
          .sequence = vector_sequence_map[1],
          .mask = c.mask,
          .map = vector_sequence_map[2],
          .present = c.present};
}

/// An encoder of a condition: a linear layer of 4 features to each kind of condition.
struct Encoder {
  nn::Linear<double> vector, sequence, map;
  explicit Encoder(Rng& rng)
      : vector({.in = 4, .out = 2}, rng),
        sequence({.in = 4, .out = 15}, rng),
        map({.in = 4, .out = 16}, rng) {}
  nn::Condition<V2> operator()(const V2& seen) const {
    const Index B = seen.dim(0);
    return {.vector = vector(seen),
            .sequence = reshape(sequence(seen), {B, 5, 3}),
            .map = reshape(map(seen), {B, 8, 2})};
  }
  static void each(auto& self, auto&& f) {
    f("vector", self.vector), f("sequence", self.sequence), f("map", self.map);
  }
};

}  // namespace

TEST_CASE("condition: over Vars it says what it says over Tensors, to the bit", "[nn][condition]") {
  const auto c = everything();
  each_network([&](const auto& net) {
    const T2 y = net(x, t, c);
    Tape<double> tape;
    const std::vector<V2> parts{tape.variable(*c.vector), tape.variable(*c.sequence),
                                tape.variable(*c.map)};
    CHECK(test::same_bits(net(tape.constant(x), t, over(parts, c)).value(), y));
  });
}

TEST_CASE("condition: gradients reach it, through the network and through hooks",
          "[nn][condition]") {
  auto c = everything();
  each_network([&](const auto& net) {
    for (const bool dropped : {false, true}) {
      c.present = dropped ? std::optional<T2>(T2({4}, {1, 0, 1, 1})) : std::nullopt;
      const std::string cross = net.attention_names().back();
      const auto report = gradcheck(
          [&](std::span<const V2> in) {
            nn::hooks::Record<V2> seen({.weights = {cross}});
            const V2 y = net(in[0].tape().constant(x), t, over(in, c), nn::Call(seen));
            return sum(square(y)) + sum(square(seen.seen.weights.at(cross)));
          },
          {*c.vector, *c.sequence, *c.map}, {.points = 4, .step = 1e-3, .max_entries = 10});
      INFO(report);
      CHECK(report.max_error < 1e-6);
    }
  });
}

TEST_CASE("condition: an encoder is trained through it", "[nn][condition]") {
  const auto net = test::made<nn::Dit1d<double>>(with_map(test::small_transformer()), 1);
  Rng rng(6);
  Encoder encoder(rng);
  const T2 seen = Rng(7).normal<double>({4, 4}), target = Rng(8).normal<double>(x.shape());
  const auto loss = [&](const Encoder& e, Tape<double>& tape) {
    return mse(net(tape.constant(x), t, e(tape.constant(seen))), target);
  };
  const auto report = nn::gradcheck(encoder, loss, {.points = 4, .step = 1e-3, .max_entries = 10});
  INFO(report);
  CHECK(report.max_error < 1e-6);
  double first = 0, last = 0;
  for (int step = 0; step < 50; ++step) {
    Tape<double> tape;
    const V2 value = loss(encoder, tape);
    const auto gradients = tape.backward(value);
    nn::for_each_parameter(encoder, [&](const std::string&, auto& p) {
      const T2& g = gradients[p];
      for (Index i = 0; i < g.size(); ++i) p.value[i] = p.value[i] - 0.05 * g[i];
    });
    last = value.value().item();
    if (step == 0) first = last;
  }
  CHECK(last < 0.9 * first);
}

TEST_CASE("condition: a map acts where it stands", "[nn][condition]") {
  each_network([](const auto& net) {
    nn::Condition<double> c, zero;
    zero.map = T2({4, 8, 2});
    CHECK(net(x, t, zero) == net(x, t));
    c.map = zero.map;
    (*c.map)(2, 3, 1) = 1;
    const T2 changed = net(x, t, c), plain = net(x, t);
    CHECK_FALSE(changed.rows(2, 1) == plain.rows(2, 1));
    CHECK(changed.rows(0, 2) == plain.rows(0, 2));
  });
}

TEST_CASE("condition: a sample that is dropped is told what one without a condition is",
          "[nn][condition]") {
  const auto all = everything();
  each_network([&](const auto& net) {
    const T2 untold = net(x, t), told = net(x, t, all);
    const auto check = [&](const nn::Condition<double>& c) {
      auto dropped = c;
      dropped.present = T2({4}, {1, 0, 0, 1});
      const T2 y = net(x, t, dropped), with = net(x, t, c);
      CHECK(test::same_bits(y.rows(0, 1), with.rows(0, 1)));
      CHECK(test::same_bits(y.rows(3, 1), with.rows(3, 1)));
      // The same sums, to which zeros are added
      for (Index i = 8; i < 24; ++i) CHECK_THAT(y[i], WithinAbs(untold[i], 1e-13));
      // What is not there is never read.
      for (auto* field : {&dropped.vector, &dropped.sequence, &dropped.map})
        if (*field)
          for (Index i = (*field)->size() / 4; i < (*field)->size() / 2; ++i)
            (**field)[i] = std::numeric_limits<double>::quiet_NaN();
      CHECK(test::same_bits(net(x, t, dropped), y));
      Tape<double> tape;
      CHECK(test::same_bits(net(tape.constant(x), t, dropped).value(), y));
    };
    check({.labels = all.labels});
    check({.vector = all.vector});
    check({.sequence = all.sequence});
    check({.sequence = all.sequence, .mask = all.mask});
    check({.map = all.map});
    check(all);
    CHECK_FALSE(told == untold);
  });
}

TEST_CASE("condition: drop hides samples of its own", "[nn][condition]") {
  const nn::Condition<float> c{.labels = std::vector<Index>(4000, 1)};
  const nn::DropoutNoise noise{.rng = Rng(3), .first_sample = 100, .step = 7};
  const auto dropped = nn::drop(c, 0.1, noise);
  double gone = 0;
  for (const float p : *dropped.present) gone += p == 0 ? 1 : 0;
  // binomial: 400, with a deviation of sqrt(4000 * 0.1 * 0.9) = 19; five of those
  CHECK(std::abs(gone - 400) < 95);
  CHECK(dropped.labels == c.labels);
  for (Index b = 0; b < 4000; ++b)
    CHECK(((*dropped.present)[b] == 0) ==
          (Rng(3).uniform(100 + static_cast<std::uint64_t>(b), 7) < 0.1));
  // Samples of a part are those of the whole; another step hides others.
  const auto part =
      nn::drop(nn::rows(c, 1000, 500), 0.1, {.rng = Rng(3), .first_sample = 1100, .step = 7});
  CHECK(*part.present == dropped.present->rows(1000, 500));
  CHECK_FALSE(*nn::drop(c, 0.1, {.rng = Rng(3), .first_sample = 100, .step = 8}).present ==
              *dropped.present);
  // Once more, and those that are gone stay so.
  const auto twice = nn::drop(dropped, 0.5, {.rng = Rng(4), .step = 0});
  for (Index b = 0; b < 4000; ++b)
    if ((*dropped.present)[b] == 0) CHECK((*twice.present)[b] == 0);
  CHECK_FALSE(nn::drop(nn::Condition<float>{}, 0.5, noise).present);
  Tape<float> tape;
  const nn::Condition<Var<float>> var{.sequence = tape.constant(Tensor<float>({3, 2, 1}))};
  CHECK(nn::drop(var, 1, noise).present == Tensor<float>({3}));
  CHECK_THROWS_AS(nn::drop(c, 1.5, noise), ArgumentError);
}

TEST_CASE("condition: what a network was not built for is refused", "[nn][condition]") {
  const auto net = test::made<nn::Mlp<double>>({.in = 2, .width = 8}, 1);
  const T2 two({1, 2}), time({1});
  CHECK_THROWS_WITH(net(two, time, {.map = T2({1, 2})}),
                    "Mlp: a condition map for a network built without one");
  CHECK_THROWS_AS(net(two, time, {.present = T2({2})}), ShapeError);
  Tape<double> tape;
  const nn::Condition<V2> c{.vector = tape.constant(T2({1, 2}))};
  CHECK_THROWS_AS(net(tape.constant(two), time, c), ArgumentError);
  each_network([](const auto& n) {
    CHECK_THROWS_WITH(n(x, t, {.map = T2({4, 4, 2})}),
                      ContainsSubstring("condition map [4, 4, 2], expected [4, 8, 2]"));
    CHECK_THROWS_AS(n(x, t, {.map = T2({4, 8, 3})}), ShapeError);
  });
}
