#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/nn/nets/unet.hpp"

#include <vector>

namespace foglift::bench {

using Net = nn::UNet2d<float>;

/// What all programs of this folder probe: a U-Net of v on a cosine schedule.
inline auto denoiser(const Net& net) {
  return NetworkDenoiser(net, predict::Velocity{}, schedule::Cosine{});
}

struct TrainingOptions {
  Index width = 32;
  Index classes = 0;   ///< > 0: told the class of each image
  Index steps = 1000;  ///< of 64 images
  std::uint64_t seed = 1;
};

/// A network of folded images before training.
Net untrained(const TrainingOptions& o);

/// The running average of its weights after some steps on folded images [n, 14, 14, 4]; says
/// how far it is on the error stream.
struct Trained {
  Net net;
  double loss, seconds;
};
Trained trained(const char* name, const Tensor<float>& images, const std::vector<Index>& labels,
                const TrainingOptions& o);

}  // namespace foglift::bench
