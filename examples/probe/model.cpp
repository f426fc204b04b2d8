#include "model.hpp"

#include "foglift/core/gather.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/pace.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/interrupt.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

using namespace foglift;

namespace {
/// Trains on images [n, 8, 8, 1] for at most `steps` steps.
template <class... On>
train::FitEnd fit_net(Training& state, const Tensor<float>& images, Index steps, const Settings& s,
                      On&&... on) {
  const Rng noise = Rng(s.seed).stream(noise_stream);
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    std::vector<std::uint64_t> samples;  // place k of a shard draws a time in its k-th part
    for (std::size_t k = 0; k < examples.index.size(); ++k)
      samples.push_back(static_cast<std::uint64_t>(examples.index[k] * shard_size) + k);
    return denoiser(net).loss(
        tape, gather(images, examples.index), noise,
        {.samples = samples, .step = examples.draws.step, .strata = shard_size});
  };
  return train::fit(state, loss,
                    {.examples = images.dim(0),
                     .batch = batch_size,
                     .shard = shard_size,
                     .steps = steps,
                     .rate = train::CosineRate{.steps = steps, .warm_up = steps / 20},
                     .clip = 1,
                     .ema = {.decay = 0.995}},
                    on...);
}
}  // namespace

Training initial_state(const Settings& s) {
  Rng rng = Rng(s.seed).stream(weights_stream);
  const Net net({.width = net_width, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false},
                rng);
  return Training(denoiser(net), train::AdamW<float>({.lr = 1e-3}), s.seed);
}

Index affordable_steps(Training trial, const Tensor<float>& images, Index passes,
                       const Settings& s) {
  train::callback::Pace pace(seconds_now);
  fit_net(trial, images, 1'000'000, s, pace, train::callback::StopWhen([&] {
            return pace.steps() >= 3 && pace.seconds() > std::min(3.0, 6 * s.minutes);
          }));
  // A step costs about four times what its batch costs forwards (measured: 4 to 5).
  const double steps_for_probes = static_cast<double>(passes) / (4.0 * batch_size);
  return std::max(Index{50}, static_cast<Index>((60 * s.minutes - pace.seconds()) / pace.each() -
                                                steps_for_probes));
}

int train_net(Training& state, const Tensor<float>& images, Index steps, const Settings& s) {
  const train::Interrupt interrupt;
  Progress bar("training", s.quiet);
  const auto show = [&](const train::FitProgress& p) {
    bar.update(p.step, p.steps, text("loss %.4f", p.smoothed_loss));
  };
  const train::FitEnd end = fit_net(state, images, steps, s, show, interrupt);
  return end == train::FitEnd::stopped ? interrupt.signal() : 0;
}

void save(const Training& state, const std::string& path, const std::string& configuration) {
  io::save_checkpoint(path, state, configuration);
}

Tensor<float> draw_digits(const Net& net, const Settings& s) {
  const auto denoise = denoiser(net);
  return sample(solver::Ddim{.eta = 1}, denoise, {60, 8, 8, 1}, grid::uniform(denoise, 100),
                Rng(s.seed).stream(sample_stream));
}
