// Covers: call dit hook join layers/attention on_block record replace stop_after
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/hooks/join.hpp"
#include "foglift/nn/hooks/on_block.hpp"
#include "foglift/nn/hooks/perturb.hpp"
#include "foglift/nn/hooks/record.hpp"
#include "foglift/nn/hooks/replace.hpp"
#include "foglift/nn/hooks/stop_after.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "nn/denoiser_checks.hpp"
#include "nn/small_networks.hpp"

using namespace foglift;
namespace hooks = nn::hooks;

namespace {

using Names = std::vector<std::string>;
using T2 = Tensor<double>;
using V2 = Var<double>;

/// A hook of one's own: scales the attention of some positions to one token of the sequence, as
/// prompt-to-prompt's reweighting does, and counts the blocks that it passes.
struct Reweight {
  std::string at;
  Index token;
  double by;
  int blocks = 0;

  template <Value X>
  X weights(std::string_view name, const X& w) const {
    if (name != at) return w;
    Tensor<scalar_of<X>> scales({1, 1, 1, w.dim(3)}, 1);
    scales[token] = static_cast<scalar_of<X>>(by);
    return w * constant(scales, w);
  }
  template <Value X>
  void block(std::string_view, const X&) {
    ++blocks;
  }
};

/// h + shift at one block, where shift is a Value of one's own.
template <Value X>
struct Shift {
  std::string at;
  X shift;
  std::optional<X> block(std::string_view name, const X& h) const {
    if (name != at) return std::nullopt;
    return h + shift;
  }
};

/// Tells of how many samples it is asked.
struct Batches {
  std::vector<Index>& seen;
  void block(std::string_view, const T2& h) { seen.push_back(h.dim(0)); }
};
struct Alike : Batches {
  static constexpr bool alike = true;
};

const nn::Dit1d<double>& dit() {
  static const auto net = test::made<nn::Dit1d<double>>(test::small_transformer(), 1);
  return net;
}
const nn::UVit1d<double>& uvit() {
  static const auto net = test::made<nn::UVit1d<double>>(test::small_transformer(), 3);
  return net;
}
const nn::UNet1d<double>& unet() {
  static const auto net = test::made<nn::UNet1d<double>>(test::small_unet(), 5);
  return net;
}
template <class F>
void each_network(const F& f) {
  f(dit());
  f(uvit());
  f(unet());
}

const T2 x = Rng(2).normal<double>({2, 8, 1});
const T2 t = test::times<double>(2);
const auto told = test::told<double>(2, 3, 5);

}  // namespace

TEST_CASE("hook: a user's own, on Tensor and Var", "[nn][hook]") {
  Reweight hook{"blocks.1.cross", 2, 3.0};
  const T2 plain = dit()(x, t, told), changed = dit()(x, t, told, nn::Call(hook));
  CHECK(hook.blocks == 4);
  CHECK_FALSE(changed == plain);
  Tape<double> tape;
  CHECK(dit()(tape.constant(x), t, told, nn::Call(hook)).value() == changed);
  // Against the block by its parts: weights that are scaled are values that are scaled.
  struct Scaled {
    std::optional<T2> attend(std::string_view name, const T2& q, const T2& k, const T2& v) const {
      if (name != "blocks.1.cross") return std::nullopt;
      T2 scaled = v;
      for (Index b = 0; b < v.dim(0); ++b)
        for (Index c = 0; c < v.dim(2); ++c) scaled(b, 2, c) *= 3;
      return attention(q, k, scaled, 2, &*told.mask);
    }
  };
  const T2 expected = dit()(x, t, told, nn::Call(Scaled{}));
  // sums of some 5 products of order 1 in another order, through one block more
  for (Index i = 0; i < plain.size(); ++i) CHECK_THAT(changed[i], WithinAbs(expected[i], 1e-12));
}

TEST_CASE("hook: weights are of sum 1, and what they make is what attention makes", "[nn][hook]") {
  each_network([](const auto& net) {
    hooks::Record<T2> seen({.weights = net.attention_names()});
    const T2 plain = net(x, t, told);
    CHECK(test::same_bits(net(x, t, told, nn::Call(seen)), plain));
    REQUIRE(seen.seen.weights.size() == net.attention_names().size());
    for (const auto& [name, w] : seen.seen.weights) {
      INFO(name << " " << w.shape());
      CHECK(w.dim(1) == 2);
      if (name.ends_with(".cross")) CHECK(w.dim(3) == 5);
      for (Index row = 0; row < w.size(); row += w.dim(3)) {
        double sum = 0;
        for (Index j = 0; j < w.dim(3); ++j) sum += w[row + j];
        CHECK_THAT(sum, WithinAbs(1, 1e-14));
        if (name.ends_with(".cross")) {  // the mask hides place b of sample b
          CHECK(w[row + row / (w.size() / 2)] == 0);
        }
      }
    }
    const T2 same = net(x, t, told, nn::Call(hooks::Replace(seen.seen)));
    // each attention's sums of at most 10 products of order 1 in another order, through the net
    for (Index i = 0; i < plain.size(); ++i) CHECK_THAT(same[i], WithinAbs(plain[i], 1e-12));
  });
}

TEST_CASE("hook: queries, keys, values and blocks of one call in another", "[nn][hook]") {
  const T2 other = Rng(9).normal<double>({2, 8, 1});
  each_network([&](const auto& net) {
    const std::string last = net.block_names().back();
    hooks::Record<T2> seen({.blocks = {last},
                            .queries = net.attention_names(),
                            .keys = net.attention_names(),
                            .values = net.attention_names()});
    const T2 source = net(x, t, told, nn::Call(seen)), plain = net(other, t, told);
    // The last block's output is all that the end of the network is told.
    CHECK(test::same_bits(
        net(other, t, told, nn::Call(hooks::Replace<T2>({.blocks = seen.seen.blocks}))), source));
    auto attention = seen.seen;
    attention.blocks.clear();
    hooks::Record<T2> again({.keys = net.attention_names()});
    const T2 mixed = net(other, t, told, nn::Call(hooks::Join(hooks::Replace(attention), again)));
    CHECK_FALSE(mixed == plain);
    CHECK_FALSE(mixed == source);
    CHECK(again.seen.keys == attention.keys);  // shown what the first has put in place
    CHECK(test::same_bits(net(x, t, told, nn::Call(hooks::Replace(attention))), source));
  });
}

TEST_CASE("hook: queries, keys and values are the parts of the projections", "[nn][hook]") {
  const Names places{"blocks.0.self", "blocks.0.cross"};
  hooks::Record<T2> seen(
      {.blocks = {"input"}, .queries = places, .keys = places, .values = places});
  dit()(x, t, told, nn::Call(seen));
  const auto& block = dit().blocks[0];
  const T2 m = block.modulation(dit().embedding(t, told, x));
  const T2 self = (*block.attention.qkv)(block.norm(seen.seen.blocks.at("input"), m, 0, 1));
  CHECK(seen.seen.queries.at(places[0]) == nn::chunk(self, 0, 3));
  CHECK(seen.seen.keys.at(places[0]) == nn::chunk(self, 1, 3));
  CHECK(seen.seen.values.at(places[0]) == nn::chunk(self, 2, 3));
  const T2 cross = (*block.cross->kv)(*told.sequence);
  CHECK(seen.seen.keys.at(places[1]) == nn::chunk(cross, 0, 2));
  CHECK(seen.seen.values.at(places[1]) == nn::chunk(cross, 1, 2));
}

TEST_CASE("hook: gradients flow through what is read, to the input", "[nn][hook]") {
  each_network([](const auto& net) {
    const std::string block = net.block_names()[2], attention = net.attention_names().back();
    const auto report = gradcheck(
        [&](std::span<const V2> in) {
          hooks::Record<V2> seen(
              {.blocks = {block}, .queries = {attention}, .weights = {attention}});
          net(in[0], t, told, nn::Call(seen));
          return sum(square(seen.seen.blocks.at(block))) + sum(seen.seen.queries.at(attention)) +
                 sum(square(seen.seen.weights.at(attention)));
        },
        {x}, {.points = 4, .step = 1e-3});
    INFO(report);
    CHECK(report.max_error < 1e-6);
  });
}

TEST_CASE("hook: gradients flow through what is put in place", "[nn][hook]") {
  each_network([](const auto& net) {
    const std::string block = net.block_names()[2], attention = net.attention_names().front();
    hooks::Record<T2> shapes({.blocks = {block}, .weights = {attention}});
    net(x, t, told, nn::Call(shapes));
    const T2 shift = Rng(4).normal<double>(shapes.seen.blocks.at(block).shape());
    const T2 weights = shapes.seen.weights.at(attention);
    const auto report = gradcheck(
        [&](std::span<const V2> in) {
          hooks::Activations<V2> by;
          by.weights.emplace(attention, in[2]);
          return net(in[0], t, told,
                     nn::Call(hooks::Join(Shift<V2>{block, in[1]}, hooks::Replace(by))));
        },
        {x, shift, weights}, {.points = 4, .step = 1e-3, .max_entries = 10});
    INFO(report);
    CHECK(report.max_error < 1e-6);
  });
}

TEST_CASE("hook: an early exit computes what the whole pass does, and no more", "[nn][hook]") {
  each_network([]<class Net>(const Net& net) {
    const Names names = net.block_names();
    hooks::Record<T2> whole({.blocks = names});
    net(x, t, told, nn::Call(whole));
    Net broken = net;  // the end of the network can not be run without a trace
    nn::for_each_parameter(broken.norm, [](const std::string&, auto& p) {
      p.value.fill(std::numeric_limits<double>::quiet_NaN());
    });
    for (std::size_t last = 0; last < names.size(); ++last) {
      Names seen;
      hooks::Record<T2> part({.blocks = {names[last]}});
      const hooks::OnBlock count(
          [&](std::string_view name, const auto&) { seen.emplace_back(name); });
      const auto hook = [&] {
        return nn::Call(hooks::Join(hooks::Join(part, count), hooks::StopAfter(names[last])));
      };
      CHECK(broken(x, t, told, hook()) == T2(x.shape()));
      CHECK(seen == Names(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(last) + 1));
      CHECK(test::same_bits(part.seen.blocks.at(names[last]), whole.seen.blocks.at(names[last])));
      Tape<double> tape;
      const nn::Call recorded(hooks::Join(count, hooks::StopAfter(names[last])));
      CHECK(broken(tape.variable(x), t, told, recorded).value() == T2(x.shape()));
    }
  });
  const auto mlp = test::made<nn::Mlp<double>>({.in = 2, .out = 3, .width = 8, .depth = 3}, 7);
  Names seen;
  const hooks::OnBlock count([&](std::string_view name, const auto&) { seen.emplace_back(name); });
  CHECK(mlp(T2({4, 2}), T2({4}), {}, nn::Call(hooks::Join(count, hooks::StopAfter("layers.1")))) ==
        T2({4, 3}));
  CHECK(seen == Names{"layers.0", "layers.1"});
}

TEST_CASE("hook: where a checkpointed block is hooked, gradients stay", "[nn][hook]") {
  const auto gradients = [](bool checkpoint) {
    auto o = test::small_transformer();
    o.checkpoint = checkpoint;
    const auto net = test::made<nn::Dit1d<double>>(o, 1);
    Tape<double> tape;
    const V2 at = tape.variable(x);
    hooks::Record<V2> seen({.queries = {"blocks.1.self"}});
    const V2 y = net(at, t, told, nn::Call(seen));
    return tape.backward(sum(square(y)) + sum(seen.seen.queries.at("blocks.1.self")))[at];
  };
  CHECK(gradients(true) == gradients(false));
}

TEST_CASE("hook: those that treat samples alike are asked in parts, others about all",
          "[nn][hook]") {
  const auto net = test::made<nn::Mlp<double>>({.in = 2, .width = 512, .depth = 1}, 8);
  const Index B = 8000;  // 8 million numbers live at once are the most
  const T2 many = Rng(3).normal<double>({B, 2}), times({B}, 0.3);
  std::vector<Index> whole, parts;
  set_threads(1);
  const T2 y = net(many, times, {}, nn::Call(Batches{whole}));
  CHECK(whole == std::vector<Index>{B});
  CHECK(net(many, times, {}, nn::Call(Alike{{parts}})) == y);
  CHECK(parts.size() > 1);
}

TEST_CASE("hook: a network called with one bound", "[nn][hook]") {
  const nn::WithCall skipping(dit(), nn::Call(hooks::SkipBlocks({"blocks.1"})));
  const hooks::SkipBlocks skip({"blocks.1"});
  CHECK(skipping(x, t, told) == dit()(x, t, told, nn::Call(skip)));
  CHECK(skipping(x, t) == dit()(x, t, {}, nn::Call(skip)));
  hooks::Record<T2> seen({.blocks = {"blocks.0"}});
  const nn::WithCall recording(dit(), nn::Call(seen));
  recording(x, t, told);
  CHECK(seen.seen.blocks.contains("blocks.0"));
}

TEST_CASE("hook: what does not fit is refused", "[nn][hook]") {
  const auto run = [](auto hook) { dit()(x, t, told, nn::Call(hook)); };
  CHECK_THROWS_WITH(run(hooks::Record<T2>({.blocks = {"blocks.7"}})),
                    "Record: no 'blocks.7' in this Dit");
  CHECK_THROWS_AS(run(hooks::Record<T2>({.queries = {"blocks.1"}})), ArgumentError);
  CHECK_THROWS_AS(run(hooks::StopAfter("blocks.1.self")), ArgumentError);
  CHECK_THROWS_AS(run(hooks::Replace<T2>({.keys = {{"blocks.1", x}}})), ArgumentError);
  CHECK_THROWS_WITH(
      run(hooks::Replace<T2>({.blocks = {{"blocks.1", x}}})),
      "hook: returned [2, 8, 1] at blocks.1 in the place of [2, 4, 8]; the same shape "
      "is needed");
  CHECK_THROWS_AS(run(hooks::IdentityAttention({"blocks.1.cross"})), ShapeError);
}
