// Covers: aligned_features frame framer
#include "foglift/forecast/frame/aligned_features.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

const double missing = std::numeric_limits<double>::quiet_NaN();

Series counting(Index n) {
  Series s{
      "x", {data::seconds_from_civil({.year = 2020, .month = 1, .day = 6}), {.seconds = 3600}}, {}};
  for (Index i = 0; i < n; ++i) s.values.push_back(static_cast<double>(i));
  return s;
}

Series noisy(Index n, std::uint64_t seed) {
  Series s = counting(n);
  const auto z = Rng(seed).normal<double>({n});
  for (Index i = 0; i < n; ++i) s.values[static_cast<std::size_t>(i)] = 5 + 2 * z[i];
  return s;
}

/// A frame of one channel as networks along the horizon see it.
struct Windows {
  Tensor<float> features;   // [B, horizon, F]
  Tensor<float> target;     // [B, horizon, 1]
  Tensor<float> weight;     // [B, horizon, 1]
  Tensor<double> baseline;  // [B, horizon]
  std::vector<double> scale;
};

class Windower {
 public:
  explicit Windower(const FrameOptions& options) : features_(options), framer_(features_.frame()) {}

  Index features() const { return features_.channels(); }
  Windows operator()(const Panel& panel, std::span<const Origin> origins) const {
    const Frame frame = framer_(panel, origins);
    return windows(frame, features_(frame));
  }
  Windows targets(const Panel& panel, std::span<const Origin> origins) const {
    return windows(framer_.targets(panel, origins), {});
  }

 private:
  static Windows windows(const Frame& f, Tensor<float> features) {
    return {std::move(features),
            f.scaled_target(),
            f.target_mask,
            f.center.reshaped({f.size(), f.horizon()}),
            {f.scale.begin(), f.scale.end()}};
  }

  AlignedFeatures features_;
  Framer framer_;
};

const FrameOptions small{.horizon = 3,
                         .context = 4,
                         .seasons = {2},
                         .calendar = {1, 0, 0},
                         .scaling = Scaling::mean_abs};

}  // namespace

TEST_CASE("windows: every channel of a counting series by hand", "[forecast][window]") {
  const Windower window(small);
  const std::vector<Series> series = {counting(20)};
  const Windows w = window(series, std::vector<Origin>{{0, 10}});
  // Context 6 7 8 9: mean absolute value 7.5. Season 2: steps 0 1 2 repeat cells 8 9 8.
  CHECK(w.scale == std::vector<double>{7.5});
  CHECK(w.baseline == Tensor<double>({1, 3}, {8, 9, 8}));
  for (Index h = 0; h < 3; ++h) {
    CHECK_THAT(w.target(0, h, 0),
               WithinRel((static_cast<double>(10 + h) - w.baseline(0, h)) / 7.5, 1e-6));
    CHECK(w.weight(0, h, 0) == 1);
  }
  REQUIRE(window.features() == 4 + 2 * 2 + 2 + 4 + 2);
  const auto channel = [&](Index c) {
    return std::vector<double>{w.features(0, 0, c) * 7.5, w.features(0, 1, c) * 7.5,
                               w.features(0, 2, c) * 7.5};
  };
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    for (std::size_t i = 0; i < 3; ++i) CHECK_THAT(a[i], WithinAbs(b[i], 1e-5));
  };
  near(channel(0), {8, 9, 8});       // the phase's last value
  near(channel(2), {6, 7, 6});       // and the one before
  near(channel(4), {9, 8, 7});       // the context backwards, fold 0
  near(channel(6), {6, 0, 0});       // fold 1 ends with the context
  near(channel(7), {7.5, 0, 0});     // its mask
  near(channel(8), {2, 2, 2});       // what the naive forecast of cells 9 8 7 missed
  near(channel(10), {2.5, 5, 7.5});  // lead
  near(channel(11), {9, 9, 9});      // last value
  near(channel(12), {2, 2, 2});
  near(channel(13), {2, 2, 2});
  for (Index h = 0; h < 3; ++h)  // 2020-01-06 10:00 and on
    CHECK_THAT(w.features(0, h, 14),
               WithinAbs(std::sin(2 * 3.14159265358979 * static_cast<double>(10 + h) / 24), 1e-6));
}

TEST_CASE("windows: nothing from the future reaches the channels", "[forecast][window]") {
  for (const Index at : {1, 5, 30, 59}) {
    Series a = noisy(60, 1), b = a;
    for (Index t = at; t < 60; ++t) b.values[static_cast<std::size_t>(t)] = t % 3 ? -1e6 : missing;
    for (const Scaling scaling : {Scaling::standard, Scaling::mean_abs}) {
      const Windower window({.horizon = 7,
                             .context = 20,
                             .seasons = {6, 2},
                             .calendar = {2, 3, 2},
                             .scaling = scaling});
      const std::vector<Origin> origin = {{0, at}};
      const Windows wa = window(std::vector<Series>{a}, origin);
      const Windows wb = window(std::vector<Series>{b}, origin);
      CHECK(wa.features == wb.features);
      CHECK(wa.baseline == wb.baseline);
      CHECK(wa.scale == wb.scale);
      CHECK_FALSE(wa.target == wb.target);
    }
  }
}

TEST_CASE("windows: shifting and scaling a series changes no feature", "[forecast][window]") {
  Series a = noisy(80, 3), b = a;
  for (double& v : b.values) v = 1000 + 4 * v;
  const Windower window({.horizon = 5, .context = 24, .seasons = {8}, .calendar = {1, 0, 0}});
  const std::vector<Origin> origin = {{0, 40}, {0, 75}};
  const Windows wa = window(std::vector<Series>{a}, origin);
  const Windows wb = window(std::vector<Series>{b}, origin);
  // Doubles of size 1000 lose 1000 * 1e-16 against deviations of 8: float's rounding dominates.
  for (Index i = 0; i < wa.features.size(); ++i)
    CHECK_THAT(wa.features[i], WithinAbs(wb.features[i], 1e-5));
  for (Index i = 0; i < wa.target.size(); ++i)
    CHECK_THAT(wa.target[i], WithinAbs(wb.target[i], 1e-5));
}

TEST_CASE("windows: value = baseline + scale * target, and batches do not matter",
          "[forecast][window]") {
  const std::vector<Series> series = {noisy(50, 4), noisy(90, 5)};
  const Windower window({.horizon = 6, .context = 12, .seasons = {4}});
  const std::vector<Origin> all = {{0, 20}, {1, 80}, {0, 44}, {1, 33}};
  const Windows w = window(series, all);
  for (std::size_t b = 0; b < all.size(); ++b) {
    const auto i = static_cast<Index>(b);
    const Windows one = window(series, std::span(all).subspan(b, 1));
    CHECK(one.features == w.features.rows(i, 1));
    for (Index h = 0; h < 6; ++h) {
      const auto& x = series[static_cast<std::size_t>(all[b].series)].values;
      CHECK_THAT(w.baseline(i, h) + w.scale[b] * static_cast<double>(w.target(i, h, 0)),
                 WithinAbs(x[static_cast<std::size_t>(all[b].at + h)], 1e-5));
    }
  }
}

TEST_CASE("windows: missing and flat stretches stay finite and masked", "[forecast][window]") {
  std::vector<Series> series(4, noisy(40, 6));
  for (std::size_t t = 0; t < 40; ++t) {
    series[0].values[t] = missing;                                  // nothing at all
    series[1].values[t] = 3;                                        // constant
    series[2].values[t] = t >= 20 ? missing : series[2].values[t];  // an empty context
    series[3].values[t] = t >= 20 ? 5 + 1e-9 * static_cast<double>(t) : series[3].values[t];
  }
  const Windower window({.horizon = 4, .context = 8, .seasons = {3}, .calendar = {1, 1, 1}});
  for (Index s = 0; s < 4; ++s) {
    const Windows w = window(series, std::vector<Origin>{{s, 32}});
    for (const float v : w.features) CHECK(std::abs(v) < 100);
    CHECK(w.scale[0] > 0.01);
    if (s == 0 || s == 2) CHECK(w.weight == Tensor<float>({1, 4, 1}));
  }
  const Windows end = window(series, std::vector<Origin>{{1, 38}});
  CHECK(end.weight == Tensor<float>({1, 4, 1}, {1, 1, 0, 0}));
}

TEST_CASE("windows: a context that hardly moves is scaled by a tenth of what came before",
          "[forecast][window]") {
  // Four contexts of 8: three that swing between 1 and 9, then one between 4.99 and 5.01. The far
  // past has mean 5 and deviation sqrt((24 * 16 + 8 * 1e-4) / 32), the context one of 0.01.
  Series s = counting(36);
  for (std::size_t t = 0; t < 36; ++t) {
    const double swing = t < 24 ? 4 : 0.01;
    s.values[t] = 5 + (t % 2 ? swing : -swing);
  }
  const std::vector<Series> series = {s};
  const std::vector<Origin> origin = {{0, 32}};
  const double far = std::sqrt((24 * 16 + 8 * 1e-4) / 32);
  const Windows w = Windower({.horizon = 4, .context = 8})(series, origin);
  CHECK_THAT(w.scale[0], WithinRel(0.1 * far, 1e-12));
  // Relative to the mean absolute value: 5 in both, so that the floor does nothing.
  const Windows m =
      Windower({.horizon = 4, .context = 8, .scaling = Scaling::mean_abs})(series, origin);
  CHECK_THAT(m.scale[0], WithinRel(5.0, 1e-12));
  // An empty context takes location 5 and scale 4 from the far past, whose last value is 9.
  Series gap = s;
  for (std::size_t t = 24; t < 32; ++t) gap.values[t] = missing;
  const Windows g = Windower({.horizon = 4, .context = 8})(std::vector<Series>{gap}, origin);
  CHECK_THAT(g.scale[0], WithinRel(4.0, 1e-12));
  CHECK_THAT(g.features(0, 0, 4 + 2 + 1), WithinAbs(1, 1e-6));  // behind two folds, error and lead
  // A context that never moves, after a past that never did: the size of the values, or 1.
  for (const double level : {5.0, 0.0}) {
    Series flat = counting(36);
    flat.values.assign(36, level);
    const Windows f = Windower({.horizon = 4, .context = 8})(std::vector<Series>{flat}, origin);
    CHECK(f.scale[0] == (level > 0 ? level : 1));
  }
  // Five contexts before, nothing of it counts.
  const Windows early = Windower({.horizon = 1, .context = 2})(series, origin);
  CHECK_THAT(early.scale[0], WithinRel(0.01, 1e-9));
}

TEST_CASE("windows: targets alone are those of whole windows", "[forecast][window]") {
  const std::vector<Series> series = {noisy(50, 4), noisy(90, 5)};
  const Windower window({.horizon = 6, .context = 12, .seasons = {4}});
  const std::vector<Origin> all = {{0, 20}, {1, 80}, {0, 47}};
  const Windows whole = window(series, all), part = window.targets(series, all);
  CHECK(part.target == whole.target);
  CHECK(part.weight == whole.weight);
  CHECK(part.baseline == whole.baseline);
  CHECK(part.scale == whole.scale);
  CHECK(part.features.empty());
}

TEST_CASE("windows: an infinite or absurd value in reach is named, one out of reach is not read",
          "[forecast][window]") {
  const Windower window({.horizon = 4, .context = 8, .seasons = {3}});
  const std::vector<Origin> origin = {{0, 50}};
  for (const double bad : {HUGE_VAL, -HUGE_VAL, 1e300}) {
    // The far past begins at 50 - 32, the targets end at 53.
    for (const std::size_t at : {18u, 30u, 49u, 50u, 53u}) {
      Series s = noisy(60, 2);
      s.values[at] = bad;
      CHECK_THROWS_AS(window(std::vector<Series>{s}, origin), NumericError);
      CHECK_THROWS_WITH(window(std::vector<Series>{s}, origin), ContainsSubstring("\"x\""));
    }
    for (const std::size_t at : {5u, 17u, 54u, 59u}) {
      Series s = noisy(60, 2);
      s.values[at] = bad;
      const Windows w = window(std::vector<Series>{s}, origin);
      CHECK(w.features == window(std::vector<Series>{noisy(60, 2)}, origin).features);
    }
  }
  // A season far back that is out of all proportion to the context.
  Series s = noisy(60, 2);
  s.values[10] = 1e20;
  CHECK_THROWS_AS(
      Windower({.horizon = 1, .context = 4, .seasons = {40}})(std::vector<Series>{s}, origin),
      NumericError);
}

TEST_CASE("windows: options and origins that make no sense are refused", "[forecast][window]") {
  CHECK_THROWS_AS(Windower({.horizon = 0}), ArgumentError);
  CHECK_THROWS_AS(Windower({.context = 0}), ArgumentError);
  CHECK_THROWS_AS(Windower({.seasons = {0}}), ArgumentError);
  const Windower window(small);
  const std::vector<Series> series = {counting(20)};
  for (const Origin o : {Origin{0, 0}, Origin{0, 21}, Origin{1, 5}, Origin{-1, 5}})
    CHECK_THROWS_AS(window(series, std::vector<Origin>{o}), ArgumentError);
  std::vector<Series> timeless = series;
  timeless[0].time = {};
  CHECK_THROWS_WITH(window(timeless, std::vector<Origin>{{0, 8}}),
                    ContainsSubstring("a step of 0 seconds and 0 months"));
  FrameOptions plain = small;
  plain.calendar = {};
  CHECK(Windower(plain)(timeless, std::vector<Origin>{{0, 8}}).scale.size() == 1);
}
