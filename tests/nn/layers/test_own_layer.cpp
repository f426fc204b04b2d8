// Covers: chunk graph_conv module
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/graph_conv.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

// An exercise: a program writes a layer of the library's parts. Files touched: this one.

namespace {

/// Diffusion convolutional recurrent unit (Li et al. 2018): a GRU whose linear maps are graph
/// convolutions, over x [B, L, N, in] -> [B, L, N, hidden].
template <class T>
struct GraphGru {
  using value_type = T;
  nn::GraphConv<T> gates, candidate;

  GraphGru(Index in, Index hidden, const Csr<T>& graph, Rng& rng)
      : gates({.in = in + hidden, .out = 2 * hidden, .hops = 2}, {graph}, rng),
        candidate({.in = in + hidden, .out = hidden, .hops = 2}, {graph}, rng) {}

  template <nn::ValueOf<T> X>
  X operator()(const X& x) const {
    const Index B = x.dim(0), N = x.dim(2), hidden = candidate.linear.weight.value.dim(1);
    X h = constant(Tensor<T>({B, N, hidden}), x);
    std::vector<X> outputs;
    for (Index t = 0; t < x.dim(1); ++t) {
      const X now = reshape(slice(x, 1, t, 1), {B, N, x.dim(3)});
      const X both = sigmoid(gates(concat({now, h}, -1)));
      const X reset = nn::chunk(both, 0, 2), update = nn::chunk(both, 1, 2);
      const X next = tanh(candidate(concat({now, reset * h}, -1)));
      h = update * h + (1.0 - update) * next;
      outputs.push_back(reshape(h, {B, 1, N, hidden}));
    }
    return concat(outputs, 1);
  }
  static void each(auto& self, auto&& f) {
    f("gates", self.gates);
    f("candidate", self.candidate);
  }
};

template <Scalar T>
Csr<T> walk() {
  return nn::random_walk(Csr<T>::of(Tensor<T>({3, 3}, {0, 1, 0, 1, 0, 1, 0, 1, 0})));
}

}  // namespace

TEST_CASE("own layer: is a module like any other", "[nn][own]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 3, 3, 2});
  const GraphGru<double> layer(2, 4, walk<double>(), rng);
  CHECK(layer(x).shape() == Shape{2, 3, 3, 4});
  test::check_module(layer, [&](const auto& m, const auto& in) { return m(in(x)); });
  const GraphGru<float> small(2, 4, walk<float>(), rng);
  test::check_batches([&](const Tensor<float>& v) { return small(v); },
                      Rng(3).normal<float>({5, 3, 3, 2}));
}

TEST_CASE("own layer: what a node hears travels two hops a step", "[nn][own]") {
  Rng rng(1);
  const GraphGru<double> layer(1, 2, walk<double>(), rng);
  auto x = Rng(2).normal<double>({1, 2, 3, 1}), other = x;
  other(0, 0, 0, 0) += 1;  // node 0 reaches node 2 by the powers of the walk
  const auto a = layer(x), b = layer(other);
  CHECK_FALSE(slice(slice(a, 1, 0, 1), 2, 2, 1) == slice(slice(b, 1, 0, 1), 2, 2, 1));
}
