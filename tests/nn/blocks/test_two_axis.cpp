// Covers: two_axis
#include "foglift/nn/blocks/two_axis.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

TEST_CASE("two_axis: each layer mixes its own axis", "[nn][two_axis]") {
  Rng rng(1);
  const nn::TwoAxisBlock<double> block({.width = 4, .heads = 2, .hidden = 5}, rng);
  const auto x = Rng(2).normal<double>({2, 3, 5, 4});
  const auto y = block(x);
  // By hand: series k alone over its times, then time t alone over its series.
  for (Index b = 0; b < 2; ++b) {
    Tensor<double> mixed({1, 3, 5, 4});
    for (Index k = 0; k < 5; ++k)
      detail::put(
          block.times(slice(x.rows(b, 1), 2, k, 1).reshaped({1, 3, 4})).reshaped({1, 3, 1, 4}),
          mixed, 2, k);
    for (Index t = 0; t < 3; ++t) {
      const auto row = block.middle(block.series(slice(mixed, 1, t, 1).reshaped({1, 5, 4})));
      const auto gate = sigmoid(nn::chunk(row, 0, 2)) * tanh(nn::chunk(row, 1, 2));
      const auto skip = nn::chunk(block.gated.output(gate), 1, 2);
      CHECK(slice(y.skip.rows(b, 1), 1, t, 1).reshaped({1, 5, 4}) == skip);
    }
  }
}

TEST_CASE("two_axis: is a module", "[nn][two_axis]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 3, 2, 4}), e = Rng(3).normal<double>({2, 3}),
             c = Rng(4).normal<double>({2, 3, 2, 2});
  test::check_module(
      nn::TwoAxisBlock<double>(
          {.width = 4, .heads = 2, .hidden = 3, .embedding = 3, .condition = 2}, rng),
      [&](const auto& m, const auto& in) {
        const auto embedded = in(e), told = in(c);
        const auto y = m(in(x), &embedded, &told);
        return y.x * y.skip;
      });
  const nn::TwoAxisBlock<float> block({.width = 4, .heads = 2}, rng);
  test::check_batches([&](const Tensor<float>& v) { return block(v).x; },
                      Rng(2).normal<float>({5, 3, 2, 4}));
  CHECK_THROWS_WITH(block(Tensor<float>({2, 3, 4})),
                    "TwoAxisBlock: input [2, 3, 4], expected [batch, times, series, width]");
}
