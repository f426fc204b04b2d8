#pragma once

#include "foglift/train/callbacks/budget.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <cmath>
#include <ctime>
#include <numbers>
#include <utility>

/// Seconds that the program has computed, which others on the machine do not change.
inline double clock_now() {
  return static_cast<double>(std::clock()) / static_cast<double>(CLOCKS_PER_SEC);
}

struct TrainFor {
  double seconds = 3;
  foglift::Index examples = 0;
  foglift::Index batch = 32;
  std::uint64_t seed = 1;
};

/// The average of the weights after so many seconds of training, with a rate that falls to 0 as
/// half a cosine; adds the steps that it took.
template <class M, class Loss>
M train_for(M model, const TrainFor& o, const Loss& loss, foglift::Index& steps) {
  using namespace foglift;
  train::FitState state(std::move(model), train::AdamW<float>({.lr = 2e-3, .weight_decay = 1e-4}),
                        o.seed);
  const double start = clock_now();
  const auto rate = [&](Index step) {
    const double done = std::min(1.0, (clock_now() - start) / o.seconds);
    return train::WarmUpRate{20}(step) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  };
  train::fit(state, loss,
             {.examples = o.examples,
              .batch = o.batch,
              .shard = o.batch,
              .steps = 1'000'000'000,
              .rate = rate,
              .clip = 1,
              .ema = {.decay = 0.99}},
             train::callback::Budget(clock_now, o.seconds));
  steps += state.step;
  return state.ema;
}
