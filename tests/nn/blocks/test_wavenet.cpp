// Covers: blocks/wavenet
#include "foglift/nn/blocks/wavenet.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

Tensor<double> joined(const nn::SkipOutput<Tensor<double>>& y) { return concat({y.x, y.skip}, -1); }
Var<double> joined(const nn::SkipOutput<Var<double>>& y) { return concat({y.x, y.skip}, -1); }

}  // namespace

TEST_CASE("wavenet block: by hand on one channel", "[nn][wavenet]") {
  Rng rng(1);
  for (const bool causal : {false, true}) {
    nn::WavenetBlock<double> block(
        {.width = 1, .embedding = 1, .condition = 1, .dilation = 2, .causal = causal}, rng);
    test::randomize(block, 1);
    const Tensor<double> x({1, 4, 1}, {1, 2, 3, 4}), e({1, 1}, {0.5}), c({1, 4, 1}, {1, -1, 2, 0});
    const auto out = block(x, &e, &c);
    const double shift =
        0.5 * block.gated.embed->weight.value[0] + block.gated.embed->bias->value[0];
    for (Index t = 0; t < 4; ++t) {
      double h[2];
      for (Index k = 0; k < 2; ++k) {
        h[k] = block.conv.bias->value[k] + block.gated.condition->bias->value[k] +
               c[t] * block.gated.condition->weight.value[k];
        for (Index tap = 0; tap < 3; ++tap) {
          const Index at = t + 2 * (causal ? tap - 2 : tap - 1);
          if (at >= 0 && at < 4) h[k] += (x[at] + shift) * block.conv.weight.value(tap, 0, k);
        }
      }
      const double gate = logistic(h[0]) * std::tanh(h[1]);
      const auto& o = block.gated.output;
      CHECK_THAT(
          out.x[t],
          WithinAbs((x[t] + gate * o.weight.value[0] + o.bias->value[0]) / std::sqrt(2.0), 1e-14));
      CHECK_THAT(out.skip[t], WithinAbs(gate * o.weight.value[1] + o.bias->value[1], 1e-14));
    }
  }
}

TEST_CASE("wavenet block: is a module, and causal where asked for", "[nn][wavenet]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 7, 3}), e = Rng(3).normal<double>({2, 4}),
             c = Rng(4).normal<double>({2, 7, 2});
  test::check_module(nn::WavenetBlock<double>({.width = 3, .embedding = 4, .condition = 2}, rng),
                     [&](const auto& m, const auto& in) {
                       const auto embedded = in(e), told = in(c);
                       return joined(m(in(x), &embedded, &told));
                     });
  const nn::WavenetBlock<double> causal({.width = 3, .kernel = 2, .dilation = 2, .causal = true},
                                        rng);
  test::check_module(causal, [&](const auto& m, const auto& in) { return joined(m(in(x))); });
  auto later = x;
  for (Index ch = 0; ch < 3; ++ch) later(0, 4, ch) += 1;
  const auto before = joined(causal(x)), after = joined(causal(later));
  CHECK(slice(before, 1, 0, 4) == slice(after, 1, 0, 4));
  CHECK_FALSE(slice(before, 1, 6, 1) == slice(after, 1, 6, 1));
}

TEST_CASE("wavenet block: errors say what does not fit", "[nn][wavenet]") {
  Rng rng(1);
  const nn::WavenetBlock<float> block({.width = 3}, rng);
  const Tensor<float> x({2, 7, 3}), e({2, 4});
  CHECK_THROWS_WITH(block(x, &e), "GatedResidual: built without an embedding, called with one");
  CHECK_THROWS_AS(block(x, static_cast<const Tensor<float>*>(nullptr), &x), ArgumentError);
  CHECK_THROWS_AS(nn::WavenetBlock<float>({.width = 3, .kernel = 2}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::WavenetBlock<float>({.width = 0}, rng), ArgumentError);
}
