#include "bench/probe/model.hpp"

#include "bench/timing.hpp"
#include "foglift/core/gather.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <chrono>
#include <cstdio>

namespace foglift::bench {

Tensor<float> class_planes(const std::vector<Index>& labels, Index classes, Index side) {
  Tensor<float> out({std::ssize(labels), side, side, classes});
  for (Index i = 0; i < out.size() / classes; ++i)
    out[i * classes + labels[static_cast<std::size_t>(i / (side * side))]] = 1;
  return out;
}

Net untrained(const TrainingOptions& o) {
  Rng rng = Rng(o.seed).stream(1);
  return Net({.in = o.in,
              .width = o.width,
              .multipliers = o.multipliers,
              .blocks = 1,
              .middle_attention = false,
              .zero_out = true,
              .map = o.classes},
             rng);
}

Trained trained(const char* name, const Tensor<float>& images, const std::vector<Index>& labels,
                const TrainingOptions& o) {
  train::FitState state(denoiser(untrained(o)), train::AdamW<float>({.lr = 1e-3}), o.seed);
  const Rng noise = Rng(o.seed).stream(2);
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    const auto x = gather(images, examples.index);
    if (o.classes == 0) return denoiser(net).loss(tape, x, noise, examples.draws);
    return told(net, gather(labels, examples.index), o.classes, x.dim(1))
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
