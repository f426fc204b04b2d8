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

/// The same for images of these classes: planes [n, side, side, classes] stand beside each image, 1
/// in that of its class. (A class embedding that starts small is hardly heard after a few hundred
/// steps.)
Tensor<float> class_planes(const std::vector<Index>& labels, Index classes, Index side);
inline auto told(const Net& net, const std::vector<Index>& labels, Index classes, Index side) {
  return denoiser(net).with({.map = class_planes(labels, classes, side)});
}

struct TrainingOptions {
  Index in = 4;  ///< channels: those of folded images
  Index width = 32;
  std::vector<Index> multipliers = {1, 2};
  Index classes = 0;   ///< > 0: told the class of each image
  Index steps = 1000;  ///< of 64 images
  std::uint64_t seed = 1;
};

/// A network before training.
Net untrained(const TrainingOptions& o);

/// The running average of its weights after some steps on folded images [n, 14, 14, 4], or others;
/// says how far it is on the error stream.
struct Trained {
  Net net;
  double loss, seconds;
};
Trained trained(const char* name, const Tensor<float>& images, const std::vector<Index>& labels,
                const TrainingOptions& o);

}  // namespace foglift::bench
