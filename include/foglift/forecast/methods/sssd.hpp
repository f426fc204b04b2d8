#pragma once

#include "foglift/forecast/chain_method.hpp"
#include "foglift/nn/blocks/state_space_block.hpp"
#include "foglift/nn/nets/skip_stack.hpp"

namespace foglift::inline v0::forecast {

/// The published configuration; `small` is one for minutes on two cores.
struct SssdOptions {
  FrameOptions frame = {};
  Index width = 256, layers = 36, modes = 32;   ///< of the blocks
  Index time_features = 128, time_width = 512;  ///< of the noise level
  Index steps = 200;                            ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.02};
  Index sampling_steps = 200;  ///< of DDPM; at most `steps`

  static SssdOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static SssdOptions small(const FrameOptions& frame) {
    return on_short_chain<SssdOptions>({.frame = frame,
                                        .width = 16,
                                        .layers = 2,
                                        .modes = 8,
                                        .time_features = 32,
                                        .time_width = 32},
                                       50, 0.2);
  }
};

/// SSSD (Lopez Alcaraz & Strodthoff 2022): DiffWave with state spaces in the place of convolutions,
/// on windows of context and horizon. It is shown known values as they are and noise where values
/// are to be forecast ("D1" in the paper), and told the known ones and their mask once more in each
/// block, with calendar, covariates and statics. A gap in the context is shown as 0, under a mask.
/// The state spaces are S4D's; weights are not normalized.
class Sssd : public ChainMethod<SssdOptions> {
 public:
  using Net = nn::SkipStack<nn::DoubleStateSpaceBlock<float>>;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// odd time features, or more sampling steps than steps. `reach`, `lead` and `center` are chosen
  /// here.
  Sssd(const Options& o, Rng& rng)
      : ChainMethod("Sssd", o, DiscreteSchedule::linear(o.steps, o.beta)),
        net_({.in = channels(),
              .depth = o.layers,
              .block = {.width = o.width, .modes = o.modes, .condition = Window::told(o.frame)},
              .embedding = {.features = o.time_features,
                            .width = o.time_width,
                            .time_scale = static_cast<double>(o.steps),
                            .frequency_shift = 1,
                            .sines_first = true}},
             rng) {}

  /// The denoiser of targets [B, H, K] given a window of B rows. Refers to *this and the window.
  auto denoiser(const Window& window) const {
    return denoiser_of([this, &window](const auto& x, const Tensor<float>& time) {
      return window.ask(net_, x, time);
    });
  }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::known(frame);
    return target_loss(denoiser(window), frame, keys, tape...);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window window = Window::known(frame).repeated(paths.count);
    return paths_by(solver::Ddpm{}, denoiser(window), paths);
  }

  FOGLIFT_PRIVATE_CHILDREN(net);

 private:
  Net net_;
};

}  // namespace foglift::inline v0::forecast
