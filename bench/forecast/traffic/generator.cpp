#include "bench/forecast/train_for.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/encode/edit.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/predict/flow.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "traffic.hpp"

using namespace foglift;

namespace {

/// Of windows x [B, nodes, length].
auto denoiser_of(const nn::UGnet<float>& net) {
  return NetworkDenoiser(
      [&net](const auto& x, const Tensor<float>& time) {
        const Shape s = value_of(x).shape();
        return reshape(net(reshape(x, {s[0], s[1], s[2], 1}), time), s);
      },
      predict::Velocity{}, schedule::Cosine{});
}

}  // namespace

Features window_model(const Task& task) {
  Rng rng = Rng(task.seed).stream(10);
  const Tensor<float> all = windows(task.traffic, places(task.traffic, false));
  Index steps = 0;
  return std::make_shared<const nn::UGnet<float>>(train_for(
      nn::UGnet<float>({.in = 1, .out = 1, .width = 8, .multipliers = {1, 2}, .blocks = 1},
                       nn::walks_both_ways(task.traffic.graph), rng),
      {.seconds = 3 * task.seconds, .examples = all.dim(0), .batch = 2, .seed = task.seed},
      [&](const nn::UGnet<float>& net, Tape<float>& tape, const train::Examples& examples) {
        return denoiser_of(net).loss(tape, all.rows(examples.index), Rng(task.seed).stream(11),
                                     examples.draws);
      },
      steps));
}

Tensor<float> drawn_windows(const Features& net, const Task& task, Index count, Index length) {
  const auto denoise = denoiser_of(*net);
  return sample(solver::DpmMulti<2>{}, denoise, {count, task.traffic.nodes(), length},
                grid::uniform(denoise, 12), Rng(task.seed).stream(12));
}

Tensor<float> perturbed_windows(const Features& net, const Task& task, const Tensor<float>& x,
                                std::uint64_t draw) {
  const auto denoise = denoiser_of(*net);
  return edit(solver::DpmMulti<2>{}, denoise, x, grid::uniform(denoise, 3, {.first = 0.2}),
              Rng(task.seed).stream(13).stream(draw));
}
