// Covers: pristi
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
