// Covers: nsdiff
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/nsdiff.hpp"
#include "method_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {

Nsdiff method(bool variance = true, Index steps = 20) {
  NsdiffOptions o = NsdiffOptions::small(owed::frame_of(2));
  o.width = 8, o.hidden = 4, o.time_features = 4, o.rolling = 5;
  o.variance = variance;
  o.steps = o.sampling_steps = steps;
  o.beta = {.first = 1e-2, .last = 0.5};
  Rng rng(7);
  return Nsdiff(o, rng);
}

Frame frame_of(const Nsdiff& m) {
  return Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 2, 1)},
                           std::vector<Origin>{{0, 30}});
}

}  // namespace

TEST_CASE("nsdiff: what every method owes", "[forecast][nsdiff]") { owed::check_method<Nsdiff>(); }

TEST_CASE("nsdiff: the published size", "[forecast][nsdiff]") {
  Rng rng(1);
  const Nsdiff net(
      NsdiffOptions::published({.horizon = 192, .context = 168, .columns = {7, 0, 0, 0}}), rng);
  const Index w = 128, square = w * w + w;
  CHECK(nn::parameter_count(net) == (2 * 168 + 1) * 192 + (168 + 1) * 512 + (512 + 1) * 192 +
                                        2 * square + (21 * w + w) + 2 * square + 3 * square +
                                        (w + 1) * 7);
  CHECK(nn::parameter_count(net) == 369'031);
}

TEST_CASE("nsdiff: the state has the moments of its chain of steps", "[forecast][nsdiff]") {
  // Steps y_t = sqrt(a) y_(t-1) + (1 - sqrt(a)) f + noise of variance (1 - a)^2 g + a (1 - a) s.
  const Nsdiff m = method();
  const auto chain = DiscreteSchedule::linear(20, {.first = 1e-2, .last = 0.5});
  const double y = 1.3, f = -0.4, g = 2.5, s = 0.7;
  const auto all = [](double v) { return Tensor<float>({1, 4, 2}, static_cast<float>(v)); };
  double mean = y, variance = 0, share = 0;
  for (Index i = 0; i < 20; ++i) {
    const double a = 1 - chain.beta(i);
    mean = std::sqrt(a) * mean + (1 - std::sqrt(a)) * f;
    variance = a * variance + (1 - a) * (1 - a) * g + a * (1 - a) * s;
    share = a * share + a * (1 - a);
    const Level level = chain.step(i);
    CHECK_THAT(m.share(level.t), WithinAbs(share, 1e-12));
    // The state is linear in the noise: its moments are those at 0 and 1.
    const auto at = [&](double eps) {
      return static_cast<double>(m.state(all(y), {all(f), all(g)}, all(s), all(eps), {level})[3]);
    };
    CHECK_THAT(at(0), WithinAbs(mean, 1e-6));
    CHECK_THAT(at(1) - at(0), WithinAbs(std::sqrt(variance), 1e-6));
  }
}

TEST_CASE("nsdiff: variances are those of the cells before", "[forecast][nsdiff]") {
  const Nsdiff m = method();
  Window window{Tensor<float>({1, 12, 2}), Tensor<float>({1, 12, 2}, 1.0F), {}};
  for (Index t = 0; t < 12; ++t) window.values(0, t, 0) = static_cast<float>(t * t % 7);
  window.mask(0, 9, 0) = 0;
  window.values(0, 9, 0) = 1e6F;
  const Tensor<float> variance = m.rolling_variance(window);
  // Of cells 6 to 10 without 9: 1, 0, 1, 2.
  CHECK_THAT(variance(0, 10, 0), WithinRel(0.5F + 1e-3F, 1e-5F));
  CHECK(variance(0, 0, 0) == 1);                            // one value has none
  CHECK_THAT(variance(0, 11, 1), WithinRel(1e-3F, 1e-5F));  // a constant
}

TEST_CASE("nsdiff: paths are standard ones at the mean and deviation of the prior",
          "[forecast][nsdiff]") {
  // An untrained network predicts no noise, whatever it is told.
  const Nsdiff m = method(), plain = method(false);
  const Frame frame = frame_of(m);
  const Tensor<float> a = m.draw(frame, {Rng(2), 0, 3}), b = plain.draw(frame, {Rng(2), 0, 3});
  const auto p = m.prior(Window::known(frame));
  CHECK(plain.prior(Window::known(frame)).variance == Tensor<float>({1, 4, 2}, 1.0F));
  for (Index n = 0; n < 3; ++n)
    for (Index i = 0; i < 8; ++i) {
      const float z = b[n * 8 + i] - plain.prior(Window::known(frame)).mean[i];
      CHECK_THAT(a[n * 8 + i],
                 WithinAbs(p.mean[i] + std::sqrt(p.variance[i]) * z, 1e-5F * (1 + std::abs(z))));
    }
}

TEST_CASE("nsdiff: paths begin with the prior's law, wherever the chain ends",
          "[forecast][nsdiff]") {
  // A chain of almost no noise leaves them where they began, at N(f, 1).
  NsdiffOptions o = NsdiffOptions::small(owed::frame_of(1));
  o.steps = 1, o.sampling_steps = 1, o.beta = {.first = 1e-6, .last = 1e-6};
  o.variance = false;
  Rng rng(7);
  const Nsdiff m(o, rng);
  const Frame frame = Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 1, 1)},
                                        std::vector<Origin>{{0, 30}});
  const Index n = 2000;
  const Tensor<float> y = m.draw(frame, {Rng(2), 0, n});
  const auto p = m.prior(Window::known(frame));
  double sum = 0, square = 0;
  for (Index i = 0; i < y.size(); ++i) {
    const double z = static_cast<double>(y[i] - p.mean[i % 4]);
    sum += z, square += z * z;
  }
  const auto count = static_cast<double>(y.size());
  CHECK_THAT(sum / count, WithinAbs(0, 4 / std::sqrt(count)));
  CHECK_THAT(square / count, WithinAbs(1, 4 * std::sqrt(2 / count)));
}

TEST_CASE("nsdiff: the loss has its three parts, and TMDM's two", "[forecast][nsdiff]") {
  // The output's layer starts at 0: the error of the noise is its own square, 1 on average.
  for (const bool variance : {true, false}) {
    const Nsdiff m = method(variance);
    const Frame frame = frame_of(m);
    const auto p = m.prior(Window::known(frame));
    const Tensor<float> target = frame.scaled_target();
    const Tensor<float> around = m.rolling_variance(Window::whole(frame));
    double own = 0, count = 0;
    for (Index h = 0; h < 4; ++h)
      for (Index k = 0; k < 2; ++k) {
        if (frame.target_mask(0, h, k) == 0) continue;
        own += std::pow(static_cast<double>(p.mean(0, h, k) - target(0, h, k)), 2);
        if (variance)
          own += std::pow(std::sqrt(static_cast<double>(p.variance(0, h, k))) -
                              std::sqrt(static_cast<double>(around(0, 8 + h, k))),
                          2);
        ++count;
      }
    double sum = 0;
    const Index steps = 400;
    for (Index step = 0; step < steps; ++step)
      sum += static_cast<double>(m.loss(frame, {Rng(3), {.step = step}}).item());
    // The mean of `count` squares of normals over the steps.
    CHECK_THAT(sum / steps, WithinAbs(1 + own / count, 4 * std::sqrt(2 / count / steps)));
  }
}

TEST_CASE("nsdiff: bad options", "[forecast][nsdiff]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    NsdiffOptions o = NsdiffOptions::small(owed::frame_of(1));
    change(o);
    CHECK_THROWS_AS(Nsdiff(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.rolling = 1; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.layers = 0; });
  CHECK(NsdiffOptions::tmdm({}).steps == 1000);
}
