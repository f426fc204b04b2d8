// Covers: channel_graph diffstg
#include "foglift/forecast/methods/diffstg.hpp"
#include "forecast/graph_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("diffstg: what every method owes", "[forecast][diffstg]") {
  owed::check_method<DiffStg>();
}

TEST_CASE("diffstg: a missing value is told from one at its location", "[forecast][diffstg]") {
  owed::check_missing<DiffStg>();
}

TEST_CASE("diffstg: channels that the graph does not join hear nothing of each other",
          "[forecast][diffstg]") {
  owed::check_edges<DiffStg>();
}

TEST_CASE("diffstg: what a neighbour shows comes next", "[forecast][diffstg]") {
  DiffStgOptions o;
  o.width = 8, o.layers = 1, o.multipliers = {1}, o.steps = o.sampling_steps = 10;
  CHECK(owed::follower_correlation<DiffStg>(o) > 0.4);
}

TEST_CASE("diffstg: bad options", "[forecast][diffstg]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    DiffStgOptions o = DiffStgOptions::small(owed::frame_of(2));
    change(o);
    CHECK_THROWS_AS(DiffStg(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.layers = 0; });
  refused([](auto& o) { o.width = 7; });
  refused([](auto& o) { o.multipliers = {}; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.frame.horizon = 0; });
  refused([](auto& o) { o.graph = owed::edge(3, 1, 0); });
  refused([](auto& o) { o.graph = owed::edge(2, 1, 0, -1.0F); });
}

TEST_CASE("channel_graph: weights are of use on the graph that they were trained on",
          "[forecast][diffstg]") {
  const auto text = [](const ChannelGraph& graph) {
    Rng rng(1);
    return DiffStg(DiffStgOptions::small(owed::frame_of(3), graph), rng).description().at("graph");
  };
  CHECK(text({}) == "none");
  CHECK(text(owed::edge(3, 1, 0)) == text(owed::edge(3, 1, 0)));
  CHECK(text(owed::edge(3, 1, 0)) != text(owed::edge(3, 0, 1)));
  CHECK(text(owed::edge(3, 1, 0)) != text(owed::edge(3, 1, 0, 2)));
}
