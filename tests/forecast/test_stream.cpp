// Covers: growing_series recurrent_stream rolling_score stepwise_method warm_stream
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "foglift/forecast/stream/recurrent_stream.hpp"
#include "foglift/forecast/stream/rolling_score.hpp"
#include "foglift/forecast/stream/warm_stream.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr Index known = 40;

/// Waves with noise; a gap.
Series wave(Index n, Index channels = 1) {
  Series s{.name = "wave", .time = {0, {.seconds = 3600}}, .channels = channels};
  const auto z = Rng(3).normal<double>({n * channels});
  for (Index i = 0; i < n * channels; ++i)
    s.values.push_back(i % 13 == 5 ? missing : 5 + 2 * std::sin(0.7 * double(i)) + 0.3 * z[i]);
  return s;
}

Series first(Series s, Index cells) {
  s.values.resize(static_cast<std::size_t>(cells * s.channels));
  return s;
}

std::span<const double> cell(const Series& s, Index t) {
  return std::span(s.values).subspan(static_cast<std::size_t>(t * s.channels),
                                     static_cast<std::size_t>(s.channels));
}

const ForecasterOptions quick{.batch = 16, .steps = 4, .warm_up = 1, .seed = 5};

TimeGrad::Options time_grad(Index channels, Index context = 8) {
  auto o = TimeGrad::Options::small({.horizon = 3,
                                     .context = context,
                                     .seasons = {6},
                                     .calendar = {.day = 1},
                                     .scaling = Scaling::panel,
                                     .columns = {.channels = channels}});
  o.cells = 8;
  o.layers = 1;
  o.sampling_steps = 3;
  return o;
}

const HorizonDiffusion<>::Options horizon_diffusion{
    .frame = {.horizon = 4, .context = 8, .center = Center::last},
    .net = {.width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false, .groups = 4},
    .sampling_steps = 5};

}  // namespace

TEST_CASE("recurrent stream: its state is that of a run along all cells", "[forecast][stream]") {
  for (const Index channels : {1, 2}) {
    const Series all = wave(60, channels);
    Forecaster<TimeGrad> model(time_grad(channels), quick);
    const std::vector<Series> training = {first(all, known)};
    model.fit(training);
    RecurrentStream stream(model, training[0]);
    const auto origin = std::vector<Origin>{{0, known}};
    const Tensor<double> begun = model.paths(training, origin, 30);
    CHECK(stream.paths(30) == begun.reshaped(begun.shape().slice(1, begun.rank())));

    // The same weights, with a context that reaches back to where the stream's began.
    for (Index t = known; t < known + 9; ++t) stream.observe(cell(all, t));
    Rng rng(1);
    TimeGrad longer(time_grad(channels, 8 + 9), rng);
    std::vector<Tensor<float>> weights;
    nn::for_each_parameter(model.state().result(),
                           [&](const std::string&, const auto& p) { weights.push_back(p.value); });
    std::size_t i = 0;
    nn::for_each_parameter(longer, [&](const std::string&, auto& p) { p.value = weights.at(i++); });
    const std::vector<Series> grown = {first(all, known + 9)};
    const auto later = std::vector<Origin>{{0, known + 9}};
    const Frame frame = Framer(longer.frame())(grown, later, model.scaler());
    const Tensor<double> wanted =
        model.paths(grown, later, 30, [&](const TimeGrad&, const Frame&, const PathKeys& keys) {
          return longer.draw(frame, keys);
        });
    const Tensor<double> found = stream.paths(30);
    CHECK(found == wanted.reshaped(found.shape()));
    // The context alone makes another state.
    CHECK_FALSE(found == model.paths(grown, later, 30).reshaped(found.shape()));
  }
}

TEST_CASE("warm stream: from pure noise it is the forecaster, from none the last paths moved on",
          "[forecast][stream]") {
  const Series all = wave(60);
  Forecaster<HorizonDiffusion<>> model(horizon_diffusion, quick);
  const std::vector<Series> training = {first(all, known)};
  model.fit(training);
  WarmStream noise(model, training[0], {.steps = 5, .from = 1});
  WarmStream guess(model, training[0], {.steps = 1, .from = 1e-5});
  for (Index t = known; t < known + 6; ++t) {
    const std::vector<Series> now = {first(all, t)};
    const auto origin = std::vector<Origin>{{0, t}};
    const Tensor<double> cold = model.paths(now, origin, 30);
    const Tensor<double> again = noise.paths(30);
    for (Index i = 0; i < again.size(); ++i) REQUIRE_THAT(again[i], WithinAbs(cold[i], 1e-5));
    noise.observe(cell(all, t));
  }

  const Tensor<double> before = guess.paths(30);
  guess.observe(all.value(known));
  guess.observe(all.value(known + 1));
  const Tensor<double> after = guess.paths(30);
  for (Index p = 0; p < 30; ++p)
    for (Index h = 0; h < 4; ++h)
      // The noise at time 1e-5 of the cosine schedule has a deviation of 6e-4; values have one of
      // 1.5, and five of the noise's, with as much again of the network's answer, are 1e-2.
      CHECK_THAT(after(p, h), WithinAbs(before(p, std::min<Index>(h + 2, 3)), 1e-2));
  // All is new once the last horizon has passed, or for another number of paths.
  for (Index t = known + 2; t < known + 6; ++t) guess.observe(all.value(t));
  const std::vector<Series> now = {first(all, known + 6)};
  const auto origin = std::vector<Origin>{{0, known + 6}};
  const Tensor<double> cold = model.paths(now, origin, 30);
  CHECK(guess.paths(30) == cold.reshaped({30, 4}));
  guess.observe(all.value(known + 6));
  const std::vector<Series> next = {first(all, known + 7)};
  CHECK(guess.paths(20) ==
        model.paths(next, std::vector<Origin>{{0, known + 7}}, 20).reshaped({20, 4}));
}

TEST_CASE("streams: what can not be taken in changes nothing", "[forecast][stream]") {
  const Series all = wave(60);
  Forecaster<HorizonDiffusion<>> model(horizon_diffusion, quick);
  const std::vector<Series> training = {first(all, known)};
  model.fit(training);
  WarmStream stream(model, training[0]);
  const double two[] = {1, 2};
  CHECK_THROWS_AS(stream.observe(two), ArgumentError);
  CHECK_THROWS_AS(stream.observe(INFINITY), NumericError);
  CHECK(stream.series().size() == known);
  stream.observe(missing);
  CHECK(stream.series().size() == known + 1);
  CHECK_THROWS_AS(WarmStream(model, training[0], {.steps = 0}), ArgumentError);
  CHECK_THROWS_AS(WarmStream(model, training[0], {.from = 0}), ArgumentError);
  CHECK_THROWS_AS(WarmStream(model, training[0], {.from = 1.5}), ArgumentError);

  auto standard = time_grad(1);
  standard.frame.scaling = Scaling::standard;
  Forecaster<TimeGrad> other(standard, quick);
  other.fit(training);
  CHECK_THROWS_AS(RecurrentStream(other, training[0]), ArgumentError);

  Series covered = training[0];
  covered.known = Tensor<double>({known + 1, 1});
  GrowingSeries growing(covered, "test");
  growing.append(std::span(two, 1), "test");
  CHECK_THROWS_AS(growing.append(std::span(two, 1), "test"), ArgumentError);
  covered.past = Tensor<double>({known, 1});
  CHECK_THROWS_AS(GrowingSeries(covered, "test"), ArgumentError);
}

TEST_CASE("rolling score: CRPS and coverage of the last values", "[forecast][stream]") {
  RollingScore score(7, 0.5);
  CHECK(std::isnan(score.crps_mean()));
  const auto z = Rng(2).normal<double>({30, 12});
  Tensor<double> paths({7, 11, 1}), actual({7, 1});
  for (Index t = 0; t < 30; ++t) {
    std::vector<double> members(z.data() + t * 12, z.data() + t * 12 + 11);
    score.add(members, missing);
    score.add(members, z(t, 11));
    if (t < 23) continue;
    std::copy(members.begin(), members.end(), paths.data() + (t - 23) * 11);
    actual(t - 23, 0) = z(t, 11);
  }
  CHECK(score.size() == 7);
  CHECK_THAT(score.crps_mean(), WithinRel(crps(paths, actual), 1e-12));
  CHECK_THAT(score.coverage(), WithinRel(coverage(paths, actual, 0.5), 1e-12));
  CHECK_THROWS_AS(RollingScore(0), ArgumentError);
  CHECK_THROWS_AS(RollingScore(5, 1), ArgumentError);
}
