#pragma once

#include "dynamics.hpp"
#include "foglift/nn/nets/unet.hpp"

/// f(network type) by the axes of a system's states.
template <class F>
auto with_network(const Task& task, const F& f) {
  using namespace foglift;
  if (task.system.training.rank() == 4) return f(std::type_identity<nn::UNet1d<float>>{});
  return f(std::type_identity<nn::UNet2d<float>>{});
}
