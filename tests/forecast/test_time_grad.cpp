// Covers: time_grad frame/window channel_wavenet stepwise_method
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "stepwise_checks.hpp"

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
  const TimeGrad method = owed::shaken<TimeGrad>(tiny(owed::frame_of(2)));
  const Frame frame =
      Framer(method.frame())(series, std::vector<Origin>{{0, 30}, {0, 41}, {0, 22}});
  const LossKeys keys{Rng(3), {.first_sample = 5, .step = 2, .strata = 3}};
  REQUIRE(sum(frame.target_mask).item() < 24);
  const double loss = owed::loss_by_steps(
      frame.scaled_target(), frame.target_mask, keys,
      [&](Index b, Index h) {
        // A frame whose later targets are not there can not tell this step of them.
        Frame before = frame.rows(b, 1);
        for (Index i = h * 2; i < 8; ++i) before.target_mask[i] = 0;
        const Tensor<float> condition = slice(method.conditions(before), 1, h, 1);
        return condition.reshaped({1, condition.size()});
      },
      [&](const Tensor<float>& condition) { return method.denoiser(condition); });
  CHECK_THAT(method.loss(frame, keys).item(), WithinRel(loss, 1e-5));
}

TEST_CASE("time_grad: a step of a path is drawn given the steps before it",
          "[forecast][time_grad]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  const TimeGrad method = owed::shaken<TimeGrad>(tiny(owed::frame_of(2)));
  const Frame frame = Framer(method.frame())(series, std::vector<Origin>{{0, 30}});
  owed::check_steps(method, frame, 6, [&](const Frame& told) { return method.conditions(told); });
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
