// Covers: diffusion_ts
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/diffusion_ts.hpp"
#include "method_checks.hpp"

#include <cmath>
#include <complex>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {

DiffusionTs shaken(const DiffusionTsOptions& o) {
  Rng rng(7);
  DiffusionTs out(o, rng);
  nn::for_each_parameter(out, [&](const std::string&, auto& p) {
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.3F;
  });
  return out;
}

DiffusionTsOptions tiny(const FrameOptions& frame) {
  DiffusionTsOptions o = DiffusionTsOptions::small(frame);
  o.width = 8;
  return o;
}

}  // namespace

TEST_CASE("diffusion_ts: what every method owes", "[forecast][diffusion_ts]") {
  owed::check_method<DiffusionTs>();
}

TEST_CASE("diffusion_ts: the loss in time and in frequency", "[forecast][diffusion_ts]") {
  const std::vector<Series> series = {owed::wave("a", 60, 2, 1)};
  for (const Index context : {8, 9}) {  // windows of an even and an odd length
    FrameOptions options = owed::frame_of(2);
    options.context = context;
    const DiffusionTs m = shaken(tiny(options));
    const Frame frame = Framer(m.frame())(series, std::vector<Origin>{{0, 30}, {0, 41}});
    const LossKeys keys{Rng(3), {.first_sample = 5, .step = 2, .strata = 2}};
    const Window window = Window::whole(frame);
    const auto batch = m.denoiser().batch(window.values, keys.rng, keys.draws);
    const Tensor<float> said = m.denoiser().output(batch);
    const Index L = context + 4;
    double sum = 0, count = 0;
    for (Index b = 0; b < 2; ++b) {
      const auto schedule = DiscreteSchedule::cosine(50);
      const auto step = static_cast<Index>(std::lround(batch.level(b).t * 50)) - 1;
      const double beta = schedule.beta(std::max<Index>(0, step)),
                   bar = schedule.alpha_bar(std::max<Index>(0, step));
      const double w = std::sqrt(1 - beta) * std::sqrt(1 - bar) / beta / 100;
      for (Index k = 0; k < 2; ++k) {
        const auto error = [&](Index t) {
          return static_cast<double>(window.mask(b, t, k)) *
                 (static_cast<double>(said(b, t, k)) - static_cast<double>(window.values(b, t, k)));
        };
        for (Index t = 0; t < L; ++t) {
          count += static_cast<double>(window.mask(b, t, k));
          sum += w * std::abs(error(t));
        }
        for (Index bin = 0; bin < L; ++bin) {
          std::complex<double> f = 0;
          for (Index t = 0; t < L; ++t)
            f += std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(bin * t) /
                                     static_cast<double>(L)) *
                 error(t) / static_cast<double>(L);
          sum +=
              w * std::sqrt(static_cast<double>(L)) / 5 * (std::abs(f.real()) + std::abs(f.imag()));
        }
      }
    }
    REQUIRE(count < static_cast<double>(4 * L));
    CHECK_THAT(m.loss(frame, keys).item(), WithinRel(sum / count, 1e-5));
  }
}

TEST_CASE("diffusion_ts: forecasts go on with the wave that the context shows",
          "[forecast][diffusion_ts]") {
  // Waves of period 6 and any phase with noise of a tenth: the phase is to be read off the context.
  // What 400 short steps learn is not exact; without guidance forecasts and what comes would
  // have correlation 0.
  std::vector<Series> panel;
  for (std::uint64_t k = 0; k < 6; ++k) {
    Series s{.name = "wave", .time = {0, {.seconds = 3600}}};
    const auto z = Rng(k).normal<double>({120});
    for (Index t = 0; t < 120; ++t)
      s.values.push_back(std::sqrt(2) * std::sin(std::numbers::pi / 3 * static_cast<double>(t) +
                                                 static_cast<double>(k)) +
                         0.1 * z[t]);
    panel.push_back(s);
  }
  DiffusionTsOptions o =
      DiffusionTsOptions::small({.horizon = 6, .context = 12, .scaling = Scaling::panel});
  o.width = 16;
  Forecaster<DiffusionTs> model(o, {.batch = 16, .steps = 400, .learning_rate = 4e-3, .seed = 2});
  std::vector<Series> past = panel;
  std::vector<Origin> origins;
  for (Index k = 0; k < 6; ++k) {
    past[static_cast<std::size_t>(k)].values.resize(114);
    origins.push_back({k, 114});
  }
  model.fit(past);
  const Index paths = 10;
  const Tensor<double> y = model.paths(panel, origins, paths);
  double xy = 0, xx = 0, yy = 0, error = 0;
  for (Index i = 0; i < y.size(); ++i) {
    const Index k = i / (6 * paths), t = 114 + i % 6;
    const double x = panel[static_cast<std::size_t>(k)].value(t);
    xy += x * y[i], xx += x * x, yy += y[i] * y[i];
    error += (x - y[i]) * (x - y[i]);
  }
  INFO("correlation " << xy / std::sqrt(xx * yy) << " error " << error / xx << " size " << yy / xx);
  CHECK(xy / std::sqrt(xx * yy) > 0.9);
  CHECK(yy / xx > 0.6);
  CHECK(yy / xx < 1.4);
}

TEST_CASE("diffusion_ts: bad options", "[forecast][diffusion_ts]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    DiffusionTsOptions o = tiny(owed::frame_of(1));
    change(o);
    CHECK_THROWS_AS(DiffusionTs(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.layers = 0; });
  refused([](auto& o) { o.heads = 3; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.strength = NAN; });
  refused([](auto& o) { o.frame.horizon = 0; });
}
