// Covers: aligned_features forecaster frame horizon_diffusion layers/linear method methods/linear
//   ops/linear probes/linear schedule/linear
// Alone: it takes long to compile.
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "foglift/io/checkpoint.hpp"
#include "method_checks.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;
using namespace foglift::forecast::owed;

TEMPLATE_TEST_CASE("methods: what every one owes", "[forecast][method]", HorizonDiffusion<>,
                   Linear) {
  check_method<TestType>();
}

TEST_CASE("methods: the checkpoint of another method is refused", "[forecast][method]") {
  const std::vector<Series> series = {wave("a", 60, 1, 1)};
  Forecaster<Linear> linear(options_of<Linear>(frame_of(1)), quick);
  linear.fit(series);
  Forecaster<HorizonDiffusion<>> other(options_of<HorizonDiffusion<>>(frame_of(1)), quick);
  const io::Checkpoint file(io::checkpoint_bytes(linear.state(), ""), "run");
  CHECK_THROWS_AS(file.restore(other.state()), FormatError);
  CHECK_THROWS_AS(file.weights(other.state().model), FormatError);
}

TEST_CASE("methods: patience ends a training that gets no better", "[forecast][method]") {
  const std::vector<Series> series = {wave("a", 60, 1, 1)};
  ForecasterOptions options = quick;
  options.steps = 100000;
  options.patience = 3;
  options.learning_rate = 0.1;
  Forecaster<Linear> model(options_of<Linear>(frame_of(1)), options);
  CHECK(model.fit(series) == train::FitEnd::patience);
  CHECK(model.state().step - model.state().best_step == 6);
}

TEST_CASE("methods: a covariate that is known ahead is forecast with", "[forecast][method]") {
  // x = 3 c + 0.2 e with white c and e: the law given c has CRPS 0.2 / sqrt(pi), without it
  // sqrt(9.04 / pi), fifteen times as much.
  std::vector<Series> series;
  for (std::uint64_t k = 0; k < 8; ++k) {
    const auto e = Rng(k).normal<double>({200});
    Series s{.name = "x",
             .time = {0, {.seconds = 3600}},
             .known = Rng(k).stream(1).normal<double>({200, 1})};
    for (Index t = 0; t < 200; ++t) s.values.push_back(3 * s.known(t, 0) + 0.2 * e[t]);
    series.push_back(s);
  }
  std::vector<Series> past = series;  // its covariates go on
  for (Series& s : past) s.values.resize(180);
  const FrameOptions frame{.horizon = 3,
                           .context = 4,
                           .scaling = Scaling::panel,
                           .center = Center::location,
                           .columns = Panel(series).columns()};
  Forecaster<Linear> model({frame}, {.steps = 600, .learning_rate = 0.02, .ema = 0.98});
  model.fit(past);
  std::vector<Origin> origins;
  for (Index k = 0; k < 8; ++k)
    for (Index at = 180; at <= 195; at += 3) origins.push_back({k, at});
  const auto paths = model.paths(series, origins, 60);
  // 144 cells: a standard error of the mean CRPS of 6 %.
  CHECK(crps(paths, actual_values(series, origins, 3), Crps::fair) <
        1.25 * 0.2 / std::sqrt(3.14159265358979));
}

TEST_CASE("backtest: several channels, and one of them alone", "[forecast][backtest]") {
  const std::vector<Series> series = {wave("a", 30, 2, 1)};
  const std::vector<Origin> origins = {{0, 20}, {0, 28}};
  const Tensor<double> actual = actual_values(series, origins, 4);
  REQUIRE(actual.shape() == Shape{2, 4, 2});
  CHECK(actual(0, 1, 1) == series[0].value(21, 1));
  CHECK(actual(1, 1, 1) == series[0].value(29, 1));
  CHECK(std::isnan(actual(1, 2, 0)));
  const auto naive = [](std::span<const double>, const Rng&) { return Tensor<double>({2, 4}); };
  const BaselineOptions options{.horizon = 4, .paths = 2};
  CHECK_THROWS_WITH(baseline_paths(series, origins, options, Rng(1), naive),
                    ContainsSubstring("2 channels"));
  const std::vector<Series> panel = {wave("a", 30, 2, 1), wave("b", 20, 2, 2)};
  CHECK(rolling_origins(panel, 4, 2) == std::vector<Origin>{{0, 22}, {0, 26}, {1, 12}, {1, 16}});
  const std::vector<Series> one = {channel_of(series[0], 1)};
  CHECK(baseline_paths(one, origins, options, Rng(1), naive).shape() == Shape{2, 2, 4});
  CHECK(actual_values(one, origins, 4)(0, 1) == series[0].value(21, 1));
}
