// Covers: pristi
#include "foglift/forecast/impute/window_imputer.hpp"
#include "foglift/forecast/methods/pristi.hpp"
#include "forecast/graph_checks.hpp"
#include "forecast/mask_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("pristi: what every method owes", "[forecast][pristi]") { owed::check_method<Pristi>(); }

TEST_CASE("pristi: a missing value is told from one at its location", "[forecast][pristi]") {
  owed::check_missing<Pristi>();
}

TEST_CASE("pristi: lines between what is known, and on from it", "[forecast][pristi]") {
  const Window window{Tensor<float>({1, 7, 2}, {9, 9, 2, 9, 9, 9, 9, 9, 8, 9, 9, 9, 9, 9}),
                      Tensor<float>({1, 7, 2}, {0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}),
                      Tensor<float>({1, 7, 0})};
  CHECK(window.lines() == Tensor<float>({1, 7, 2}, {2, 0, 2, 0, 4, 0, 6, 0, 8, 0, 8, 0, 8, 0}));
}

TEST_CASE("pristi: what a neighbour shows comes next", "[forecast][pristi]") {
  PristiOptions o = PristiOptions::small({});
  o.width = 8, o.layers = 1, o.heads = 1, o.time_features = 8, o.channel_features = 4;
  o.steps = o.sampling_steps = 10;
  CHECK(owed::follower_correlation<Pristi>(o) > 0.4);
}

TEST_CASE("pristi: what the graph tells the guide changes draws", "[forecast][pristi]") {
  const Series s = owed::wave("a", 60, 3, 1);
  FrameOptions frame = owed::frame_of(3);
  Rng rng(1);
  Pristi method(PristiOptions::small(frame, owed::edge(3, 1, 0)), rng);
  const auto draws = [&] {
    return method.draw(Framer(method.frame())(std::vector<Series>{s}, std::vector<Origin>{{0, 30}}),
                       {Rng(2), 0, 2});
  };
  nn::for_each_parameter(method, [&](const std::string& name, auto& p) {
    if (name == "output.weight") p.value.fill(0.1F);
  });
  const Tensor<float> before = draws();
  nn::for_each_parameter(method, [&](const std::string& name, auto& p) {
    if (name == "guide.nodes.graph.linear.weight") p.value.fill(0.3F);
  });
  CHECK_FALSE(draws() == before);
}

TEST_CASE("pristi: the horizon is one mask of many", "[forecast][pristi]") {
  PristiOptions o = PristiOptions::small({.horizon = 2, .context = 4, .columns = {.channels = 3}},
                                         owed::edge(3, 1, 0));
  o.width = 8, o.time_features = 8;
  owed::check_any_mask<Pristi>(o, [&](const Window& w) {
    const Shape one{1, 6, 3, 1};
    return Pristi::Seen{w.values.reshaped(one), w.lines().reshaped(one), w.places(8)};
  });
}

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

TEST_CASE("pristi: bad options", "[forecast][pristi]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    PristiOptions o = PristiOptions::small(owed::frame_of(2));
    change(o);
    CHECK_THROWS_AS(Pristi(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.layers = 0; });
  refused([](auto& o) { o.heads = 3; });
  refused([](auto& o) { o.hops = 0; });
  refused([](auto& o) { o.time_features = 7; });
  refused([](auto& o) { o.channel_features = 0; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.frame.horizon = 0; });
  refused([](auto& o) { o.graph = owed::edge(3, 1, 0); });
}
