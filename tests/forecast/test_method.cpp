// Covers: aligned_features forecaster frame horizon_diffusion layers/linear method methods/linear
//   ops/linear probes/linear schedule/linear
// What every method owes, whatever it is.
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();

/// Waves with noise of `channels` channels, with a covariate of each kind and a static, and gaps.
Series wave(const std::string& name, Index n, Index channels, std::uint64_t seed) {
  Series s{.name = name,
           .time = {static_cast<Time>(seed) * 86'400, {.seconds = 3600}},
           .channels = channels,
           .known = Rng(seed).stream(1).normal<double>({n + 5, 1}),
           .past = Rng(seed).stream(2).normal<double>({n, 1}),
           .statics = {static_cast<double>(seed)}};
  const auto z = Rng(seed).normal<double>({n, channels});
  for (Index i = 0; i < z.size(); ++i)
    s.values.push_back(i % 11 == 3 ? missing
                                   : 20 + 3 * std::sin(0.7 * static_cast<double>(i)) + z[i]);
  s.known(n / 2, 0) = s.past(n / 3, 0) = missing;
  return s;
}

/// Options of a method on panels of waves.
template <class M>
typename M::Options options_of(const FrameOptions& frame) {
  typename M::Options o;
  o.frame = frame;
  if constexpr (requires { o.net; }) {
    o.net = {.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false, .groups = 4};
    o.sampling_steps = 3;
  }
  return o;
}

FrameOptions frame_of(Index channels) {
  return {.horizon = 4,
          .context = 8,
          .seasons = {6},
          .calendar = {.day = 1},
          .columns = {channels, 1, 1, 1}};
}

const ForecasterOptions quick{
    .validation = 8, .batch = 16, .steps = 4, .warm_up = 1, .validate_every = 2, .seed = 5};

struct Threads {
  int before = threads();
  ~Threads() { set_threads(before); }
};

}  // namespace

TEMPLATE_TEST_CASE("methods: what stands where a mask is 0 changes nothing", "[forecast][method]",
                   HorizonDiffusion<>, Linear) {
  const std::vector<Series> series = {wave("a", 60, 2, 1)};
  Rng rng(1);
  const TestType fresh(options_of<TestType>(frame_of(2)), rng);
  TestType method = fresh;
  nn::for_each_parameter(method, [&](const std::string&, auto& p) {  // no weight is 0
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.1F;
  });
  const Frame clean = Framer(method.frame())(series, std::vector<Origin>{{0, 22}, {0, 28}});
  Frame dirty = clean;
  Index changed = 0;
  const auto spoil = [&](auto& values, const Tensor<float>& mask) {
    for (Index i = 0; i < mask.size(); ++i)
      if (mask[i] == 0) values[i] = 1e6F, ++changed;
  };
  spoil(dirty.context, clean.context_mask);
  spoil(dirty.target, clean.target_mask);
  spoil(dirty.known, clean.known_mask);
  spoil(dirty.past, clean.past_mask);
  REQUIRE(changed > 4);
  const LossKeys keys{Rng(2), {.step = 0, .strata = 2}};  // times as among two rows
  CHECK(method.loss(clean, keys) == method.loss(dirty, keys));
  Tape<float> tape;
  CHECK_THAT(method.loss(dirty, keys, tape).value().item(),
             WithinRel(method.loss(clean, keys).item(), 1e-5F));
  for (const Index row : {0, 1}) {
    const PathKeys paths{Rng(3), 0, 5};
    CHECK(method.draw(clean.rows(row, 1), paths) == method.draw(dirty.rows(row, 1), paths));
  }
  // A row without any target says nothing.
  dirty = clean;
  dirty.target_mask = Tensor<float>(clean.target_mask.shape());
  std::copy_n(clean.target_mask.begin(), clean.target_mask.row_size(), dirty.target_mask.begin());
  CHECK_THAT(method.loss(dirty, keys).item(),
             WithinRel(method.loss(clean.rows(0, 1), keys).item(), 1e-5F));
  // What is there does change it.
  dirty = clean;
  for (double& v : dirty.context) v *= 1.5;
  CHECK_FALSE(method.draw(clean.rows(0, 1), {Rng(3), 0, 5}) ==
              method.draw(dirty.rows(0, 1), {Rng(3), 0, 5}));
}

TEMPLATE_TEST_CASE("methods: copies on another scale get the forecasts on that scale",
                   "[forecast][method]", HorizonDiffusion<>, Linear) {
  // Scaled by a power of two, every number of the computation is the same or scaled exactly.
  const std::vector<Series> series = {wave("a", 60, 1, 1), wave("b", 47, 1, 2)};
  std::vector<Series> larger = series;
  for (Series& s : larger)
    for (double& v : s.values) v *= 1024;
  const std::vector<Origin> origins = {{0, 60}, {1, 40}};
  for (const Scaling scaling : {Scaling::standard, Scaling::mean_abs, Scaling::panel}) {
    FrameOptions frame = frame_of(1);
    frame.scaling = scaling;
    Forecaster<TestType> a(options_of<TestType>(frame), quick),
        b(options_of<TestType>(frame), quick);
    a.fit(series);
    b.fit(larger);
    Tensor<double> expected = a.paths(series, origins, 6);
    for (double& v : expected) v *= 1024;
    CHECK(b.paths(larger, origins, 6) == expected);
    if (scaling != Scaling::panel)  // nor does a model know on which scale it was trained
      CHECK(a.paths(larger, origins, 6) == expected);
  }
}

TEMPLATE_TEST_CASE(
    "methods: panels of several channels and lengths train, stop and come back alike",
    "[forecast][method]", HorizonDiffusion<>, Linear) {
  std::vector<Series> series = {wave("a", 60, 2, 1), wave("b", 33, 2, 2), wave("c", 90, 2, 3),
                                wave("too short", 9, 2, 4)};
  FrameOptions frame = frame_of(2);
  frame.scaling = Scaling::panel;
  using Model = Forecaster<TestType>;
  const auto options = options_of<TestType>(frame);
  const std::vector<Origin> origins = {{0, 60}, {1, 20}, {2, 89}, {3, 9}};
  const Threads keep;
  Model whole(options, quick), part(options, quick), resumed(options, quick);
  set_threads(1);
  whole.fit(series);
  const Tensor<double> paths = whole.paths(series, origins, 30);
  REQUIRE(paths.shape() == Shape{4, 30, 4, 2});
  for (const double v : paths) REQUIRE(std::abs(v) < 1000);
  const Frame at = whole.framer()(series, origins, whole.scaler()).rows(2, 1);
  const Tensor<float> z =
      whole.state().result().draw(at, {Rng(5).stream(4).stream(2).stream(89), 0, 3});
  for (Index p = 0; p < 3; ++p)
    for (Index h = 0; h < 4; ++h)
      for (Index k = 0; k < 2; ++k)
        REQUIRE(paths(2, p, h, k) == at.unscaled(static_cast<double>(z(p, h, k)), 0, h, k));
  set_threads(2);
  CHECK(whole.paths(series, origins, 30) == paths);
  CHECK(whole.paths(series, std::span(origins).subspan(2, 1), 27).rows(0, 1).reshaped({27, 8}) ==
        paths.rows(2, 1).reshaped({30, 8}).rows(0, 27));

  part.fit(series, train::callback::StopWhen([&] { return part.state().step == 3; }));
  io::Checkpoint(io::checkpoint_bytes(part.state(), ""), "run").restore(resumed.state());
  CHECK(resumed.scaler().values.scale == part.scaler().values.scale);
  CHECK(resumed.fit(series) == train::FitEnd::steps);
  CHECK(resumed.paths(series, origins, 30) == paths);

  // Another panel is refused, by what it has.
  for (Series& s : series) s.statics.clear();
  CHECK_THROWS_WITH(whole.paths(series, origins, 3), ContainsSubstring("0 statics"));
  frame.columns.statics = 0;
  Model other(options_of<TestType>(frame), quick);
  CHECK_THROWS_WITH(
      io::Checkpoint(io::checkpoint_bytes(whole.state(), ""), "run").restore(other.state()),
      ContainsSubstring("window.columns = 2 1 1 1, used for window.columns = 2 1 1 0"));
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
