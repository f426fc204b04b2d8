#include "examples/support/solver_list.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/nn/nets/uvit.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#include <thread>

#ifdef COUNTS_ALLOCATIONS

using namespace foglift;

TEST_CASE("sample: a step allocates nothing once it is warm", "[diffusion][sample]") {
  const analytic::Mixture data({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.1}});
  const TimeGrid g = grid::uniform(schedule::Linear{}, 8);
  const auto check = [&](auto solver) {
    const auto run = [&] { return sample(solver, data, {16, 3}, g, Rng(1)); };
    const auto warm = run();
    run();  // beside the result that is kept
    const long before = counted::calls;
    const auto x = run();
    const long made = counted::calls - before;  // the assertion itself allocates
    CHECK(made == 0);
    CHECK(x == warm);
  };
  check(solver::Ddpm{});
  check(solver::Ddim{});
  check(solver::Heun{});
}

TEST_CASE("guidance: a call allocates nothing once it is warm", "[diffusion][guidance]") {
  const auto model = [](const Tensor<float>& x, const Levels&) { return affine(0.5, x, 0, x); };
  const auto other = [](const Tensor<float>& x, const Levels&) { return affine(0.3, x, 0, x); };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 8);
  const auto check = [&](const auto& solver, const auto& denoise) {
    const auto run = [&] { return sample(solver, denoise, {16, 6, 4}, g, Rng(1)); };
    const auto warm = run();
    run();  // beside the result that is kept
    const long before = counted::calls;
    const auto x = run();
    const long made = counted::calls - before;
    CHECK(made == 0);
    CHECK(x == warm);
  };
  const auto guided = [&](const auto& guidance) { check(solver::Ddim{}, model | guidance); };
  const auto pair = [&](const auto& rule) { guided(guide::ClassifierFree{other, rule}); };
  guide::Momentum<float> memory(-0.5);
  pair(guide::Weight{2});
  pair(guide::Rescaled{2});
  pair(guide::ZeroStar{.weight = 2});
  pair(guide::WithMomentum{guide::AdaptiveProjected{.weight = 2}, memory});
  pair(guide::Tangential{.weight = 2});
  pair(guide::MagnitudeAware{.weight = 2});
  guided(guide::Interval{{.lo = 0.1, .hi = 2}, guide::ClassifierFree{other, 2.0}});
  guided(guide::DynamicThreshold{});
  guided(guide::TwoConditions{other, other, {.first = 2, .second = 3}});
  guided(guide::FrequencyDecoupled{other, {.low = 2, .high = 3}});
  guided(guide::ClassifierFree{other, 2.0} + guide::away_from(other, 2.0));
  guided(guide::SelfAttention{[](const Tensor<float>& x0) { return x0; }});
  guided(guide::Classifier{[](const Tensor<float>& x, const Levels&) { return x; }});
  const solver::Known<float> known{Tensor<float>({1, 6, 4}), Tensor<float>({1, 6, 4}, 0.5f)};
  check(solver::Replacement(solver::Ddpm{}, known), model);
}

TEST_CASE("sample: memory of a network does not grow with the batch", "[diffusion][sample]") {
  // A tile is to hold about 32 MB, of which blocks of the pool may be a quarter larger; beside it
  // stand x, noise, x0, the network's output and copies inside a step, at most 8 states.
  Rng rng(1);
  const int before = threads();
  set_threads(1);
  const auto check = [&](const auto& net, const Shape& one, Index batch) {
    std::ptrdiff_t most = 0;
    std::thread([&] {  // whose pool is empty
      const nn::Condition<float> condition{
          .labels = std::vector<Index>(static_cast<std::size_t>(batch), 1)};
      const NetworkDenoiser denoise(
          [&](const Tensor<float>& x, const Tensor<float>& t) { return net(x, t, condition); },
          predict::Velocity{}, schedule::Cosine{});
      most = counted::peak_of([&] {
        sample(solver::Ddim{}, denoise, one.with(0, batch), grid::uniform(schedule::Cosine{}, 1),
               Rng(2));
      });
    })
        .join();
    CHECK(most < 64'000'000 + 8 * 4 * batch * one.size());
  };
  const nn::TimeEmbeddingOptions labels{.classes = 3};
  check(nn::UNet2d<float>(
            {.in = 1, .width = 32, .multipliers = {1, 2}, .blocks = 1, .embedding = labels}, rng),
        {1, 8, 8, 1}, 1000);
  check(nn::UNet1d<float>(
            {.in = 1, .width = 32, .multipliers = {1, 2}, .blocks = 1, .embedding = labels}, rng),
        {1, 64, 1}, 1000);
  check(nn::Mlp<float>({.in = 1, .width = 256, .embedding = labels}, rng), {1, 1}, 40'000);
  const nn::TransformerOptions transformer{.in = 1, .width = 128, .depth = 3, .embedding = labels};
  check(nn::Dit1d<float>(transformer, rng), {1, 128, 1}, 100);
  check(nn::UVit1d<float>(transformer, rng), {1, 128, 1}, 100);
  set_threads(before);
}

TEST_CASE("solvers: no step allocates once it is warm", "[diffusion][solver]") {
  // What start() makes for a run is allowed; steps are counted from the sixth on, when histories
  // are full, in a third run, when the pool is.
  const analytic::Mixture data({{1, {0, 1, 2}, 0.2}, {2, {1, -1, 0}, 0.1}});
  const TimeGrid g = grid::uniform(schedule::Linear{}, 14);
  for_each_solver([&](const char* name, const char*, const auto& solver) {
    using S = std::remove_cvref_t<decltype(solver)>;
    long made = 0;
    for (int round = 0; round < 3; ++round) {
      Run<S, float> run(solver, g);
      auto x = Rng(1).normal<float>({16, 3});
      made = 0;
      for (std::size_t i = 0; i + 1 < g.size(); ++i) {
        const long before = counted::calls;
        x = run.step(std::move(x), g[i], g[i + 1], data, StepRng(Rng(2), 0, static_cast<Index>(i)));
        if (i >= 5) made += counted::calls - before;
      }
    }
    INFO(name);
    CHECK(made == 0);
  });
}

#endif
