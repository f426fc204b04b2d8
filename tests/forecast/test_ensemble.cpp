// Covers: ensemble ensemble_options ensemble/classical judge report stopped windows
#include "foglift/forecast/ensemble.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {
using Model = Ensemble<Linear>;

// A week's pattern with noise of deviation 1, and promotions, which only a model knows ahead.
std::vector<Series> weekly(Index days, std::uint64_t seed = 1) {
  const auto noise = Rng(seed).normal<double>({days});
  Series s{.name = "shop", .time = {0, {.seconds = 86'400}}};
  s.known = Tensor<double>({days + 4, 1});
  for (Index t = 0; t < days + 4; ++t)
    s.known(t, 0) = Rng(seed).stream(9).index(3, static_cast<std::uint64_t>(t)) == 0;
  for (Index t = 0; t < days; ++t)
    s.values.push_back((t % 7 < 5 ? 10 : 20) + 8 * s.known(t, 0) + noise[t]);
  return {s};
}
Linear::Options method() {
  return {.frame = {.horizon = 4, .context = 7, .seasons = {7}, .columns = {.known = 1}}};
}
EnsembleOptions quick() {
  return {.windows = 4,
          .paths = 30,
          .training = {.batch = 16,
                       .steps = 80,
                       .warm_up = 10,
                       .learning_rate = 0.03,
                       .ema = 0.9,
                       .validate_every = 20,
                       .patience = 6}};
}
}  // namespace

TEST_CASE("ensemble: the report scores each part, the combination and the calibrated one",
          "[forecast][ensemble]") {
  const auto series = weekly(160);
  Model model(method(), quick());
  CHECK_THROWS_AS(model.report(), ArgumentError);
  CHECK_THROWS_AS(model.paths(series, std::vector<Origin>{{0, 160}}, 50), ArgumentError);
  CHECK(model.fit(series) == train::FitEnd::steps);
  const EnsembleReport& r = model.report();
  CHECK(r.origins == rolling_origins(series[0], 4, 4));
  CHECK(r.validation_windows + r.early_windows == 14);
  REQUIRE(r.scores.size() == r.parts.size() + 2);
  CHECK(r.parts.size() + r.notes.size() == baselines.size() + 1);
  CHECK(r.scores.front().name == "model");
  CHECK(r.whole().name == "combination, calibrated");
  CHECK(r.whole().crps == crps(r.paths, r.actual));
  // Only the model knows of promotions.
  CHECK(r.weights[0] > 0.3);
  for (std::size_t k = 1; k < r.parts.size(); ++k) CHECK(r.whole().crps < 0.95 * r.scores[k].crps);
  CHECK_THAT(std::accumulate(r.weights.begin(), r.weights.end(), 0.0), WithinAbs(1, 1e-12));
  CHECK(r.of_series[0].back().crps == r.whole().crps);
  CHECK(r.trained_steps > 0);
  CHECK(r.refit_steps == (3 * r.trained_steps + 9) / 10);
  CHECK(model.state().step == r.refit_steps);
}

TEST_CASE("ensemble: nothing fitted before a window knows what came in it",
          "[forecast][ensemble]") {
  const auto series = weekly(160);
  auto other = series;  // the backtest is cells 144 to 160, its window 1 begins at 148
  for (std::size_t t = 148; t < 160; ++t) other[0].values[t] = 1e4 * static_cast<double>(t % 3);
  Model a(method(), quick()), b(method(), quick());
  a.fit(series);
  b.fit(other);
  CHECK(a.report().backtest_weights == b.report().backtest_weights);
  CHECK(a.report().trained_steps == b.report().trained_steps);
  CHECK(a.report().paths.rows(0, 2) == b.report().paths.rows(0, 2));
  CHECK_FALSE(a.report().paths.rows(2, 1) == b.report().paths.rows(2, 1));
  // The model's own paths, of validation and backtest.
  const Index before = a.report().validation_windows + 2;
  CHECK(a.state().fitted.at("ensemble.model").rows(0, before) ==
        b.state().fitted.at("ensemble.model").rows(0, before));
}

TEST_CASE("ensemble: a restored state forecasts the same, of rows that came since too",
          "[forecast][ensemble]") {
  const auto series = weekly(150), longer = weekly(160);
  Model model(method(), quick()), again(method(), quick());
  model.fit(series);
  again.state() = model.state();
  const std::vector<Origin> now = {{0, 150}}, later = {{0, 158}};
  CHECK(again.paths(series, now, 30) == model.paths(series, now, 30));
  CHECK(again.paths(longer, later, 30) == model.paths(longer, later, 30));
  // What stands behind an origin, and other origins, change nothing.
  const std::vector<Origin> both = {{0, 158}, {0, 150}};
  CHECK(model.paths(longer, both, 30).rows(1, 1) == model.paths(series, now, 30));
}

TEST_CASE("ensemble: a fit that was stopped goes on to the same bits, whatever the threads",
          "[forecast][ensemble]") {
  const auto series = weekly(120);
  const std::vector<Origin> now = {{0, 120}};
  Model whole(method(), quick());
  whole.fit(series);
  const int before = threads();
  set_threads(1);
  Model parts(method(), quick());
  int stops = 0;
  for (Index seen = 0;; seen = 0) {  // 25 steps at a time, in the refit too
    const auto stop = train::callback::StopWhen([&] { return ++seen > 25; });
    Model next(method(), quick());
    next.state() = parts.state();
    const train::FitEnd end = next.fit(series, stop);
    parts.state() = next.state();
    if (end != train::FitEnd::stopped) break;
    ++stops;
  }
  set_threads(before);
  CHECK(stops >= 3);
  CHECK(parts.paths(series, now, 20) == whole.paths(series, now, 20));
}

TEST_CASE("ensemble: forecasts follow the unit of the series", "[forecast][ensemble]") {
  auto series = weekly(150);
  for (double& v : series[0].values) v -= 14;  // of both signs, as no ratio is taken
  auto other = series;
  for (double& v : other[0].values) v = 1e-3 * v - 2;
  Model a(method(), quick()), b(method(), quick());
  a.fit(series);
  b.fit(other);
  CHECK_THAT(b.report().whole().crps, WithinRel(1e-3 * a.report().whole().crps, 0.01));
}

TEST_CASE("ensemble: empty cells before the first value change nothing", "[forecast][ensemble]") {
  const auto series = weekly(120);
  auto later = series;
  later[0].values.insert(later[0].values.begin(), 37, NAN);
  later[0].time.start -= 37 * 86'400;
  later[0].known = concat({Tensor<double>({37, 1}), series[0].known}, 0);
  Model a(method(), quick()), b(method(), quick());
  a.fit(series);
  b.fit(later);
  CHECK(a.report().paths == b.report().paths);
  CHECK(b.report().origins.front().at == a.report().origins.front().at + 37);
  CHECK(a.paths(series, std::vector<Origin>{{0, 120}}, 20) ==
        b.paths(later, std::vector<Origin>{{0, 157}}, 20));
}

TEST_CASE("ensemble: a level that stopped moving is kept in a narrow band",
          "[forecast][ensemble]") {
  auto series = weekly(120);
  for (std::size_t t = 72; t < 120; ++t) series[0].values[t] = 8;
  Model model(method(), quick());
  model.fit(series);
  const Tensor<double> paths = model.paths(series, std::vector<Origin>{{0, 120}}, 100);
  // A path leaves within four steps with chance 1 - (49 / 50)^4 = 0.078, below a tenth a side.
  const std::vector<double> levels = {0.1, 0.5, 0.9};
  for (const double v : quantiles(paths, levels)) CHECK(v == 8);
}

TEST_CASE("ensemble: a gross outlier is named and changes little", "[forecast][ensemble]") {
  const auto series = weekly(150);
  auto slip = series;
  slip[0].values[60] *= 1e6;
  EnsembleOptions keep = quick();
  keep.mask_outliers = false;
  Model a(method(), quick()), b(method(), quick()), c(method(), keep);
  a.fit(series);
  b.fit(slip);
  CHECK(a.report().masked.empty());
  REQUIRE(b.report().masked.size() == 1);
  CHECK(b.report().masked[0].outlier.cell == 60);
  CHECK_THAT(b.report().whole().crps, WithinRel(a.report().whole().crps, 0.1));
  c.fit(slip);  // the model can not be trained on it, which is said
  CHECK(c.report().masked.empty());
  CHECK_THAT(c.report().notes.front(), ContainsSubstring("scales"));
}

TEST_CASE("ensemble: baselines that repeat the past count little where nothing is known",
          "[forecast][ensemble]") {
  auto series = weekly(60);
  for (std::size_t t = 20; t < 52; ++t) series[0].values[t] = NAN;
  const TrimmedPanel data{Panel(series)};
  const Windows windows = Windows::of(data, 4, 2);  // those before the backtest are in the gap
  const auto count = std::ssize(windows.all());
  std::vector<Part> parts = {{"model", {}, "none"}};
  for (const Baseline& b : baselines) parts.push_back({b.name, Tensor<double>({count, 2, 4}), ""});
  const auto out = choose(parts, data, windows, {.draws = {.horizon = 4, .paths = 2}}, {}, {});
  const std::vector<double>& w = out.report.backtest_weights;
  CHECK_THAT(w[0], WithinAbs(0.1 / 4.1, 1e-12));  // three of 1, two of 0.3, five of 0.1
  CHECK_THAT(w.back(), WithinAbs(0.3 / 4.1, 1e-12));
}

TEST_CASE("ensemble: series too short for a model are forecast all the same",
          "[forecast][ensemble]") {
  for (const Index days : {1, 2, 3, 5, 12, 30}) {
    CAPTURE(days);
    const auto series = weekly(days);
    Model model(method(), quick());
    CHECK(model.fit(series) == train::FitEnd::steps);
    CHECK(model.report().trained_steps == 0);
    CHECK_FALSE(model.report().notes.empty());
    const Tensor<double> paths = model.paths(series, std::vector<Origin>{{0, days}}, 20);
    CHECK(paths.shape() == Shape{1, 20, 4});
    for (const double v : paths) CHECK(std::isfinite(v));
    if (days == 1) CHECK(paths[0] == series[0].values[0]);
  }
  auto gap = weekly(160);  // long enough, but nothing is known of what training would learn
  for (std::size_t t = 7; t < 120; ++t) gap[0].values[t] = NAN;
  Model sparse(method(), quick());
  sparse.fit(gap);
  CHECK(sparse.report().trained_steps == 0);
  // Training ends at cell 128; of its windows those that begin at cells 117 to 124 hold a value.
  CHECK_THAT(sparse.report().notes.front(), ContainsSubstring("8 windows to train on"));
  std::vector<Series> nothing = weekly(20);
  for (double& v : nothing[0].values) v = NAN;
  Model model(method(), quick());
  CHECK_THROWS_AS(model.fit(nothing), ArgumentError);
}

TEST_CASE("ensemble: a sensor that is off is forecast, and judged where it was on",
          "[forecast][ensemble]") {
  auto series = weekly(150);
  for (std::size_t t = 130; t < 150; ++t) series[0].values[t] = NAN;
  Model model(method(), quick());
  model.fit(series);
  CHECK(model.report().origins.back().at == 126);
  CHECK(std::isfinite(model.report().whole().crps));
  for (const double v : model.paths(series, std::vector<Origin>{{0, 150}}, 20))
    CHECK(std::isfinite(v));
}

TEST_CASE("ensemble: several series share a model and weights, and are scored each",
          "[forecast][ensemble]") {
  std::vector<Series> series = {weekly(120, 1)[0], weekly(90, 2)[0], weekly(10, 3)[0]};
  for (double& v : series[1].values) v *= 100;
  EnsembleOptions counts = quick();
  counts.bounds = {.non_negative = true, .integer = true};
  Model model(method(), counts);
  model.fit(series);
  const EnsembleReport& r = model.report();
  REQUIRE(r.of_series.size() == 3);
  CHECK(r.of_series[0].size() == r.scores.size());
  CHECK(r.of_series[1].back().crps > 20 * r.of_series[0].back().crps);
  for (const double v : r.paths) CHECK(v == std::round(v));
  for (const double v : model.paths(series, std::vector<Origin>{{0, 120}}, 30))
    CHECK(v == std::round(v));
}

TEST_CASE("ensemble: covariates known ahead are judged by a forecast without each",
          "[forecast][ensemble]") {
  // Promotions are worth 8 on a third of the days, noise has deviation 1; the first column is a
  // coin.
  auto series = weekly(160);
  Tensor<double> known({164, 2});
  for (Index t = 0; t < 164; ++t) {
    known(t, 0) = Rng(5).index(2, static_cast<std::uint64_t>(t)) == 0;
    known(t, 1) = t == 3 ? std::numeric_limits<double>::quiet_NaN() : series[0].known(t, 0);
  }
  series[0].known = known;
  Linear::Options two = method();
  two.frame.columns.known = 2;
  EnsembleOptions o = quick();
  o.effects = true;
  Model model(two, o);
  std::map<std::string, Index> drawn;
  model.on_drawn([&](const char* what, Index done, Index all) {
    CHECK(done == drawn[what] + 1);
    drawn[what] = done;
    if (done == all) drawn[what] = -all;
  });
  model.fit(series);
  // Four and four windows; three times four; fourteen and four by each of the baselines.
  CHECK(drawn["the model"] == -8);
  CHECK(drawn["the model without a covariate"] == -12);
  CHECK(drawn["the baselines"] == -18 * std::ssize(baselines));
  const std::vector<double>& effects = model.report().effects;
  REQUIRE(effects.size() == 3);
  CHECK(effects[0] == model.report().scores[0].crps);  // all four windows, as given
  CHECK(effects[2] > 1.1 * effects[0]);
  CHECK(effects[1] < 1.05 * effects[0]);
  Model restored(two, o);
  restored.state() = model.state();
  restored.fit(series);
  CHECK(restored.report().effects == effects);
}
