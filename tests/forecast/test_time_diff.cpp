// Covers: time_diff conv_stack
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/time_diff.hpp"
#include "method_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {

TimeDiff method(double dropout = 0) {
  TimeDiffOptions o = TimeDiffOptions::small(owed::frame_of(2));
  o.width = 4, o.time_features = 4, o.dropout = dropout;
  Rng rng(7);
  return TimeDiff(o, rng);
}

Frame frame_of(const TimeDiff& m) {
  return Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 2, 1)},
                           std::vector<Origin>{{0, 30}, {0, 41}});
}

}  // namespace

TEST_CASE("time_diff: what every method owes", "[forecast][time_diff]") {
  owed::check_method<TimeDiff>();
}

TEST_CASE("time_diff: the published size", "[forecast][time_diff]") {
  Rng rng(1);
  const TimeDiff net(
      TimeDiffOptions::published({.horizon = 168, .context = 336, .columns = {7, 0, 0, 0}}), rng);
  // Three parts of three convolutions of kernel 3 with 256 channels between, norms behind two each.
  const auto part = [](Index in, Index out) {
    const Index w = 256;
    return 3 * (in * w + w * w + w * out) + 2 * w + out + 2 * 2 * w;
  };
  CHECK(nn::parameter_count(net) == 2 * (2 * 336 + 1) * 168 + 2 * (128 * 128 + 128) + part(7, 256) +
                                        part(256 + 128, 256) + part(256 + 14, 7));
}

TEST_CASE("time_diff: future mixup goes from the truth to the forecast", "[forecast][time_diff]") {
  const Tensor<float> forecast({1, 2, 1}, {5, 6}), target({1, 2, 1}, {1, 2}),
      there({1, 2, 1}, {1, 0});
  const auto mixed = [&](float rate) {
    return TimeDiff::mixed(forecast, Tensor<float>({1, 2, 1}, rate), target, there);
  };
  CHECK(mixed(0) == Tensor<float>({1, 2, 1}, {1, 6}));  // no truth where a target is missing
  CHECK(mixed(1) == Tensor<float>({1, 2, 1}, {5, 6}));
  CHECK(mixed(0.25F) == Tensor<float>({1, 2, 1}, {2, 6}));
}

TEST_CASE("time_diff: the loss is that of the mixed condition, and of the linear forecast",
          "[forecast][time_diff]") {
  const TimeDiff m = method();
  const Frame frame = frame_of(m);
  const LossKeys keys{Rng(3), {.first_sample = 4, .step = 2}};
  const Window window = Window::known(frame);
  const auto told = m.forecasts(window);
  const Tensor<float> target = frame.scaled_target(), there = frame.target_mask;
  Tensor<float> condition({2, 4, 4 + Window::channels(m.frame())});
  double linear = 0, count = 0;
  for (Index b = 0; b < 2; ++b) {
    std::vector<float> rates(8);
    Rng(3).stream(4).fill_uniform(std::span(rates), static_cast<std::uint64_t>(4 + b), 2);
    for (Index h = 0; h < 4; ++h) {
      for (Index k = 0; k < 2; ++k) {
        const float r = there(b, h, k) != 0 ? rates[static_cast<std::size_t>(2 * h + k)] : 1;
        condition(b, h, k) = r * told.future(b, h, k) + (1 - r) * target(b, h, k);
        condition(b, h, 2 + k) = told.linear(b, h, k);
        linear += static_cast<double>(there(b, h, k)) *
                  std::pow(static_cast<double>(told.linear(b, h, k) - target(b, h, k)), 2);
        count += static_cast<double>(there(b, h, k));
      }
      for (Index f = 0; f < Window::channels(m.frame()); ++f)
        condition(b, h, 4 + f) = window.features(b, 8 + h, f);
    }
  }
  const float network =
      m.denoiser(condition).loss(target, keys.rng, keys.draws, {.weight = &there}).item();
  CHECK_THAT(static_cast<double>(m.loss(frame, keys).item()),
             WithinRel(static_cast<double>(network) + linear / count, 1e-5));
}

TEST_CASE("time_diff: the linear forecast learns from its own error alone",
          "[forecast][time_diff]") {
  const TimeDiff m = method();
  const Frame frame = frame_of(m);
  const LossKeys keys{Rng(3), {.step = 2}};
  const auto gradients_of = [&](const auto& loss) {
    Tape<float> tape;
    const auto gradients = tape.backward(loss(tape));
    std::map<std::string, Tensor<float>> out;
    nn::for_each_parameter(m, [&](const std::string& name, const auto& p) {
      if (const auto* g = gradients.find(p)) out[name] = *g;
    });
    return out;
  };
  const auto all = gradients_of([&](Tape<float>& tape) { return m.loss(frame, keys, tape); });
  const auto own = gradients_of([&](Tape<float>& tape) {
    return weighted_mse(m.forecasts(Window::known(frame), tape).linear, frame.scaled_target(),
                        frame.target_mask);
  });
  CHECK(own.size() == 2);
  CHECK(all.at("linear.weight") == own.at("linear.weight"));
  CHECK(all.count("future.weight") == 1);
}

TEST_CASE("time_diff: paths see nothing of the future, and nothing is dropped",
          "[forecast][time_diff]") {
  const TimeDiff m = method(0.5);
  const Frame frame = frame_of(m).rows(0, 1);
  Frame other = frame;
  for (double& v : other.target) v += 5;
  const Tensor<float> paths = m.draw(frame, {Rng(2), 0, 3});
  CHECK(paths == m.draw(other, {Rng(2), 0, 3}));
  CHECK(paths == method(0).draw(frame, {Rng(2), 0, 3}));
  LossKeys keys{Rng(3), {.step = 2}};
  const auto plain = m.loss(frame, keys);
  keys.dropout = nn::DropoutNoise{Rng(4), 0, 1};
  CHECK_FALSE(m.loss(frame, keys) == plain);
}
