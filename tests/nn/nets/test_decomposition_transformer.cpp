// Covers: decomposition_transformer
#include "foglift/nn/nets/decomposition_transformer.hpp"
#include "nn/module_checks.hpp"

using namespace foglift;

namespace {

nn::DecompositionOptions tiny() {
  return {.length = 7, .channels = 2, .width = 4, .heads = 2, .encoders = 1, .decoders = 2};
}

}  // namespace

TEST_CASE("decomposition_transformer: the published size", "[nn][decomposition_transformer]") {
  // 232,177 weights for 24 cells of five sines and 350,459 for seven of ETTh
  // (Yuan & Qiao 2024, appendix), beside the positions, which the authors' program learns.
  Rng rng(1);
  const nn::DecompositionTransformer<float> net({.length = 24, .channels = 5, .encoders = 1}, rng);
  CHECK(nn::parameter_count(net) == 232'177 + 2 * 24 * 64);
  const nn::DecompositionTransformer<float> larger({.length = 24, .channels = 7}, rng);
  CHECK(nn::parameter_count(larger) == 350'459 + 2 * 24 * 64);
}

TEST_CASE("decomposition_transformer: is the sum of its parts", "[nn][decomposition_transformer]") {
  Rng rng(1);
  nn::DecompositionTransformer<double> net(tiny(), rng);
  test::randomize(net, 2);
  const auto x = Rng(3).normal<double>({2, 7, 2});
  const Tensor<double> time({2}, {0.2, 0.7});
  const auto parts = net.decompose(x, time);
  CHECK(parts.trend + parts.season + parts.rest == net(x, time));
  for (Index b = 0; b < 2; ++b)
    for (Index k = 0; k < 2; ++k) {
      // A cubic; waves without a mean; what is left has none either.
      const auto at = [&](Index t) { return parts.trend(b, t, k); };
      for (Index t = 4; t < 7; ++t)
        CHECK_THAT(at(t) - 4 * at(t - 1) + 6 * at(t - 2) - 4 * at(t - 3) + at(t - 4),
                   WithinAbs(0, 1e-12));
      double season = 0, rest = 0;
      for (Index t = 0; t < 7; ++t) season += parts.season(b, t, k), rest += parts.rest(b, t, k);
      CHECK_THAT(season, WithinAbs(0, 1e-12));
      CHECK_THAT(rest, WithinAbs(0, 1e-12));
    }
  CHECK_FALSE(net(x, Tensor<double>({2}, {0.2, 0.6})).rows(1, 1) == net(x, time).rows(1, 1));
  CHECK_THROWS_WITH(net(Tensor<double>({2, 6, 2}), time),
                    ContainsSubstring("expected [batch, 7, 2]"));
}

TEST_CASE("decomposition_transformer: is a module", "[nn][decomposition_transformer]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 7, 2});
  const Tensor<double> time({2}, {0.2, 0.7});
  test::check_module(nn::DecompositionTransformer<double>(tiny(), rng),
                     [&](const auto& m, const auto& in) { return m(in(x), time); });
  nn::DecompositionTransformer<float> net(tiny(), rng);
  test::randomize(net, 2);
  test::check_batches(
      [&](const Tensor<float>& v) { return net(v, Tensor<float>({v.dim(0)}, 0.5F)); },
      Rng(2).normal<float>({4, 7, 2}));
  const auto refused = [&](auto change) {
    auto o = tiny();
    change(o);
    CHECK_THROWS_AS(nn::DecompositionTransformer<float>(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.length = 2; });
  refused([](auto& o) { o.heads = 3; });
  refused([](auto& o) { o.encoders = 0; });
  refused([](auto& o) { o.decoders = 0; });
}
