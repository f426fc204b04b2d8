#pragma once

#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"

namespace foglift::bench {

// Four small denoisers whose speed is compared with other libraries, at sizes that people train.
// bench/peers/models.py has them in PyTorch, and same_function shows that they compute the same.
// Times are those of a chain, 0 ... 999: t / 1000 in float would lose what cos(1000 t) needs.

/// Points in the plane: x [B, 2].
template <Scalar T = float>
nn::Mlp<T> mlp2d(Rng rng) {
  return nn::Mlp<T>(
      {.in = 2, .width = 128, .depth = 3, .embedding = {.time_scale = 1, .layers = 1}}, rng);
}

/// Series: x [B, L, 1], channels 32-64-128, two residual blocks a level.
template <Scalar T = float>
nn::UNet1d<T> unet1d(Rng rng) {
  return nn::UNet1d<T>(
      {.in = 1, .width = 32, .multipliers = {1, 2, 4}, .blocks = 2, .embedding = {.time_scale = 1}},
      rng);
}

/// Series of 96 values: x [B, 96, 1], six blocks of width 128.
template <Scalar T = float>
nn::Dit1d<T> dit1d(Rng rng) {
  return nn::Dit1d<T>({.in = 1,
                       .width = 128,
                       .depth = 6,
                       .heads = 4,
                       .extents = {96},
                       .zero = false,
                       .embedding = {.time_scale = 1}},
                      rng);
}

/// Images: x [B, 32, 32, 3], channels 64-128-256, one residual block a level.
template <Scalar T = float>
nn::UNet2d<T> unet2d(Rng rng) {
  return nn::UNet2d<T>({.in = 3,
                        .width = 64,
                        .multipliers = {1, 2, 4},
                        .blocks = 1,
                        .embedding = {.width = 128, .time_scale = 1}},
                       rng);
}

}  // namespace foglift::bench
