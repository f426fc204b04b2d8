// Covers: backtest forecaster frame horizon_diffusion method
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double phi = 0.8;

/// Series of x[t] = phi x[t-1] + e, e ~ N(0, 1), from its stationary law, shifted and stretched.
std::vector<Series> autoregressions(Index count, Index length) {
  std::vector<Series> out;
  const auto e = Rng(11).normal<double>({count, length});
  for (Index s = 0; s < count; ++s) {
    Series series{"ar", {0, {.seconds = 3600}}, {}};
    double x = e(s, 0) / std::sqrt(1 - phi * phi);
    for (Index t = 0; t < length; ++t) {
      if (t > 0) x = phi * x + e(s, t);
      series.values.push_back(x);
    }
    out.push_back(series);
  }
  return out;
}

using UNet = HorizonDiffusion<>;
using Dit = HorizonDiffusion<nn::Dit1d<float>>;

const nn::UNetOptions small_net{
    .width = 8, .multipliers = {1}, .blocks = 1, .middle_attention = false, .groups = 4};
const FrameOptions small_frame{.horizon = 4, .context = 8};
const UNet::Options small_unet{.frame = small_frame, .net = small_net, .sampling_steps = 3};
const Dit::Options small_dit{.frame = small_frame,
                             .net = {.width = 8, .depth = 1, .heads = 2, .ratio = 2},
                             .sampling_steps = 3};
ForecasterOptions small_options() { return {.batch = 32, .steps = 3, .warm_up = 1, .seed = 5}; }

/// Restores the number of threads.
struct Threads {
  int before = threads();
  ~Threads() { set_threads(before); }
};

template <class Model>
void check_same_bits(const Model& model, const Panel& series) {
  const Threads keep;
  const std::vector<Origin> origins = {{0, 30}, {1, 31}, {2, 50}};
  set_threads(1);
  const Tensor<double> all = model.paths(series, origins, 40);
  for (const int n : {2, 3}) {
    set_threads(n);
    CHECK(model.paths(series, origins, 40) == all);
  }
  const Tensor<double> fewer = model.paths(series, std::span(origins).subspan(1, 1), 27);
  for (Index p = 0; p < 27; ++p)
    for (Index h = 0; h < fewer.dim(2); ++h) REQUIRE(fewer(0, p, h) == all(1, p, h));
}

}  // namespace

TEST_CASE("forecaster: learns the predictive law of an autoregression", "[forecast][forecaster]") {
  // Given the past, x[n + h] is normal with mean phi^h x[n - 1] and variance s^2 = (1 - phi^2h) /
  // (1 - phi^2); the CRPS of the true law is on average s / sqrt(pi).
  std::vector<Series> series = autoregressions(40, 220);
  std::vector<Series> past = series;
  for (Series& s : past) s.values.resize(160);
  const Index H = 4;
  Forecaster<UNet> model(
      {.frame = {.horizon = H, .context = 40}, .net = small_net, .sampling_steps = 24},
      {.batch = 64, .steps = 900, .warm_up = 20, .learning_rate = 5e-3, .ema = 0.98, .seed = 2});
  CHECK(model.fit(past) == train::FitEnd::steps);

  std::vector<Origin> origins;
  for (Index s = 0; s < 40; ++s)
    for (Index at = 160; at <= 216; at += 8) origins.push_back({s, at});
  const Index S = 60;
  const Tensor<double> paths = model.paths(series, origins, S);
  const Tensor<double> actual = actual_values(series, origins, H);
  Tensor<double> exact_paths(paths.shape());
  const auto z = Rng(9).normal<double>(paths.shape());
  for (Index w = 0; w < paths.dim(0); ++w) {
    const Origin& o = origins[static_cast<std::size_t>(w)];
    const auto& x = series[static_cast<std::size_t>(o.series)].values;
    for (Index p = 0; p < S; ++p) {
      double v = x[static_cast<std::size_t>(o.at - 1)];
      for (Index h = 0; h < H; ++h) exact_paths(w, p, h) = v = phi * v + z(w, p, h);
    }
  }
  // Judged on the same observations, so that their chance cancels: paths of the true law are the
  // best there is, and the model is allowed 8 % more for what 6400 training cells and 900 steps
  // leave unlearned. A climatological forecast, which ignores the past, is 25 % worse.
  const double best = crps(exact_paths, actual, Crps::fair);
  const double ours = crps(paths, actual, Crps::fair);
  CHECK(ours > 0.98 * best);
  CHECK(ours < 1.08 * best);
  // 320 origins in 40 independent series; cells of a window are correlated, so windows count: a
  // standard error of sqrt(.8 * .2 / 320) = 0.022, three of them beside a bias of 0.03.
  CHECK_THAT(coverage(paths, actual, 0.8), WithinAbs(0.8, 0.1));
  // Neighbouring steps of a path move together as in the true law: corr(x[n], x[n+1] | past) =
  // phi / sqrt(1 + phi^2) = 0.62 for the first two steps; independent errors would have 0.
  double xx = 0, yy = 0, xy = 0;
  for (Index w = 0; w < paths.dim(0); ++w) {
    double mx = 0, my = 0;
    for (Index p = 0; p < S; ++p) mx += paths(w, p, 0) / S, my += paths(w, p, 1) / S;
    for (Index p = 0; p < S; ++p) {
      const double a = paths(w, p, 0) - mx, b = paths(w, p, 1) - my;
      xx += a * a, yy += b * b, xy += a * b;
    }
  }
  CHECK_THAT(xy / std::sqrt(xx * yy), WithinAbs(phi / std::sqrt(1 + phi * phi), 0.1));
}

TEST_CASE("forecaster: paths do not depend on threads, companions or how many there are",
          "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(3, 60);
  Forecaster<UNet> unet(small_unet, small_options());
  unet.fit(series);
  check_same_bits(unet, series);
  Forecaster<Dit> transformer(small_dit, small_options());
  transformer.fit(series);
  check_same_bits(transformer, series);
}

TEST_CASE("forecaster: paths by another way to draw from the trained method",
          "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(2, 60);
  Forecaster<UNet> model(small_unet, small_options());
  model.fit(series);
  const std::vector<Origin> origins = {{0, 30}, {1, 41}};
  const auto by = [&](const auto& solver, Index steps) {
    return model.paths(series, origins, 30,
                       [&](const UNet& method, const Frame& frame, const PathKeys& keys) {
                         return method.draw(frame, keys, solver, steps);
                       });
  };
  const Tensor<double> own = model.paths(series, origins, 30);
  CHECK(by(solver::Ddim{}, 3) == own);
  CHECK(by(solver::Ddim{}, 4) != own);
  CHECK(by(solver::Ddim{.eta = 1}, 3) != own);

  // Path p at p standard units above the center, which is the last value.
  const Tensor<double> ladder =
      model.paths(series, origins, 30, [&](const UNet&, const Frame& frame, const PathKeys& keys) {
        Tensor<float> z({keys.count, frame.horizon(), 1});
        for (Index i = 0; i < z.size(); ++i)
          z[i] = static_cast<float>(keys.first + i / frame.horizon());
        return z;
      });
  for (Index w = 0; w < 2; ++w)
    for (Index h = 0; h < 4; ++h) {
      const Origin& o = origins[static_cast<std::size_t>(w)];
      const double last = series[static_cast<std::size_t>(o.series)].value(o.at - 1);
      CHECK(ladder(w, 0, h) == last);
      const double unit = ladder(w, 1, h) - last;
      CHECK(unit > 0);
      CHECK_THAT(ladder(w, 29, h), WithinAbs(last + 29 * unit, 1e-9 * std::abs(29 * unit)));
    }
}

TEST_CASE("forecaster: a fit that was stopped and resumed ends in the same weights",
          "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(3, 60);
  ForecasterOptions options = small_options();
  options.steps = 6;
  options.validation = 8;
  options.validate_every = 2;
  UNet::Options unet = small_unet;
  unet.net.dropout = 0.2;
  const Threads keep;
  Forecaster<UNet> whole(unet, options), parts(unet, options);
  set_threads(1);
  whole.fit(series);
  set_threads(2);
  const train::callback::StopWhen third([&] { return parts.state().step == 3; });
  CHECK(parts.fit(series, third) == train::FitEnd::stopped);
  Forecaster<UNet> resumed(unet, options);
  resumed.state() = parts.state();
  CHECK(resumed.fit(series) == train::FitEnd::steps);
  const std::vector<Origin> origins = {{0, 60}};
  CHECK(resumed.paths(series, origins, 3) == whole.paths(series, origins, 3));
  CHECK(resumed.state().best_metric == whole.state().best_metric);
}

TEST_CASE("forecaster: missing values train nothing and change no other path",
          "[forecast][forecaster]") {
  std::vector<Series> series = autoregressions(3, 60);
  for (std::size_t t = 0; t < 60; t += 3)
    series[1].values[t] = std::numeric_limits<double>::quiet_NaN();
  series[2].values.assign(60, std::numeric_limits<double>::quiet_NaN());
  Forecaster<UNet> model(small_unet, small_options());
  CHECK(model.fit(series) == train::FitEnd::steps);
  const std::vector<Origin> origins = {{0, 60}, {1, 60}, {2, 60}};
  for (const double v : model.paths(series, origins, 2)) CHECK(std::isfinite(v));
}

TEST_CASE("forecaster: a bound at zero, and what can not be fitted", "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(1, 60);
  ForecasterOptions options = small_options();
  options.non_negative = true;
  Forecaster<UNet> model(small_unet, options);
  model.fit(series);
  const std::vector<Origin> origins = {{0, 60}};
  const auto paths = model.paths(series, origins, 30);
  for (const double v : paths) CHECK(v >= 0);
  CHECK(*std::min_element(paths.begin(), paths.end()) == 0);
  CHECK_THROWS_AS(model.paths(series, origins, 0), ArgumentError);
  options.validation = 58;
  Forecaster<UNet> starved(small_unet, options);
  CHECK_THROWS_AS(starved.fit(series), ArgumentError);
  options.validation = -1;
  CHECK_THROWS_AS(Forecaster<UNet>(small_unet, options), ArgumentError);
}

TEST_CASE("forecaster: restored from its checkpoint it draws the same paths, and trains on alike",
          "[forecast][forecaster]") {
  std::vector<Series> series = autoregressions(3, 60);
  ForecasterOptions options = small_options();
  options.steps = 6;
  options.validation = 8;
  options.validate_every = 2;
  Forecaster<UNet> whole(small_unet, options), part(small_unet, options);
  whole.fit(series);
  part.fit(series, train::callback::StopWhen([&] { return part.state().step == 3; }));
  REQUIRE(whole.scaler().spread != 1);

  const std::vector<Origin> origins = {{0, 60}, {2, 44}};
  ForecasterOptions other = options;
  other.seed = 77;  // other first weights; the seed of paths is the user's choice
  const auto check = [&](const auto& model, auto& again) {
    io::Checkpoint(io::checkpoint_bytes(model.state(), "c"), "run").restore(again.state());
    CHECK(again.scaler().spread == model.scaler().spread);
  };
  Forecaster<UNet> same(small_unet, options), reseeded(small_unet, other),
      resumed(small_unet, options);
  check(whole, same);
  CHECK(same.paths(series, origins, 30) == whole.paths(series, origins, 30));
  check(whole, reseeded);
  CHECK_FALSE(reseeded.paths(series, origins, 2) == whole.paths(series, origins, 2));
  check(part, resumed);
  CHECK(resumed.paths(series, origins, 30) == part.paths(series, origins, 30));
  CHECK(resumed.fit(series) == train::FitEnd::steps);
  CHECK(resumed.paths(series, origins, 30) == whole.paths(series, origins, 30));

  // The scale that the network learned with stays, whatever series it is trained on next.
  const double before = resumed.scaler().spread;
  for (double& v : series[0].values) v = 0;
  options.steps = 7;
  Forecaster<UNet> longer(small_unet, options);
  check(resumed, longer);
  longer.fit(series);
  CHECK(longer.scaler().spread == before);

  Forecaster<Dit> transformer(small_dit, small_options()), second(small_dit, small_options());
  transformer.fit(series);
  check(transformer, second);
  CHECK(second.paths(series, origins, 3) == transformer.paths(series, origins, 3));
}

TEST_CASE("forecaster: a checkpoint of other windows or another network is refused by name",
          "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(2, 60);
  Forecaster<UNet> saved(small_unet, small_options());
  saved.fit(series);
  const io::Checkpoint file(io::checkpoint_bytes(saved.state(), ""), "run");
  const auto refused = [&](const FrameOptions& frame, const nn::UNetOptions& net, const char* why) {
    Forecaster<UNet> other({.frame = frame, .net = net, .sampling_steps = 3}, small_options());
    CHECK_THROWS_WITH(file.restore(other.state()), ContainsSubstring(why));
  };
  // All of one shape.
  refused({.horizon = 4, .context = 7}, small_net,
          "made for window.context = 8, used for window.context = 7");
  refused({.horizon = 2, .context = 4}, small_net,
          "made for window.context = 8, used for window.context = 4");
  refused({.horizon = 4, .context = 8, .scaling = Scaling::mean_abs}, small_net,
          "made for window.scaling = standard, used for window.scaling = mean_abs");
  nn::UNetOptions net = small_net;
  net.groups = 2;
  refused(small_frame, net, "made for groups = 4, used for groups = 2");
  refused({.horizon = 4, .context = 4, .calendar = {.day = 1}}, small_net,
          "made for window.calendar = 0 0 0, used for window.calendar = 1 0 0");
}

TEST_CASE(
    "forecaster: what was not trained draws nothing, and an old checkpoint says what it lacks",
    "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(2, 60);
  const std::vector<Origin> origins = {{0, 60}};
  Forecaster<UNet> model(small_unet, small_options());
  CHECK_THROWS_WITH(model.paths(series, origins, 2), ContainsSubstring("not trained"));
  CHECK_THROWS_AS(model.scaler().spread, ArgumentError);
  model.fit(series, train::callback::StopWhen([] { return true; }));
  CHECK_THROWS_WITH(model.paths(series, origins, 2), ContainsSubstring("not trained"));
  model.fit(series);
  const auto expected = model.paths(series, origins, 2);

  // As older versions saved it.
  model.state().fitted.clear();
  model.state().made_for.clear();
  const std::string old = io::checkpoint_bytes(model.state(), "");
  Forecaster<UNet> restored(small_unet, small_options());
  CHECK_THROWS_WITH(io::Checkpoint(old, "run").restore(restored.state()),
                    ContainsSubstring("made for no window."));
  restored.state().made_for.clear();
  io::Checkpoint(old, "run").restore(restored.state());
  CHECK_THROWS_WITH(restored.paths(series, origins, 2),
                    ContainsSubstring("trained for 3 steps") && ContainsSubstring("\"spread\""));
  CHECK(restored.fit(series) == train::FitEnd::steps);  // takes no step, finds the scale
  CHECK(restored.paths(series, origins, 2) == expected);
  restored.state().fitted["spread"] = Tensor<double>({1}, -1);
  CHECK_THROWS_AS(restored.paths(series, origins, 2), ArgumentError);
  restored.state().fitted["spread"] = Tensor<double>();
  restored.state().step = 2;
  CHECK_THROWS_AS(restored.fit(series), ArgumentError);
}

TEST_CASE(
    "forecaster: paths of an origin are all different, beyond those of one call of the network",
    "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(2, 60);
  Forecaster<UNet> model(small_unet, small_options());
  model.fit(series);
  const std::vector<Origin> origins = {{0, 60}, {1, 60}, {0, 59}};
  const Tensor<double> paths = model.paths(series, origins, 60);
  for (Index h = 0; h < paths.dim(2); ++h) {
    std::set<double> seen;
    for (Index w = 0; w < 3; ++w)
      for (Index p = 0; p < 60; ++p) seen.insert(paths(w, p, h));
    // 180 draws in double from a law without atoms, made of floats: two are equal with a chance
    // below 180^2 / 2 / 2^23 = 0.2 %.
    CHECK(seen.size() >= 179);
  }
}

TEST_CASE("forecaster: equal pasts of two series, or of two origins, get paths of their own",
          "[forecast][forecaster]") {
  // A series of period 16, so that the windows at 40 and 56 are alike, and a second one like it.
  Series wave{"wave", {0, {.seconds = 3600}}, {}};
  const auto e = Rng(3).normal<double>({16});
  for (Index t = 0; t < 60; ++t) wave.values.push_back(e[t % 16]);
  const std::vector<Series> series(2, wave);
  Forecaster<UNet> model(small_unet, small_options());
  model.fit(series);
  const std::vector<Origin> origins = {{0, 40}, {1, 40}, {0, 56}};
  const Tensor<float> features =
      model.state().model.features()(model.framer()(series, origins, model.scaler()));
  REQUIRE(features.rows(0, 1) == features.rows(1, 1));
  REQUIRE(features.rows(0, 1) == features.rows(2, 1));
  const Tensor<double> paths = model.paths(series, origins, 5);
  for (const Index other : {1, 2}) {
    Index equal = 0;
    for (Index p = 0; p < 5; ++p)
      for (Index h = 0; h < 4; ++h) equal += paths(0, p, h) == paths(other, p, h);
    CHECK(equal == 0);
  }
}

TEST_CASE("forecaster: an infinite or absurd value is named, never a forecast",
          "[forecast][forecaster]") {
  const std::vector<Series> series = autoregressions(2, 60);
  Forecaster<UNet> model(small_unet, small_options());
  model.fit(series);
  const std::vector<Origin> last = {{1, 60}};
  for (const double bad : {HUGE_VAL, -HUGE_VAL, 1e300}) {
    std::vector<Series> other = series;
    other[1].name = "spoiled";
    other[1].values[59] = bad;
    CHECK_THROWS_AS(model.paths(other, last, 2), NumericError);
    CHECK_THROWS_WITH(model.paths(other, last, 2),
                      ContainsSubstring("\"spoiled\"") && ContainsSubstring("59"));
    Forecaster<UNet> fresh(small_unet, small_options());
    CHECK_THROWS_AS(fresh.fit(other), NumericError);
  }
  std::vector<Series> other = series;
  other[1].values[50] = 1e30;
  Forecaster<UNet> fresh(small_unet, small_options());
  CHECK_THROWS_AS(fresh.fit(other), NumericError);
  CHECK_THROWS_WITH(fresh.fit(other), ContainsSubstring("cell 50") && ContainsSubstring("1e+30"));
  // In the past of a forecast it is only a large value: the forecast is of its size at most.
  const Tensor<double> after = model.paths(other, std::vector<Origin>{{1, 55}}, 4);
  for (const double v : after) CHECK(std::abs(v) < 1e33);
}

TEST_CASE("backtest: every baseline draws by its series and origin, from the values before",
          "[forecast][backtest]") {
  // Three series alike, so that only what they draw can differ.
  std::vector<Series> series(3, autoregressions(1, 60)[0]);
  const std::vector<Origin> origins = {{0, 50}, {1, 50}, {0, 55}, {2, 50}};
  const BaselineOptions options{.horizon = 5, .paths = 7};
  const Rng rng(3);
  const auto walk = [&](std::span<const double> past, const Rng& own) {
    return random_walk_bootstrap(past, options, own);
  };
  const Tensor<double> all = baseline_paths(series, origins, options, rng, walk);
  REQUIRE(all.shape() == Shape{4, 7, 5});
  std::set<std::vector<double>> different;
  for (std::size_t w = 0; w < origins.size(); ++w) {
    const auto i = static_cast<Index>(w);
    const Tensor<double> one = all.rows(i, 1).reshaped({7, 5});
    const auto& x = series[static_cast<std::size_t>(origins[w].series)].values;
    const auto past = std::span(x).first(static_cast<std::size_t>(origins[w].at));
    CHECK(one == walk(past, rng.stream(static_cast<std::uint64_t>(origins[w].series))
                                .stream(static_cast<std::uint64_t>(origins[w].at))));
    different.emplace(one.begin(), one.end());
    // An origin's paths are the same whatever stands beside it.
    CHECK(baseline_paths(series, std::span(origins).subspan(w, 1), options, rng, walk)
              .reshaped({7, 5}) == one);
  }
  CHECK(different.size() == 4);
  CHECK_THROWS_AS(baseline_paths(series, origins, {.horizon = 5, .paths = 6}, rng, walk),
                  ShapeError);
  CHECK_THROWS_AS(baseline_paths(series, std::vector<Origin>{{3, 5}}, options, rng, walk),
                  ArgumentError);
}

TEST_CASE("backtest: scores are those of the metrics on the values before and after each origin",
          "[forecast][backtest]") {
  const std::vector<Series> series = autoregressions(2, 40);
  const std::vector<Origin> origins = {{0, 20}, {1, 30}};
  const auto paths = Rng(4).normal<double>({2, 9, 5});
  const Score s = score("noise", paths, series, origins, 3);
  Tensor<double> actual({2, 5});
  std::vector<double> scales;
  for (Index w = 0; w < 2; ++w) {
    const auto& x = series[static_cast<std::size_t>(w)].values;
    const Index at = origins[static_cast<std::size_t>(w)].at;
    for (Index h = 0; h < 5; ++h) actual(w, h) = x[static_cast<std::size_t>(at + h)];
    double sum = 0;
    for (Index t = 3; t < at; ++t)
      sum += std::abs(x[static_cast<std::size_t>(t)] - x[static_cast<std::size_t>(t - 3)]);
    scales.push_back(sum / static_cast<double>(at - 3));
  }
  CHECK(s.name == "noise");
  CHECK(s.crps == crps(paths, actual));
  CHECK(s.quantile_loss == mean_weighted_quantile_loss(paths, actual));
  CHECK(s.coverage == coverage(paths, actual, 0.8));
  CHECK_THAT(s.mase, WithinRel(mase(paths, actual, scales), 1e-12));
}

TEST_CASE("backtest: origins, actual values and scores", "[forecast][backtest]") {
  const std::vector<Series> series = autoregressions(1, 50);
  const auto origins = rolling_origins(series[0], 7, 3);
  CHECK(origins == std::vector<Origin>{{0, 29}, {0, 36}, {0, 43}});
  CHECK_THROWS_AS(rolling_origins(series[0], 25, 2), ArgumentError);
  const auto actual = actual_values(series, origins, 7);
  CHECK(actual(2, 6) == series[0].values[49]);
  CHECK(std::isnan(actual_values(series, std::vector<Origin>{{0, 49}}, 2)(0, 1)));
  // A forecast that is the truth scores 0, and its degenerate interval holds everything.
  const Score s = score("truth", actual.reshaped({3, 1, 7}), series, origins, 1);
  CHECK(s.crps == 0);
  CHECK(s.quantile_loss == 0);
  CHECK(s.coverage == 1);
  CHECK(s.mase == 0);
}

TEST_CASE("backtest: what is not defined is NaN with a reason", "[forecast][backtest]") {
  Series s{"sales", {0, {.seconds = 86'400}}, std::vector<double>(20, 5.0)};
  const std::vector<Origin> last = {{0, 16}};
  const Tensor<double> paths({1, 3, 4}, 5.0);
  const Score still = score("", paths, std::vector{s}, last, 1);
  CHECK(still.crps == 0);
  CHECK(std::isnan(still.mase));
  CHECK_THAT(still.undefined, ContainsSubstring("MASE"));
  for (std::size_t t = 16; t < 20; ++t) s.values[t] = 0;
  s.values[3] = 6;
  const Score zero = score("", paths, std::vector{s}, last, 1);
  CHECK(std::isnan(zero.quantile_loss));
  CHECK_THAT(zero.undefined, ContainsSubstring("0"));
  CHECK_THAT(zero.mase, WithinRel(5 / (2 / 15.0), 1e-12));  // two changes among 15
  for (std::size_t t = 16; t < 20; ++t) s.values[t] = NAN;
  const Score none = score("", paths, std::vector{s}, last, 1);
  CHECK(std::isnan(none.crps));
  CHECK_THAT(none.undefined, ContainsSubstring("no value"));
  CHECK(score("", paths, std::vector{s}, std::vector<Origin>{{0, 8}}, 1).undefined.empty());
}

TEST_CASE("backtest: origins outside of the series are refused", "[forecast]") {
  const std::vector<Series> series(1);
  for (const Origin& o : {Origin{1, 0}, Origin{-1, 0}, Origin{0, -1}})
    CHECK_THROWS_AS(actual_values(series, std::vector<Origin>{o}, 2), ArgumentError);
}
