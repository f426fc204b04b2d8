#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "settings.hpp"

using Net = foglift::nn::UNet2d<float>;
using Training = foglift::train::FitState<Net, foglift::train::AdamW<float>>;

constexpr foglift::Index batch_size = 64, shard_size = 8, net_width = 32;
/// Streams of the run's generator.
enum : std::uint64_t { weights_stream, noise_stream, feature_stream, sample_stream };

/// What is trained, probed and sampled.
inline auto denoiser(const Net& net) {
  return foglift::NetworkDenoiser(net, foglift::predict::Velocity{}, foglift::schedule::Cosine{});
}

Training initial_state(const Settings&);
/// Steps of training on images [n, 8, 8, 1] that fit into the time beside `passes` images that go
/// forwards through the network for the probes, from a trial of a few seconds on a copy.
foglift::Index affordable_steps(Training trial, const foglift::Tensor<float>& images,
                                foglift::Index passes, const Settings&);
/// Trains for at most `steps` steps. Returns the signal that ended it, 0 at the end.
int train_net(Training&, const foglift::Tensor<float>& images, foglift::Index steps,
              const Settings&);
/// Saves all that training has become. Throws what io::save_checkpoint does.
void save(const Training&, const std::string& path, const std::string& configuration);
/// Sixty samples [60, 8, 8, 1].
foglift::Tensor<float> draw_digits(const Net&, const Settings&);
