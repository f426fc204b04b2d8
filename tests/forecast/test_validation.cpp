// Covers: forecaster
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <set>

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("forecaster: a validation is the mean loss of four draws of times and noise",
          "[forecast][forecaster]") {
  std::vector<Series> series;
  for (std::uint64_t s = 0; s < 2; ++s) {
    const auto x = Rng(s).normal<double>({60});
    series.push_back({"white", {0, {.seconds = 3600}}, {x.begin(), x.end()}});
  }
  // One step, one validation, of the last window of each series.
  Forecaster<HorizonDiffusion<>> model(
      {.frame = {.horizon = 4, .context = 8},
       .net = {.width = 8, .multipliers = {1}, .blocks = 1, .groups = 4}},
      {.validation = 4, .batch = 8, .steps = 1, .warm_up = 1, .validate_every = 1, .seed = 5});
  model.fit(series);
  const std::vector<Origin> origins = {{0, 56}, {1, 56}};
  const Frame frame = model.framer()(series, origins);
  Tensor<float> x0 = frame.scaled_target();
  for (float& v : x0) v /= static_cast<float>(model.scaler().spread);
  const Tensor<float> features = model.state().model.features()(frame);
  const auto net = [&](const Tensor<float>& x, const Tensor<float>& time) {
    return model.state().ema.net()(concat({x, features}, 2), time);
  };
  double sum = 0;
  std::set<float> draws;
  for (Index r = 0; r < 4; ++r) {
    const float loss = NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{})
                           .loss(x0, Rng(5).stream(3), {.step = r}, {.weight = &frame.target_mask})
                           .item();
    sum += static_cast<double>(loss);
    draws.insert(loss);
  }
  CHECK(draws.size() == 4);
  CHECK(model.state().best_metric == sum / 4);
}
