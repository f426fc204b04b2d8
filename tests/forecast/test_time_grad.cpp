// Covers: time_grad frame/window channel_wavenet
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "method_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {

TimeGradOptions tiny(const FrameOptions& frame) {
  TimeGradOptions o = TimeGradOptions::small(frame);
  o.cells = 6, o.recurrences = 2, o.condition = 5;
  o.width = 4, o.layers = 2, o.time_features = 8, o.hidden = 8;
  o.steps = 6, o.sampling_steps = 6;
  return o;
}

/// With weights that are not zero anywhere.
TimeGrad shaken(const TimeGradOptions& o) {
  Rng rng(7);
  TimeGrad method(o, rng);
  nn::for_each_parameter(method, [&](const std::string&, auto& p) {
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.3F;
  });
  return method;
}

}  // namespace

TEST_CASE("time_grad: the published sizes", "[forecast][time_grad]") {
  // epsilon_theta of the authors' program has 15,725 weights for 8 channels, 31,602 for 137.
  for (const auto& [channels, weights] : {std::pair{8, 15'725}, {137, 31'602}}) {
    Rng rng(1);
    const nn::ChannelWavenet<float> net({.channels = channels, .condition = 100}, rng);
    CHECK(nn::parameter_count(net) == weights);
  }
  // Beside it PyTorch's LSTM, 4 cells (in + cells + 2) a cell and layer, and 40 to 100 features.
  Rng rng(1);
  const TimeGrad whole(TimeGradOptions::published({.seasons = {24}, .columns = {8, 0, 0, 0}}), rng);
  CHECK(nn::parameter_count(whole) ==
        15'725 + 4 * 40 * (2 * 2 * 8 + 40 + 2) + 4 * 40 * (40 + 40 + 2) + 41 * 100);
}

TEST_CASE("window: what is known stands in its cell, in one unit", "[forecast][frame]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  FrameOptions options = Window::frame(owed::frame_of(2), 9, "test");
  Scaler scaler;
  scaler.spread = 2;
  const Frame frame = Framer(options)(series, std::vector<Origin>{{0, 30}, {0, 4}}, scaler);
  const Window whole = Window::whole(frame), known = Window::known(frame);
  REQUIRE(whole.features.shape() == Shape{2, 13, Window::channels(options)});
  for (const Index b : {0, 1})
    for (Index l = 0; l < 13; ++l) {
      const Index t = (b == 0 ? 30 : 4) - 9 + l;
      for (Index k = 0; k < 2; ++k) {
        const double v = t < 0 ? owed::missing : series[0].value(t, k);
        const bool there = !std::isnan(v);
        REQUIRE(whole.mask(b, l, k) == (there ? 1 : 0));
        REQUIRE(known.mask(b, l, k) == (there && l < 9 ? 1 : 0));
        const double z = there ? (v - frame.location(b, k)) / frame.scale(b, k) / 2 : 0;
        CHECK_THAT(whole.values(b, l, k), WithinAbs(z, 1e-6 * (1 + std::abs(z))));
        CHECK(known.values(b, l, k) == (l < 9 ? whole.values(b, l, k) : 0));
      }
      const bool past = l < 9 && t >= 0 && !std::isnan(series[0].past(t, 0));
      CHECK(whole.features(b, l, 5) == (past ? 1 : 0));
      CHECK_THAT(whole.features(b, l, 4), WithinAbs(past ? series[0].past(t, 0) : 0, 1e-6));
      const bool told = t >= 0 && !std::isnan(series[0].known(t, 0));
      CHECK(whole.features(b, l, 3) == (told ? 1 : 0));
    }
}

TEST_CASE("time_grad: the loss is that of each step by itself", "[forecast][time_grad]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  const TimeGrad method = shaken(tiny(owed::frame_of(2)));
  const Frame frame =
      Framer(method.frame())(series, std::vector<Origin>{{0, 30}, {0, 41}, {0, 22}});
  const LossKeys keys{Rng(3), {.first_sample = 5, .step = 2, .strata = 3}};
  double sum = 0, count = 0;
  for (Index b = 0; b < 3; ++b)
    for (Index h = 0; h < 4; ++h) {
      // A frame whose later targets are not there can not tell this step of them.
      Frame before = frame.rows(b, 1);
      for (Index i = h * 2; i < 8; ++i) before.target_mask[i] = 0;
      const Tensor<float> condition = slice(method.conditions(before), 1, h, 1);
      const auto denoise = method.denoiser(condition.reshaped({1, condition.size()}));
      const Tensor<float> y = slice(frame.rows(b, 1).scaled_target(), 1, h, 1).reshaped({1, 2});
      const auto id = static_cast<std::uint64_t>((b + 5) * 4 + h);
      const auto batch =
          denoise.batch(y, keys.rng, {.first_sample = id, .step = 2, .strata = 12}, {});
      const Tensor<float> eps = denoise.output(batch);
      for (Index k = 0; k < 2; ++k) {
        const auto there = static_cast<double>(frame.target_mask(b, h, k));
        const auto error = static_cast<double>(eps[k] - batch.target[k]);
        sum += there * error * error;
        count += there;
      }
    }
  REQUIRE(count < 24);
  CHECK_THAT(method.loss(frame, keys).item(), WithinRel(sum / count, 1e-5));
}

TEST_CASE("time_grad: a step of a path is drawn given the steps before it",
          "[forecast][time_grad]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  const TimeGrad method = shaken(tiny(owed::frame_of(2)));
  const Frame frame = Framer(method.frame())(series, std::vector<Origin>{{0, 30}});
  const Tensor<float> paths = method.draw(frame, {Rng(4), 3, 5});
  for (Index p = 0; p < 5; ++p) {
    Frame told = frame;  // of this path, as if it had come so
    for (Index i = 0; i < 8; ++i) {
      told.target[i] = told.unscaled(static_cast<double>(paths(p, i / 2, i % 2)), 0, i / 2, i % 2);
      told.target_mask[i] = 1;
    }
    const Tensor<float> conditions = method.conditions(told);
    for (Index h = 0; h < 4; ++h) {
      const Tensor<float> condition = slice(conditions, 1, h, 1).reshaped({1, conditions.dim(2)});
      const Tensor<float> y = sample(solver::Ddpm{}, method.denoiser(condition), {1, 2},
                                     grid::trailing(method.denoiser(condition), 6),
                                     Rng(4).stream(static_cast<std::uint64_t>(h)),
                                     {.first_sample = static_cast<std::uint64_t>(3 + p)});
      // Targets go through the units of the series: roundings of float, some 50 of them.
      for (Index k = 0; k < 2; ++k)
        CHECK_THAT(paths(p, h, k), WithinAbs(y[k], 1e-5F * (1 + std::abs(y[k]))));
    }
  }
}

TEST_CASE("time_grad: what every method owes", "[forecast][time_grad]") {
  owed::check_method<TimeGrad>();
}

TEST_CASE("time_grad: bad options", "[forecast][time_grad]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    TimeGradOptions o = tiny(owed::frame_of(1));
    change(o);
    CHECK_THROWS_AS(TimeGrad(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.lags = {1, 0}; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.layers = 0; });
  refused([](auto& o) { o.cells = 0; });
  refused([](auto& o) { o.frame.horizon = 0; });
}
