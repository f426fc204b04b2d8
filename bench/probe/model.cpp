#include "bench/probe/model.hpp"

#include "bench/timing.hpp"
#include "foglift/core/gather.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <chrono>
#include <cstdio>

namespace foglift::bench {

Net untrained(const TrainingOptions& o) {
  Rng rng = Rng(o.seed).stream(1);
  return Net({.in = 4,
              .width = o.width,
              .multipliers = {1, 2},
              .blocks = 1,
              .middle_attention = false,
              .zero_out = true,
              .embedding = {.classes = o.classes}},
             rng);
}

Trained trained(const char* name, const Tensor<float>& images, const std::vector<Index>& labels,
                const TrainingOptions& o) {
  train::FitState state(denoiser(untrained(o)), train::AdamW<float>({.lr = 1e-3}), o.seed);
  const Rng noise = Rng(o.seed).stream(2);
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    const auto x = gather(images, examples.index);
    if (o.classes == 0) return denoiser(net).loss(tape, x, noise, examples.draws);
    return denoiser(net)
        .with({.labels = gather(labels, examples.index)})
        .loss(tape, x, noise, examples.draws);
  };
  const auto start = std::chrono::steady_clock::now();
  train::fit(state, loss,
             {.examples = images.dim(0),
              .batch = 64,
              .shard = 32,
              .steps = o.steps,
              .rate = train::CosineRate{.steps = o.steps, .warm_up = o.steps / 20},
              .clip = 1,
              .ema = {.decay = 0.995}},
             [&](const train::FitProgress& p) {
               if (p.step % 20 == 0)
                 std::fprintf(stderr, "\r%s: step %td of %td, loss %.4f, %.0f s ", name, p.step,
                              o.steps, p.smoothed_loss, seconds_since(start));
             });
  std::fprintf(stderr, "\n");
  return {state.ema, state.smoothed_loss, seconds_since(start)};
}

}  // namespace foglift::bench
