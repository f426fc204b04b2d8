#pragma once

#include "foglift/forecast/dynamics/block_diffusion.hpp"
#include "judge.hpp"
#include "networks_of.hpp"

/// Diffusion of blocks of frames.
inline Result blocks(const char* name, const Task& task, foglift::Index block) {
  using namespace foglift;
  return with_network(task, [&]<class Net>(std::type_identity<Net>) {
    using Model = forecast::BlockDiffusion<Net>;
    Rng rng(task.seed);
    Index steps = 0;
    const Model model = trained(Model({.horizon = task.horizon,
                                       .block = block,
                                       .sampling_steps = task.sampling_steps,
                                       .net = net_of(task, 0),
                                       .channels = task.system.channels()},
                                      rng),
                                task, task.seconds, steps);
    Result out = judged(name, task, task.members, [&](const Tensor<float>& first) {
      return model.draw(first, Rng(task.seed).stream(2));
    });
    out.evaluations = task.horizon / block * task.sampling_steps;
    out.steps = steps;
    return out;
  });
}
