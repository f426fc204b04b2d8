// Covers: ensemble classical judge report stopped windows
#include "foglift/forecast/ensemble.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {
using Model = Ensemble<Linear>;

// A week's pattern with noise, days of a shop.
std::vector<Series> weekly(Index days, std::uint64_t seed = 1) {
  const auto noise = Rng(seed).normal<double>({days});
  Series s{.name = "shop", .time = {0, {.seconds = 86'400}}};
  for (Index t = 0; t < days; ++t) s.values.push_back((t % 7 < 5 ? 10 : 20) + noise[t]);
  return {s};
}
Linear::Options method(Index horizon = 4) {
  return {.frame = {.horizon = horizon, .context = 14, .seasons = {7}}};
}
EnsembleOptions quick() {
  return {.paths = 40,
          .training = {.batch = 16,
                       .steps = 60,
                       .warm_up = 10,
                       .learning_rate = 0.01,
                       .validate_every = 20,
                       .patience = 6}};
}
}  // namespace

TEST_CASE("ensemble: fits, reports and forecasts", "[forecast][ensemble]") {
  const auto series = weekly(200);
  Model model(method(), quick());
  CHECK_THROWS_AS(model.report(), ArgumentError);
  CHECK(model.fit(series) == train::FitEnd::steps);
  const EnsembleReport& r = model.report();
  CHECK(r.origins.size() == 10);
  CHECK(r.scores.size() == baselines.size() + 3);
  for (const Score& s : r.scores) INFO(s.name << " " << s.crps << " " << s.coverage);
  // White noise of deviation 1 about a known pattern: the best CRPS is 1 / sqrt(pi) = 0.564.
  CHECK(r.whole().crps < 0.75);
  const std::vector<Origin> now = {{0, 200}};
  const Tensor<double> paths = model.paths(series, now, 50);
  CHECK(paths.shape() == Shape{1, 50, 4});
}
