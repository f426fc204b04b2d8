// Covers: guided_graph
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/nn/blocks/guided_graph.hpp"
#include "foglift/nn/layers/attention.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

using T2 = Tensor<double>;

const nn::GuidedGraphOptions options{
    .width = 8, .heads = 2, .hops = 2, .embedding = 3, .condition = 2};

std::vector<Csr<double>> roads() {
  return nn::walks_both_ways(Csr<double>::of(T2({3, 3}, {0, 1, 0, 0, 0, 2, 1, 0, 0})));
}

template <class M, class... Args>
M made(const Args&... args) {
  Rng rng(1);
  M m(args..., rng);
  test::randomize(m, 2);
  return m;
}

const T2 x = Rng(2).normal<double>({2, 5, 3, 8}), guide = Rng(3).normal<double>({2, 5, 3, 8}),
         e = Rng(4).normal<double>({2, 3}), c = Rng(5).normal<double>({2, 5, 3, 2});

/// Nodes (axis 2) in the order 2, 0, 1.
T2 turned(const T2& h) { return concat({slice(h, 2, 2, 1), slice(h, 2, 0, 2)}, 2); }

}  // namespace

TEST_CASE("guided_graph: guided by itself, attention is a transformer's", "[nn][guided_graph]") {
  const auto guided = made<nn::GuidedAttention<double>>(8, 2);
  Rng rng(1);
  nn::MultiHeadAttention<double> own({.width = 8, .heads = 2}, rng);
  own.qkv->weight.value = concat({guided.qk.weight.value, guided.v.weight.value}, 1);
  own.qkv->bias->value = concat({guided.qk.bias->value, guided.v.bias->value}, 0);
  own.proj = guided.proj;
  const T2 rows = x.reshaped({10, 3, 8});
  const T2 expected = guided.norm(rows + own(rows)), y = guided(x, x);
  for (Index i = 0; i < y.size(); ++i) CHECK_THAT(y[i], WithinAbs(expected[i], 1e-13));
}

TEST_CASE("guided_graph: a guide that is the same everywhere gives the mean of the values",
          "[nn][guided_graph]") {
  const auto guided = made<nn::GuidedAttention<double>>(8, 2);
  const T2 even(x.shape(), 0.7);
  const T2 y = guided.along_second(x, even);
  const T2 expected = guided.norm(
      x + guided.proj(reshape(mean(guided.v(x), 1), {2, 1, 3, 8}) * T2(x.shape(), 1.0)));
  for (Index i = 0; i < y.size(); ++i) CHECK_THAT(y[i], WithinAbs(expected[i], 1e-13));
}

TEST_CASE("guided_graph: are modules", "[nn][guided_graph]") {
  test::check_module(made<nn::GraphGuide<double>>(options, roads()),
                     [&](const auto& m, const auto& in) { return m(in(x)); });
  test::check_module(made<nn::GuidedGraphBlock<double>>(options, roads()),
                     [&](const auto& m, const auto& in) {
                       const auto told = in(c), time = in(e);
                       const auto out = m(in(x), in(guide), &time, &told);
                       return concat({out.x, out.skip}, 3);
                     });
}

TEST_CASE("guided_graph: nodes in another order are said in that order", "[nn][guided_graph]") {
  std::vector<Csr<double>> moved;
  for (const auto& m : roads()) {
    auto entries = m.entries();
    for (auto& entry : entries)
      entry.row = (entry.row + 1) % 3, entry.column = (entry.column + 1) % 3;
    moved.emplace_back(3, 3, entries);
  }
  const auto block = made<nn::GuidedGraphBlock<double>>(options, roads()),
             other = made<nn::GuidedGraphBlock<double>>(options, moved);
  const auto hear = made<nn::GraphGuide<double>>(options, roads()),
             hear2 = made<nn::GraphGuide<double>>(options, moved);
  const T2 told = turned(c);
  const auto a = block(x, guide, &e, &c), b = other(turned(x), turned(guide), &e, &told);
  const T2 expected[] = {turned(a.x), turned(a.skip), turned(hear(x))},
           found[] = {b.x, b.skip, hear2(turned(x))};
  for (int k = 0; k < 3; ++k)
    for (Index i = 0; i < x.size(); ++i) CHECK_THAT(found[k][i], WithinAbs(expected[k][i], 1e-12));
}

TEST_CASE("guided_graph: errors say what does not fit", "[nn][guided_graph]") {
  const auto block = made<nn::GuidedGraphBlock<double>>(options, roads());
  CHECK_THROWS_WITH(block(x, x.rows(0, 1), &e, &c),
                    "GuidedGraphBlock: input [2, 5, 3, 8] and guide [1, 5, 3, 8], expected [batch, "
                    "times, nodes, width] twice");
  Rng rng(1);
  CHECK_THROWS_AS(nn::GuidedAttention<double>(4, 3, rng), ArgumentError);
  CHECK_THROWS_AS(nn::GuidedAttention<double>(4, 0, rng), ArgumentError);
}
