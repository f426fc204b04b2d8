// Covers: mg_tsd coarse
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/mg_tsd.hpp"
#include "stepwise_checks.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

MgTsdOptions tiny(const FrameOptions& frame) {
  MgTsdOptions o = MgTsdOptions::small(frame);
  o.granularities = {{}, {.grain = 3, .share = 0.5, .weight = 0.25}};
  o.cells = 6, o.recurrences = 2, o.condition = 5;
  o.width = 4, o.layers = 2, o.time_features = 8, o.hidden = 8;
  o.steps = 6, o.sampling_steps = 6;
  return o;
}

}  // namespace

TEST_CASE("mg_tsd: the published size", "[forecast][mg_tsd]") {
  // TimeGrad's noise network of 8 channels, two of PyTorch's GRUs, 3 cells (in + cells + 2) a cell
  // and layer, and 128 to 100 features.
  Rng rng(1);
  const MgTsd whole(MgTsdOptions::published({.seasons = {24}, .columns = {8, 0, 0, 0}}), rng);
  const Index gru = 3 * 128 * (2 * 2 * 8 + 128 + 2) + 3 * 128 * (128 + 128 + 2);
  CHECK(nn::parameter_count(whole) == 15'725 + 2 * gru + 129 * 100);
}

TEST_CASE("mg_tsd: a coarse window has the means of blocks that begin at the origin",
          "[forecast][mg_tsd]") {
  // Four cells before the origin, five of the horizon, blocks of three: 0 | 1 2 3 | 4 5 6 | 7 8.
  Window window{Tensor<float>({1, 9, 1}, {8, 1, 2, 6, 3, 0, 5, 0, 0}),
                Tensor<float>({1, 9, 1}, {1, 1, 1, 1, 1, 0, 1, 0, 0}), Tensor<float>({1, 9, 0})};
  const Window seen = coarse(window, 3, 5);
  CHECK(seen.values == Tensor<float>({1, 9, 1}, {8, 3, 3, 3, 4, 4, 4, 0, 0}));
  CHECK(seen.mask == Tensor<float>({1, 9, 1}, {1, 1, 1, 1, 1, 1, 1, 0, 0}));
  CHECK(coarse(window, 1, 5).values == window.values);
  CHECK(coarse(window, 1, 5).mask == window.mask);
  CHECK_THROWS_AS(coarse(window, 0, 5), ArgumentError);
}

TEST_CASE("mg_tsd: a coarse view is noised by the last steps of the chain", "[forecast][mg_tsd]") {
  MgTsdOptions o = tiny(owed::frame_of(2));
  o.granularities[1].share = 0.6;
  o.steps = o.sampling_steps = 10;
  const MgTsd method = owed::shaken<MgTsd>(o);
  const auto fine = DiscreteSchedule::linear(10, o.beta);
  const auto condition = Rng(3).normal<float>({1, 5}), x = Rng(2).normal<float>({1, 2});
  const auto coarse = method.view_denoiser(condition, 1);
  const auto whole = method.denoiser(condition);
  REQUIRE(coarse.steps() == 6);
  double alpha_bar = 1;
  for (Index i = 0; i < 6; ++i) {
    alpha_bar *= 1 - fine.beta(4 + i);
    CHECK_THAT(std::pow(coarse.step(i).alpha, 2), WithinRel(alpha_bar, 1e-12));
    // The network is told the step of the whole chain, up to a rounding of the time.
    const auto asked = [&](const auto& denoise, const Level& level) {
      return denoise.ask(x, Tensor<float>({1}, static_cast<float>(level.t)));
    };
    const Tensor<float> eps = asked(coarse, coarse.step(i)), same = asked(whole, fine.step(4 + i));
    for (const Index k : {0, 1})
      CHECK_THAT(eps[k], WithinAbs(same[k], 1e-4F * (1 + std::abs(same[k]))));
    if (i < 5) CHECK(std::abs(eps[0] - asked(whole, coarse.step(i))[0]) > 1e-3F * std::abs(eps[0]));
  }
}

TEST_CASE("mg_tsd: the loss is the weighted sum of each view's", "[forecast][mg_tsd]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  const MgTsd method = owed::shaken<MgTsd>(tiny(owed::frame_of(2)));
  const Frame frame =
      Framer(method.frame())(series, std::vector<Origin>{{0, 30}, {0, 41}, {0, 22}});
  const LossKeys keys{Rng(3), {.first_sample = 5, .step = 2, .strata = 3}};
  double sum = 0;
  for (const std::size_t g : {0U, 1U}) {
    const Window view = coarse(Window::whole(frame), g == 0 ? 1 : 3, 4);
    const Tensor<float> conditions = method.conditions(view, g);
    const Index L = view.values.dim(1);
    sum += (g == 0 ? 1 : 0.25) *
           owed::loss_by_steps(
               slice(view.values, 1, L - 4, 4), slice(view.mask, 1, L - 4, 4),
               {keys.rng.stream(4 + g), keys.draws},
               [&](Index b, Index h) {
                 return slice(conditions.rows(b, 1), 1, h, 1).reshaped({1, 5});
               },
               [&](const Tensor<float>& c) { return method.view_denoiser(c, g); });
  }
  CHECK_THAT(method.loss(frame, keys).item(), WithinRel(sum, 1e-5));
}

TEST_CASE("mg_tsd: a step of a path is drawn given the steps before it", "[forecast][mg_tsd]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  const MgTsd method = owed::shaken<MgTsd>(tiny(owed::frame_of(2)));
  const Frame frame = Framer(method.frame())(series, std::vector<Origin>{{0, 30}});
  owed::check_steps(method, frame, 6,
                    [&](const Frame& told) { return method.conditions(Window::whole(told), 0); });
}

TEST_CASE("mg_tsd: white noise is drawn as white noise", "[forecast][mg_tsd]") {
  // Independent of the past, of mean 2 and deviation 1. What 500 short steps learn is not exact.
  Series s{.name = "noise", .time = {0, {.seconds = 3600}}};
  const auto z = Rng(4).normal<double>({400});
  for (const double v : z) s.values.push_back(2 + v);
  const std::vector<Series> panel{s};
  MgTsdOptions o = tiny({.horizon = 4, .context = 6, .scaling = Scaling::panel});
  o.cells = 8, o.width = 8;
  o.steps = o.sampling_steps = 20;
  Forecaster<MgTsd> model(o, {.batch = 32, .steps = 500, .learning_rate = 4e-3, .seed = 2});
  model.fit(panel);
  const Tensor<double> y = model.paths(panel, std::vector<Origin>{{0, 400}}, 200);
  double mean = 0, square = 0, product = 0;
  for (Index i = 0; i < y.size(); ++i) {
    mean += y[i] / 800;
    square += (y[i] - 2) * (y[i] - 2) / 800;
    if (i % 4 > 0) product += (y[i] - 2) * (y[i - 1] - 2) / 600;
  }
  INFO("mean " << mean << " variance " << square << " covariance of neighbours " << product);
  CHECK(std::abs(mean - 2) < 0.3);
  CHECK(square > 0.6);
  CHECK(square < 1.5);
  CHECK(std::abs(product) < 0.3);
}

TEST_CASE("mg_tsd: what every method owes", "[forecast][mg_tsd]") { owed::check_method<MgTsd>(); }

TEST_CASE("mg_tsd: bad options", "[forecast][mg_tsd]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    MgTsdOptions o = tiny(owed::frame_of(1));
    change(o);
    CHECK_THROWS_AS(MgTsd(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.granularities.clear(); });
  refused([](auto& o) { o.granularities[0].grain = 2; });
  refused([](auto& o) { o.granularities[0].share = 0.5; });
  refused([](auto& o) { o.granularities[1].grain = 0; });
  refused([](auto& o) { o.granularities[1].share = 0; });
  refused([](auto& o) { o.granularities[1].share = 1.5; });
  refused([](auto& o) { o.granularities[1].weight = -1; });
  refused([](auto& o) { o.lags = {1, 0}; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
}
