// Covers: two_way_state_space state_space_block skip_stack
#include "foglift/nn/blocks/state_space_block.hpp"
#include "foglift/nn/nets/skip_stack.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

template <class Block>
nn::SkipStack<Block> stack(Index depth = 2, Index condition = 2) {
  Rng rng(1);
  nn::SkipStack<Block> net({.in = 2,
                            .out = 3,
                            .depth = depth,
                            .block = {.width = 4, .modes = 2, .condition = condition},
                            .embedding = {.features = 4, .width = 5, .time_scale = 10}},
                           rng);
  test::randomize(net, 1);
  return net;
}

template <class Block>
void check() {
  const auto x = Rng(2).normal<double>({1, 3, 2}), c = Rng(3).normal<double>({1, 3, 2});
  const Tensor<double> time({1}, {0.4});
  test::check_module(stack<Block>(), [&](const auto& m, const auto& in) {
    const auto told = in(c);
    return m(in(x), time, &told);
  });
}

double largest(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE("skip_stack: of state-space blocks is a module", "[nn][state_space]") {
  check<nn::StateSpaceBlock<double>>();
}

TEST_CASE("skip_stack: of blocks of two state spaces is a module", "[nn][state_space]") {
  check<nn::DoubleStateSpaceBlock<double>>();
}

TEST_CASE("two_way_state_space: sees both ways alike", "[nn][state_space]") {
  Rng rng(1);
  nn::TwoWayStateSpace<double> layer({.channels = 3, .modes = 2}, rng);
  test::randomize(layer, 1);
  const auto x = Rng(2).normal<double>({2, 6, 3});
  nn::TwoWayStateSpace<double> turned = layer;
  std::swap(turned.forward, turned.backward);
  CHECK(largest(flip(turned(flip(x, 1)), 1), layer(x)) < 1e-12);
  // The last output depends on the first input, and the first on the last.
  for (const Index at : {0, 5}) {
    auto changed = x;
    changed(0, at, 1) += 1;
    const auto y = layer(changed), before = layer(x);
    CHECK(std::abs(y(0, 5 - at, 2) - before(0, 5 - at, 2)) > 1e-6);
    CHECK(y.rows(1, 1) == before.rows(1, 1));
  }
}

TEST_CASE("skip_stack: is what the papers draw", "[nn][state_space]") {
  const auto x = Rng(2).normal<double>({2, 5, 4}), e = Rng(3).normal<double>({2, 5}),
             c = Rng(4).normal<double>({2, 5, 2});
  const auto every = [](const Tensor<double>& rows) { return rows.reshaped({2, 1, 4}); };
  const auto one = stack<nn::StateSpaceBlock<double>>(1);
  const auto& block = one.blocks[0];
  const auto h = block.ssm(x + every(block.embed(e))) + (*block.condition)(c);
  const auto told = block.output(tanh(h) * sigmoid(h));
  const auto out = block(x, &e, &c);
  CHECK(largest(out.x, x + slice(told, 2, 0, 4)) < 1e-12);
  CHECK(largest(out.skip, slice(told, 2, 4, 4)) < 1e-12);

  const auto other = stack<nn::DoubleStateSpaceBlock<double>>(1);
  const auto& two = other.blocks[0];
  const auto between = two.before(two.conv(x + every((*two.gated.embed)(e)))) + (*two.condition)(c);
  const auto gates = two.after(between);
  const auto both = two.gated.output(sigmoid(slice(gates, 2, 0, 4)) * tanh(slice(gates, 2, 4, 4)));
  const auto out2 = two(x, &e, &c);
  CHECK(largest(out2.x, (x + slice(both, 2, 0, 4)) * std::sqrt(0.5)) < 1e-12);
  CHECK(largest(out2.skip, slice(both, 2, 4, 4)) < 1e-12);
  // SSSD normalizes behind a state space, TSDiff before it.
  const auto u = two.conv(x);
  CHECK(largest(two.before(u),
                two.before.norm(
                    u + two.before.mix(gelu(two.before.forward(u).sequence +
                                            flip(two.before.backward(flip(u, 1)).sequence, 1))))) <
        1e-12);
}
