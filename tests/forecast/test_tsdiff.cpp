// Covers: tsdiff
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/tsdiff.hpp"
#include "method_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {

Tsdiff method(bool shaken, ObservationGuidance guidance) {
  TsdiffOptions o = TsdiffOptions::small(owed::frame_of(2));
  o.width = 4, o.layers = 1, o.modes = 2, o.time_features = 4;
  o.guidance = guidance;
  Rng rng(7);
  Tsdiff out(o, rng);
  if (shaken)
    nn::for_each_parameter(out, [&](const std::string&, auto& p) {
      p.value = rng.split().template normal<float>(p.value.shape());
      for (float& v : p.value) v *= 0.3F;
    });
  return out;
}

Frame frame_of(const Tsdiff& m) {
  return Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 2, 1)},
                           std::vector<Origin>{{0, 30}});
}

}  // namespace

TEST_CASE("tsdiff: what every method owes", "[forecast][tsdiff]") { owed::check_method<Tsdiff>(); }

TEST_CASE("tsdiff: the published size", "[forecast][tsdiff]") {
  // The layers of the authors' program; a state space has S4D's weights, one for each direction.
  Rng rng(1);
  const Tsdiff net(TsdiffOptions::published({.horizon = 48, .context = 312}), rng);
  const Index w = 64, linear = w * w + w, ssm = w + 4 * w * 64 + w;
  CHECK(nn::parameter_count(net) ==
        2 * w + (128 * w + w) + linear + 3 * (4 * linear + 2 * w + 2 * ssm) + linear + w + 1);
  CHECK(nn::parameter_count(net) == 166'145);
}

TEST_CASE("tsdiff: a path has its quantile whatever is drawn beside it", "[forecast][tsdiff]") {
  CHECK(Tsdiff::quantiles({Rng(1), 0, 5}) == Tensor<float>({5}, {0.5, 0.25, 0.75, 0.125, 0.625}));
  CHECK(Tsdiff::quantiles({Rng(1), 2, 2}) == Tensor<float>({2}, {0.75, 0.125}));
}

TEST_CASE("tsdiff: paths go to the quantile of the observations that they are led by",
          "[forecast][tsdiff]") {
  // Without a model, x0 = x / alpha, guidance alone decides; it has no way to the horizon.
  for (const auto guidance : {ObservationGuidance::mean_square, ObservationGuidance::quantile}) {
    const Tsdiff m = method(false, guidance);
    const Frame frame = frame_of(m);
    Frame other = frame;
    for (double& v : other.context) v += 3;
    CHECK(m.draw(frame, {Rng(2), 0, 3}) == m.draw(other, {Rng(2), 0, 3}));
  }
}

TEST_CASE("tsdiff: refined forecasts move down the model's error", "[forecast][tsdiff]") {
  const Tsdiff m = method(true, ObservationGuidance::mean_square);
  const Frame frame = frame_of(m);
  const PathKeys paths{Rng(3), 2, 3};
  const auto first = Rng(4).normal<float>({3, 4, 2});
  const TsdiffRefineOptions o{.iterations = 1, .rate = 1e-3, .noise = 0, .strength = 0};
  const Tensor<float> moved = m.refine(frame, first, paths, o);
  const Window seen = Window::known(frame);
  const Level level = m.denoiser().schedule().step(20);
  const auto eps = Rng(3).stream(0).normal<float>({3, 12, 2}, 2);
  const auto error = [&](const Tensor<float>& forecasts) {
    const Tensor<float> x = concat({slice(repeated(seen.values, 3), 1, 0, 8), forecasts}, 1);
    const Tensor<float> noisy = level.alpha * x + level.sigma * eps;
    const Tensor<float> x0 = m.denoiser()(noisy, level);
    double sum = 0;
    for (Index i = 0; i < x.size(); ++i)
      sum += std::pow((noisy[i] - level.alpha * x0[i]) / level.sigma - eps[i], 2);
    return sum;
  };
  for (const Index i : {0, 5, 23}) {
    const float h = 0.02F;
    Tensor<float> up = first, down = first;
    up[i] += h, down[i] -= h;
    const double slope = (error(up) - error(down)) / (2 * static_cast<double>(h));
    INFO(slope);
    CHECK_THAT((moved[i] - first[i]) / o.rate, WithinAbs(-slope, 0.02 * (1 + std::abs(slope))));
  }
}

TEST_CASE("tsdiff: refined forecasts are held where they were, by their quantile",
          "[forecast][tsdiff]") {
  // An untrained network predicts no noise, so that its error moves nothing.
  const Tsdiff m = method(false, ObservationGuidance::quantile);
  const auto first = Rng(4).normal<float>({3, 4, 2});
  const PathKeys paths{Rng(3), 0, 3};
  const auto refined = m.refine(frame_of(m), first, paths,
                                {.iterations = 1, .rate = 0.1, .noise = 0, .strength = 2});
  for (Index i = 0; i < first.size(); ++i)  // x = y: the slope of the loss is -q from below
    CHECK_THAT(refined[i] - first[i],
               WithinAbs(0.1 * 2 * static_cast<double>(Tsdiff::quantiles(paths)[i / 8]), 1e-5));
  CHECK_THROWS_AS(m.refine(frame_of(m), first, {Rng(3), 0, 2}), ShapeError);
}
