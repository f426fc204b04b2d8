// Covers: pristi window_imputer
#include "foglift/forecast/impute/window_imputer.hpp"
#include "foglift/forecast/methods/pristi.hpp"
#include "forecast/graph_checks.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("pristi: an imputer learns to fill blocks from a neighbour", "[forecast][pristi]") {
  // White noise, and the same at a neighbour: given it the variance is 0, without it 1.
  const auto twins = [](Index n, std::uint64_t seed) {
    Series s{.name = "twins", .time = {0, {.seconds = 3600}}, .channels = 2};
    const auto z = Rng(seed).normal<double>({n});
    for (Index t = 0; t < n; ++t) s.values.insert(s.values.end(), {z[t], 5 - 2 * z[t]});
    return s;
  };
  PristiOptions o = PristiOptions::small({.horizon = 2, .context = 4, .columns = {.channels = 2}},
                                         owed::edge(2, 1, 0));
  o.width = 16, o.layers = 1, o.heads = 4, o.time_features = 8, o.channel_features = 4;
  o.steps = o.sampling_steps = 20;
  WindowImputer<Pristi> imputer(o, {.strategy = TargetStrategy::block,
                                    .batch = 32,
                                    .steps = 300,
                                    .learning_rate = 5e-3,
                                    .seed = 3});
  const std::vector<Series> train{twins(600, 1)};
  imputer.fit({.train = train});
  std::vector<Series> gaps{twins(120, 2)};
  const std::vector<double> whole = gaps[0].values;
  for (Index t = 0; t < 120; ++t)
    if (t % 6 == 2 || t % 6 == 3)
      gaps[0].values[static_cast<std::size_t>(2 * t + 1)] =
          std::numeric_limits<double>::quiet_NaN();
  const Tensor<double> y = imputer.paths(gaps, 0, 10);
  double square = 0;
  for (Index p = 0; p < 10; ++p)
    for (Index t = 0; t < 120; ++t) {
      const auto truth = whole[static_cast<std::size_t>(2 * t + 1)];
      if (t % 6 == 2 || t % 6 == 3)
        square += std::pow((y(p, t, 1) - truth) / 2, 2) / 400;
      else
        REQUIRE(y(p, t, 1) == truth);
    }
  INFO("mean square " << square);
  CHECK(square < 0.5);
}
