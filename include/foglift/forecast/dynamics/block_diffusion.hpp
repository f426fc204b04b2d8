#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/dynamics/networks.hpp"
#include "foglift/forecast/dynamics/stretches.hpp"

#include <utility>

namespace foglift::inline v0::forecast {

template <class Net>
struct BlockDiffusionOptions {
  Index horizon = 8;
  Index block = 4;  ///< frames at once; divides the horizon
  Index sampling_steps = 16;
  double eta = 0;                  ///< of DDIM: 1 is ancestral
  typename Net::Options net = {};  ///< but for `in` and `out`, which follow
  Index channels = 1;              ///< of a state

  static void untold(const BlockDiffusionOptions& o, auto&& f) {
    f("block", o.block);
    Net::Options::untold(o.net, f);
  }
};

/// Snapshots as the frames of a video: diffusion of all frames of a block along the channels, given
/// the snapshot before it, block after block (in the manner of MCVD, Voleti et al. 2022, with one
/// past frame). With a block as long as the horizon it is the baseline "DDPM" of DYffusion
/// (Ruehling Cachay et al. 2023). What a training step holds grows with the block.
template <class Net>
class BlockDiffusion : public DynamicsModel<Net, BlockDiffusionOptions<Net>> {
 public:
  /// Throws ArgumentError for a block that does not divide the horizon, or no sampling step, and
  /// what the network throws.
  BlockDiffusion(const BlockDiffusionOptions<Net>& o, Rng& rng)
      : BlockDiffusion::DynamicsModel(o, o.block + 1, o.block, rng) {
    if (o.horizon < 1 || o.block < 1 || o.horizon % o.block != 0 || o.sampling_steps < 1)
      raise<ArgumentError>("BlockDiffusion: horizon ", o.horizon, " in blocks of ", o.block,
                           ", sampling_steps ", o.sampling_steps,
                           "; needed positive numbers, and blocks that divide the horizon");
  }

  /// The mean square of the velocity, on the frames that follow the first one of each stretch.
  Var<float> loss(Tape<float>& tape, const Stretches& data, const train::Examples& examples,
                  const Rng& rng) const {
    std::vector<Tensor<float>> frames;
    for (Index i = 1; i <= options_.block; ++i) frames.push_back(data.at(examples.index, i));
    const Tensor<float> first = data.at(examples.index, 0);
    return denoiser(first, dropping(noise_of(rng, examples)))
        .loss(tape, concat(frames, -1), rng.stream(0), examples.draws);
  }

  /// Forecasts [B, horizon, ..., channels] from snapshots [B, ..., channels]; row b is that of
  /// sample first_sample + b.
  Tensor<float> draw(const Tensor<float>& first, const Rng& rng,
                     std::uint64_t first_sample = 0) const {
    const PackedWeights packed(net_);
    ForecastCourse out(first.shape(), options_.horizon);
    Tensor<float> before = first;
    const Index channels = first.dim(-1);
    for (Index done = 0; done < options_.horizon; done += options_.block) {
      const auto denoise = denoiser(before, {});
      const Tensor<float> frames =
          sample(solver::Ddim{.eta = options_.eta}, denoise,
                 first.shape().with(-1, options_.block * channels),
                 grid::uniform(denoise, options_.sampling_steps),
                 rng.stream(static_cast<std::uint64_t>(done)), {.first_sample = first_sample});
      for (Index i = 0; i < options_.block; ++i) {
        before = slice(frames, -1, i * channels, channels);
        out.put(done + i + 1, before);
      }
    }
    return std::move(out).values();
  }

 private:
  using BlockDiffusion::DynamicsModel::net_, BlockDiffusion::DynamicsModel::options_;

  auto denoiser(const Tensor<float>& first, const nn::Call<>& call) const {
    return NetworkDenoiser(Beside<Net>{net_, first, call}, predict::Velocity{}, schedule::Cosine{});
  }
};

}  // namespace foglift::inline v0::forecast
