#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/learned.hpp"
#include "foglift/diffusion/schedule/zero_terminal.hpp"
#include "support/catch.hpp"

#include <set>
#include <string>

using namespace foglift;

TEST_CASE("description: other options are another text", "[diffusion]") {
  std::set<std::string> texts;
  std::size_t count = 0;
  const auto add = [&](const auto&... described) {
    (texts.insert(described.description()), ...);
    count += sizeof...(described);
  };
  {
    using namespace schedule;
    add(Cosine(), Cosine({.offset = 0.1}), Geometric(), Geometric({.min = 0.02, .max = 50}),
        Geometric({.min = 0.01, .max = 60}), Edm(), Edm({.min = 0.01, .max = 80}), Edm({}, 3));
    add(Flow(), Trigonometric(), Linear(), Linear({.beta_min = 0.1, .beta_max = 15}), exponential(),
        ScaledLinear(), ScaledLinear({.beta_min = 0.5, .beta_max = 12}));
    add(UniformLogSnr(), UniformLogSnr(UniformCurve({-2.5, 6})), TruncatedCosine(),
        TruncatedCosine(TruncatedCosineCurve({-7.5, 7})), Laplace(),
        Laplace(LaplaceCurve({.mean = 1})), Laplace(LaplaceCurve({.scale = 1})),
        Laplace(LaplaceCurve({.cut = 0.01})));
    add(LogSnr(Interpolated(UniformCurve(), 1, 2)), LogSnr(Interpolated(UniformCurve(), 1, 0)),
        LogSnr(Interpolated(LaplaceCurve(), 1, 0)), SigmoidRate(), schedule::Sigmoid(),
        schedule::Sigmoid({.tau = 0.7}), SubVariancePreserving(), SubVariancePreserving(Cosine()));
    add(Shifted(Flow(), 3), Shifted(Flow(), 2), Shifted(Flow(), 3, 2), Shifted(Cosine(), 3),
        ZeroTerminalSnr(Linear()), ZeroTerminalSnr(ScaledLinear()));
    static_assert(!Described<LogSnr<LearnedCurve<>>>);  // its numbers are weights
  }
  add(DiscreteSchedule::linear(1000), DiscreteSchedule::linear(999),
      DiscreteSchedule::scaled_linear(1000), DiscreteSchedule::cosine(1000),
      DiscreteSchedule::linear(1000, {.first = 1e-4, .last = 0.03}));
  CHECK(texts.size() == count);
  {
    using namespace predict;
    add(Epsilon(), predict::X0(), predict::Velocity(), Score(), predict::Edm(),
        predict::Edm({.sigma_data = 1}), VpNetwork(), VpNetwork{{}, 100}, VeNetwork(),
        predict::FlowVelocity(), PathVelocity(schedule::Linear()), PathVelocity(schedule::Cosine()),
        PreviousMean(schedule::Linear(), 10), PreviousMean(schedule::Linear(), 20),
        Conditioned(predict::Velocity(), [](const Level& l) { return l.t; }));
  }
  CHECK(texts.size() == count);
  CHECK(schedule::Cosine().description() == "cosine 0.008");
  CHECK(schedule::Shifted(schedule::Flow(), 3).description() == "shifted 3 1 of flow");
}

TEST_CASE("description: a denoiser tells what it was trained on", "[diffusion]") {
  const auto net = [](const auto& x, const auto&) { return x; };
  using Texts = std::map<std::string, std::string>;
  CHECK(NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{}).description() ==
        Texts{{"parameterization", "velocity"}, {"schedule", "cosine 0.008"}});
  const schedule::Custom custom([](auto t) { return 1 - 0.9 * t; }, [](auto t) { return t; });
  CHECK(NetworkDenoiser(net, predict::X0{}, custom).description() ==
        Texts{{"parameterization", "x0"}});
}
