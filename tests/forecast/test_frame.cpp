// Covers: best_center aligned_features frame framer panel scaler
#include "foglift/forecast/frame/aligned_features.hpp"
#include "foglift/forecast/frame/best_center.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <functional>

using namespace foglift;
using namespace foglift::forecast;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();

/// Six cells of two channels, ten of a covariate known ahead, six of one that is not, two statics.
Series small(double unit = 1) {
  return {.name = "small",
          .time = {data::seconds_from_civil({.year = 2020, .month = 1, .day = 6}),
                   {.seconds = 6 * 3600}},
          .values = {1 * unit, 10 * unit, 2 * unit, 20 * unit, missing, 30 * unit, 4 * unit,
                     40 * unit, 5 * unit, 50 * unit, 6 * unit, missing},
          .channels = 2,
          .known = Tensor<double>({10, 1}, {0, 1, 2, 3, 4, 5, missing, 7, 8, 9}),
          .past = Tensor<double>({6, 1}, {5, 4, missing, 2, 1, 0}),
          .statics = {3, missing}};
}

const FrameOptions two{.horizon = 3,
                       .context = 2,
                       .calendar = {.day = 1},
                       .scaling = Scaling::mean_abs,
                       .columns = {2, 1, 1, 2},
                       .reach = 4,
                       .lead = 1};

/// Series of noise with covariates of noise.
Series noisy(Index n, std::uint64_t seed) {
  const auto z = Rng(seed).normal<double>({n, 2});
  return {.name = "noisy",
          .time = {0, {.seconds = 3600}},
          .values = {z.begin(), z.end()},
          .channels = 2,
          .known = Rng(seed + 1).normal<double>({n + 8, 1}),
          .past = Rng(seed + 2).normal<double>({n, 1}),
          .statics = {1, static_cast<double>(seed)}};
}

}  // namespace

TEST_CASE("panel: series that do not fit together are refused by name", "[forecast][panel]") {
  const auto refused = [](const std::function<void(Series&)>& spoil, const std::string& why) {
    std::vector<Series> series = {small(), small()};
    series[1].name = "spoiled";
    spoil(series[1]);
    CHECK_THROWS_AS(Panel(series), ShapeError);
    CHECK_THROWS_WITH(Panel(series), ContainsSubstring("\"spoiled\"") && ContainsSubstring(why));
  };
  refused([](Series& s) { s.channels = 1; }, "1 channels, 1 known");
  refused([](Series& s) { s.channels = 0; }, "12 values of 0 channels");
  refused([](Series& s) { s.values.pop_back(); }, "11 values of 2 channels");
  refused([](Series& s) { s.statics.clear(); }, "0 statics; the first one has 2 channels");
  refused([](Series& s) { s.past = Tensor<double>({5, 1}); }, "6 cells and past covariates [5, 1]");
  refused([](Series& s) { s.known = Tensor<double>({5, 1}); }, "known covariates [5, 1]");
  refused([](Series& s) { s.known = {}; }, "0 known");
  refused([](Series& s) { s.past = Tensor<double>({6, 2}); }, "2 past");
  const std::vector<Series> series = {small(), small(2)};
  CHECK(Panel(series).columns() == Columns{2, 1, 1, 2});
  CHECK(Panel(std::vector<Series>()).columns() == Columns{});
  CHECK(channel_of(series[1], 0).values[5] == 12);
  CHECK(std::isnan(channel_of(series[1], 1).values[5]));
  CHECK_THROWS_AS(channel_of(series[1], 2), ArgumentError);
}

TEST_CASE("frame: every number of a small one by hand", "[forecast][frame]") {
  const std::vector<Series> series = {small()};
  const Frame f = Framer(two)(series, std::vector<Origin>{{0, 3}, {0, 5}});
  REQUIRE(f.size() == 2);
  // Four cells before 3: one outside, then 1 2 missing, and 10 20 30.
  CHECK(f.context.rows(0, 1) == Tensor<double>({1, 4, 2}, {0, 0, 1, 10, 2, 20, 0, 30}));
  CHECK(f.context_mask.rows(0, 1) == Tensor<float>({1, 4, 2}, {0, 0, 1, 1, 1, 1, 0, 1}));
  CHECK(f.context.rows(1, 1) == Tensor<double>({1, 4, 2}, {2, 20, 0, 30, 4, 40, 5, 50}));
  CHECK(f.target.rows(0, 1) == Tensor<double>({1, 3, 2}, {4, 40, 5, 50, 6, 0}));
  CHECK(f.target_mask.rows(0, 1) == Tensor<float>({1, 3, 2}, {1, 1, 1, 1, 1, 0}));
  CHECK(f.target_mask.rows(1, 1) == Tensor<float>({1, 3, 2}, {1, 0, 0, 0, 0, 0}));
  // Mean absolute values of the two cells before: 2, 25 and 4.5, 45. Without seasons the naive
  // forecast is the last value there.
  CHECK(f.location == Tensor<double>({2, 2}));
  CHECK(f.scale == Tensor<double>({2, 2}, {2, 25, 4.5, 45}));
  CHECK(f.last == Tensor<double>({2, 2}, {2, 30, 5, 50}));
  CHECK(f.center.rows(0, 1) == Tensor<double>({1, 3, 2}, {2, 30, 2, 30, 2, 30}));
  CHECK(f.scaled_target().rows(0, 1) == Tensor<float>({1, 3, 2}, {1, 0.4F, 1.5, 0.8F, 2, 0}));
  CHECK(f.scaled_context().rows(0, 1) ==
        Tensor<float>({1, 4, 2}, {0, 0, 0.5, 0.4F, 1, 0.8F, 0, 1.2F}));
  CHECK(f.unscaled(1.5, 0, 1, 0) == 5);
  // From one cell before the origin: covariates 2 3 4 5, and 4 5 missing 7 beyond the last cell.
  CHECK(f.known == Tensor<float>({2, 4, 1}, {2, 3, 4, 5, 4, 5, 0, 7}));
  CHECK(f.known_mask == Tensor<float>({2, 4, 1}, {1, 1, 1, 1, 1, 1, 0, 1}));
  CHECK(f.past == Tensor<float>({2, 4, 1}, {0, 5, 4, 0, 4, 0, 2, 1}));
  CHECK(f.past_mask == Tensor<float>({2, 4, 1}, {0, 1, 1, 0, 1, 0, 1, 1}));
  CHECK(f.statics == Tensor<float>({2, 2}, {3, 0, 3, 0}));
  // Cell 2 is at noon, 3 at 18:00, 4 at midnight.
  const float sines[] = {0, -1, 0, 1}, cosines[] = {-1, 0, 1, 0};
  for (Index i = 0; i < 4; ++i) {
    CHECK_THAT(f.time(0, i, 0), WithinAbs(sines[i], 1e-6));
    CHECK_THAT(f.time(0, i, 1), WithinAbs(cosines[i], 1e-6));
  }
  CHECK(f.before(0, 1, 1) == 30);
  for (const Index t : {0, 1, 4, 5}) CHECK(std::isnan(f.before(0, t, 0)));

  const Frame second = f.rows(1, 1);
  CHECK(second.keys == std::vector<Origin>{{0, 5}});
  CHECK(second.context == f.context.rows(1, 1));
  CHECK(second.scaled_target() == f.scaled_target().rows(1, 1));
  CHECK(second.known == f.known.rows(1, 1));
}

TEST_CASE("frame: nothing from the origin on is read but targets and what is known ahead",
          "[forecast][frame]") {
  const std::vector<Series> a = {noisy(40, 1)};
  const std::vector<Origin> origin = {{0, 20}};
  const auto same_past = [&](const std::vector<Series>& b) {
    const FrameOptions options{.horizon = 5, .context = 9, .seasons = {4}, .columns = {2, 1, 1, 2}};
    const Frame f = Framer(options)(a, origin), g = Framer(options)(b, origin);
    return f.context == g.context && f.scale == g.scale && f.location == g.location &&
           f.center == g.center && f.last == g.last && f.past == g.past && f.known == g.known;
  };
  std::vector<Series> b = a;
  for (std::size_t t = 40; t < 80; ++t) b[0].values[t] = t % 3 ? 1e9 : missing;
  for (Index t = 20; t < 40; ++t) b[0].past(t, 0) = 1e9;
  for (Index t = 25; t < 48; ++t) b[0].known(t, 0) = 1e9;
  CHECK(same_past(b));
  b[0].known(24, 0) = 1e9;
  CHECK_FALSE(same_past(b));
}

TEST_CASE("scaler: means and deviations of the training cells, kept with the state",
          "[forecast][scaler]") {
  // Two cells held out: 1 2 . 4 and 2 4 . 8 in channel 0 have mean 3.5.
  const std::vector<Series> series = {small(), small(2)};
  FrameOptions options = two;
  options.scaling = Scaling::panel;
  Scaler scaler = Scaler::fit(series, options, 2);
  scaler.spread = 1.5;
  CHECK_THAT(scaler.values.location[0], WithinRel(21.0 / 6, 1e-14));
  CHECK_THAT(scaler.values.scale[0], WithinRel(std::sqrt(105.0 / 6 - 3.5 * 3.5), 1e-14));
  CHECK_THAT(scaler.known.location[0], WithinRel(1.5, 1e-14));  // 0 1 2 3 twice
  CHECK_THAT(scaler.known.scale[0], WithinRel(std::sqrt(1.25), 1e-14));
  CHECK_THAT(scaler.past.location[0], WithinRel(11.0 / 3, 1e-14));  // 5 4 . 2
  CHECK(scaler.statics.scale == Tensor<double>({2}, {1, 1}));       // one value, and none

  Scaler::Fitted fitted;
  scaler.save(fitted);
  const Scaler again = Scaler::saved(fitted, options, "Test");
  const std::vector<Origin> origins = {{1, 3}};
  const Frame f = Framer(options)(series, origins, scaler),
              g = Framer(options)(series, origins, again);
  CHECK(f.scaled_target() == g.scaled_target());
  CHECK(f.known == g.known);
  CHECK(f.past == g.past);
  CHECK(f.statics == g.statics);
  CHECK(g.spread == 1.5);
  CHECK(f.location(0, 0) == scaler.values.location[0]);
  CHECK_THAT(f.known(0, 0, 0), WithinRel(0.5 / std::sqrt(1.25), 1e-6));
  CHECK(f.statics == Tensor<float>({1, 2}));

  for (const auto& [name, number] : Scaler::Fitted(fitted)) {
    Scaler::Fitted spoiled = fitted;
    spoiled.erase(name);
    CHECK_THROWS_WITH(Scaler::saved(spoiled, options, "Test"),
                      ContainsSubstring("Test: the state has no \"" + name + '"'));
    spoiled[name] = Tensor<double>({3}, 1);
    CHECK_THROWS_WITH(Scaler::saved(spoiled, options, "Test"), ContainsSubstring(name));
    spoiled[name] = Tensor<double>(number.shape(), missing);
    CHECK_THROWS_AS(Scaler::saved(spoiled, options, "Test"), ArgumentError);
  }
  CHECK_THROWS_WITH(Framer(options)(series, origins),
                    ContainsSubstring("a Scaler that was fitted"));
  std::vector<Series> absurd = series;
  absurd[0].known(1, 0) = HUGE_VAL;
  CHECK_THROWS_AS(Scaler::fit(absurd, options, 2), NumericError);
}

TEST_CASE("frame: measured from the location, targets are the next frame's context",
          "[forecast][frame]") {
  const std::vector<Series> series = {noisy(40, 3)};
  const FrameOptions options{.horizon = 6,
                             .context = 6,
                             .scaling = Scaling::panel,
                             .center = Center::location,
                             .columns = {2, 1, 1, 2}};
  const Scaler scaler = Scaler::fit(series, options, 0);
  const Framer framer(options);
  const Frame now = framer(series, std::vector<Origin>{{0, 20}}, scaler);
  const Frame next = framer(series, std::vector<Origin>{{0, 26}}, scaler);
  CHECK(now.scaled_target() == next.scaled_context());
}

TEST_CASE("frame: targets are measured from the last value or a shifted season",
          "[forecast][frame]") {
  const std::vector<Series> series = {{.name = "x", .values = {1, 5, 2, 3, 7, NAN, 9, 9, 9, 9}}};
  const auto center = [&](Center c, Index at) {
    const Framer framer({.horizon = 4, .context = 3, .seasons = {3}, .center = c});
    return framer.targets(series, std::vector<Origin>{{0, at}}).center.reshaped({4});
  };
  CHECK(center(Center::naive, 6) == Tensor<double>({4}, {3, 7, 2, 3}));
  CHECK(center(Center::last, 6) == Tensor<double>({4}, {7, 7, 7, 7}));
  // The last value is 7; a season before the cell in front of the origin (2) it was 2.
  CHECK(center(Center::shifted, 6) == Tensor<double>({4}, {8, 12, 7, 8}));
  CHECK(center(Center::shifted, 3) == center(Center::naive, 3));  // no season to compare with
}

TEST_CASE("frame: where nothing moves of late, the scale is that of the whole past",
          "[forecast][frame]") {
  std::vector<Series> series = {{.name = "stuck", .values = {98, 102, 98, 102}}};
  series[0].values.insert(series[0].values.end(), 16, 100.0);
  const Framer framer({.horizon = 2, .context = 4});
  const Frame f = framer.targets(series, std::vector<Origin>{{0, 20}});
  CHECK_THAT(f.scale[0], WithinRel(2 / std::sqrt(5.0), 1e-12));  // four of twenty are off by 2
  CHECK(f.location[0] == 100);
}

TEST_CASE("frame: the best center is the one that targets are nearest to", "[forecast][frame]") {
  const auto z = Rng(5).normal<double>({200});
  std::vector<Series> walk = {{.name = "walk"}}, cycle = {{.name = "cycle"}},
                      both = {{.name = "both"}};
  double sum = 0;
  for (Index t = 0; t < 200; ++t) {
    const double wave = t % 5 == 0 ? 30 : 0;
    sum += z[t];
    walk[0].values.push_back(sum);
    cycle[0].values.push_back(wave + z[t]);
    both[0].values.push_back(wave + 3 * static_cast<double>(t) + z[t]);
  }
  const FrameOptions frame{.horizon = 3, .context = 10, .seasons = {5}};
  CHECK(best_center(walk, frame, 20) == Center::last);
  CHECK(best_center(cycle, frame, 20) == Center::naive);
  CHECK(best_center(both, frame, 20) == Center::shifted);
  for (std::size_t t = 180; t < 200; ++t) cycle[0].values[t] = 1e6;  // held out
  CHECK(best_center(cycle, frame, 20) == Center::naive);
}

TEST_CASE("frame: a panel that it was not made for is refused", "[forecast][frame]") {
  const std::vector<Series> series = {small()};
  const std::vector<Origin> origin = {{0, 3}};
  CHECK_THROWS_WITH(Framer({.horizon = 3, .context = 2})(series, origin),
                    ContainsSubstring("made for 1 channels, 0 known") &&
                        ContainsSubstring("the panel has 2 channels, 1 known"));
  CHECK_THROWS_AS(Framer({.reach = -1}), ArgumentError);
  CHECK_THROWS_AS(Framer({.lead = -1}), ArgumentError);
  CHECK_THROWS_AS(Framer({.columns = {.channels = 0}}), ArgumentError);
  std::vector<Series> absurd = series;
  absurd[0].past(2, 0) = 1e200;
  CHECK_THROWS_WITH(Framer(two)(absurd, origin), ContainsSubstring("\"small\" is 1e+200"));
}

TEST_CASE("aligned features: channels side by side, covariates at their steps",
          "[forecast][frame]") {
  std::vector<Series> series = {noisy(40, 5)};
  Series& s = series[0];
  for (std::size_t t = 0; t < 80; t += 2) s.values[t + 1] = 4 * s.values[t];
  const AlignedFeatures features(
      {.horizon = 3, .context = 4, .seasons = {5}, .columns = {2, 1, 1, 2}});
  CHECK(features.frame().reach == 10);
  const Tensor<float> f = features(Framer(features.frame())(series, std::vector<Origin>{{0, 20}}));
  // 4 of the season, 4 of two folds, 2 of the error, 3 without masks; the lead once.
  REQUIRE(f.dim(2) == features.channels());
  REQUIRE(features.channels() == 2 * 13 + 1 + 2 + 4 + 2);
  for (Index h = 0; h < 3; ++h) {
    for (Index c = 0; c < 13; ++c)  // channel 1 is 4 times channel 0: the same in its own scale
      CHECK(f(0, h, c < 10 ? c : c + 1) == f(0, h, 14 + c));
    CHECK(f(0, h, 27) == static_cast<float>(s.known(20 + h, 0)));
    CHECK(f(0, h, 28) == 1);
    CHECK(f(0, h, 29) == static_cast<float>(s.past(19 - h, 0)));
    CHECK(f(0, h, 31) == (h == 0 ? static_cast<float>(s.past(16, 0)) : 0));
    CHECK(f(0, h, 32) == (h == 0 ? 1 : 0));
    CHECK(f(0, h, 33) == 1);
    CHECK(f(0, h, 34) == 5);
  }
  CHECK_THROWS_AS(features(Framer({.horizon = 3, .context = 4, .columns = {2, 1, 1, 2}})(
                      series, std::vector<Origin>{{0, 20}})),
                  ShapeError);
}
