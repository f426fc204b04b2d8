// Covers: csdi place_features
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/csdi.hpp"
#include "method_checks.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

CsdiOptions tiny(Index channels) {
  CsdiOptions o = CsdiOptions::small(
      {.horizon = 2, .context = 3, .scaling = Scaling::panel, .columns = {channels, 0, 0, 0}});
  o.width = 8;
  o.heads = 2;
  o.time_features = 8;
  o.channel_features = 4;
  o.steps = o.sampling_steps = 20;
  return o;
}

}  // namespace

TEST_CASE("csdi: the published size", "[forecast][csdi]") {
  // 415 thousand weights (Tashiro et al. 2021, appendix E.1); 36 channels as in its air quality.
  Rng rng(1);
  const Csdi net({.frame = {.horizon = 12, .context = 24, .columns = {36, 0, 0, 0}}}, rng);
  CHECK(std::abs(static_cast<double>(nn::parameter_count(net)) - 415e3) < 8e3);
}

TEST_CASE("csdi: channels that hang together are drawn together", "[forecast][csdi]") {
  // White noise a and b = 2 - a: independent of the past, of standard deviation 1 and correlation
  // -1. What 600 short steps learn is not exact; independent channels would have correlation 0.
  const Index n = 400;
  Series s{.name = "pair", .time = {0, {.seconds = 3600}}, .channels = 2};
  const auto z = Rng(4).normal<double>({n});
  for (Index t = 0; t < n; ++t) {
    s.values.push_back(z[t]);
    s.values.push_back(2 - z[t]);
  }
  const std::vector<Series> panel{s};
  Forecaster<Csdi> model(tiny(2), {.batch = 32, .steps = 600, .learning_rate = 4e-3, .seed = 2});
  model.fit(panel);
  const Index paths = 200;
  const Tensor<double> y = model.paths(panel, std::vector<Origin>{{0, n}}, paths);
  REQUIRE(y.shape() == Shape{1, paths, 2, 2});
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0, count = 0;
  for (Index i = 0; i < y.size(); i += 2) {
    a += y[i], b += y[i + 1], ++count;
    aa += y[i] * y[i], bb += y[i + 1] * y[i + 1], ab += y[i] * y[i + 1];
  }
  a /= count, b /= count;
  const double va = aa / count - a * a, vb = bb / count - b * b;
  INFO("means " << a << " " << b << " variances " << va << " " << vb << " correlation "
                << (ab / count - a * b) / std::sqrt(va * vb));
  CHECK(std::abs(a) < 0.3);
  CHECK(std::abs(b - 2) < 0.3);
  CHECK(va > 0.6);
  CHECK(va < 1.5);
  CHECK(vb > 0.6);
  CHECK(vb < 1.5);
  CHECK((ab / count - a * b) / std::sqrt(va * vb) < -0.8);
}

TEST_CASE("csdi: what every method owes", "[forecast][csdi]") { owed::check_method<Csdi>(); }

TEST_CASE("csdi: bad options", "[forecast][csdi]") {
  Rng rng(1);
  const auto refused = [&](auto change) {
    CsdiOptions o = tiny(1);
    change(o);
    CHECK_THROWS_AS(Csdi(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.layers = 0; });
  refused([](auto& o) { o.sampling_steps = o.steps + 1; });
  refused([](auto& o) { o.time_features = 7; });
  refused([](auto& o) { o.channel_features = 0; });
  refused([](auto& o) { o.heads = 3; });
  refused([](auto& o) { o.frame.horizon = 0; });
}
