// Covers: sssd chain_method
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/sssd.hpp"
#include "method_checks.hpp"

using namespace foglift;
using namespace foglift::forecast;

TEST_CASE("sssd: what every method owes", "[forecast][sssd]") { owed::check_method<Sssd>(); }

TEST_CASE("chain methods: what the weights are of no use without, and options that do not fit",
          "[forecast][sssd]") {
  SssdOptions o = SssdOptions::small(owed::frame_of(1));
  Rng rng(1);
  CHECK(Sssd(o, rng).description() ==
        nn::Description{{"parameterization", "epsilon"},
                        {"schedule", DiscreteSchedule::linear(o.steps, o.beta).description()}});
  const auto refused = [&](auto change) {
    SssdOptions bad = o;
    change(bad);
    CHECK_THROWS_AS(Sssd(bad, rng), ArgumentError);
  };
  refused([](auto& bad) { bad.steps = 0; });
  refused([](auto& bad) { bad.sampling_steps = 0; });
  refused([](auto& bad) { bad.sampling_steps = bad.steps + 1; });
  refused([](auto& bad) { bad.frame.context = 0; });
}

TEST_CASE("sssd: the published size", "[forecast][sssd]") {
  // The authors' layers, with S4D for S4 and a linear layer behind it for a gated one.
  const auto count = [](Index layers) {
    SssdOptions o = SssdOptions::published({.columns = {14, 0, 0, 0}});
    o.layers = layers;
    Rng rng(1);
    return nn::parameter_count(Sssd(o, rng));
  };
  const Index w = 256, both = 2 * w, ssm = both + 4 * both * 32 + both;
  const Index state_space = 2 * ssm + both * both + both + 2 * both;
  const Index block = (512 * w + w) + (3 * w * both + both) + 2 * state_space +
                      (2 * 14 * both + both) + (w * both + both);
  const Index rest =
      (14 * w + w) + (128 * 512 + 512) + (512 * 512 + 512) + (w * w + w) + (w * 14 + 14);
  CHECK(count(1) == block + rest);
  CHECK(count(2) == 2 * block + rest);
  CHECK(36 * block + rest == 53'145'102);
}

TEST_CASE("sssd: known values are shown without noise, and reach the forecast from far",
          "[forecast][sssd]") {
  SssdOptions o = SssdOptions::small(owed::frame_of(1));
  o.width = 4, o.layers = 1, o.modes = 2;
  Rng rng(7);
  Sssd m(o, rng);
  nn::for_each_parameter(m, [&](const std::string&, auto& p) {
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.3F;
  });
  const Frame frame = Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 1, 1)},
                                        std::vector<Origin>{{0, 30}});
  const Window window = Window::known(frame);
  const auto ask = [&](const Window& of) {
    return m.denoiser(of)(Rng(1).normal<float>({1, 4, 1}), m.denoiser(of).at(0.5));
  };
  // The same value under another mask, and another value at the far end, are told apart.
  Window unmasked = window, other = window;
  for (Index t = 0; t < 8; ++t)
    if (window.mask(0, t, 0) == 0) unmasked.mask(0, t, 0) = 1;
  REQUIRE_FALSE(unmasked.mask == window.mask);
  CHECK_FALSE(ask(unmasked) == ask(window));
  other.values(0, 0, 0) += 1;
  CHECK_FALSE(ask(other) == ask(window));
  // As the network is called: known values beside noise at the state's scale.
  const auto x = Rng(1).normal<float>({1, 4, 1});
  const Level level = m.denoiser(window).at(0.5);
  nn::for_each_parameter(m, [&](const std::string& name, auto& p) {
    if (name == "net.output.weight") p.value = Tensor<float>(p.value.shape());
    if (name == "net.output.bias") p.value = Tensor<float>(p.value.shape(), 0.5F);
  });
  const Tensor<float> x0 = m.denoiser(window)(x, level);  // the noise is 0.5 everywhere
  for (Index h = 0; h < 4; ++h)
    CHECK_THAT(static_cast<double>(x0[h]),
               WithinAbs((static_cast<double>(x[h]) - 0.5 * level.sigma) / level.alpha, 1e-5));
}
