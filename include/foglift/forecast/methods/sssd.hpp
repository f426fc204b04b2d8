#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/method.hpp"
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
    return {.frame = frame,
            .width = 16,
            .layers = 2,
            .modes = 8,
            .time_features = 32,
            .time_width = 32,
            .steps = 50,
            .beta = {.first = 1e-4, .last = 0.2},
            .sampling_steps = 50};
  }
};

/// SSSD (Lopez Alcaraz & Strodthoff 2022): DiffWave with state spaces in the place of convolutions,
/// on windows of context and horizon. It is shown known values as they are and noise where values
/// are to be forecast ("D1" in the paper), and told the known ones and their mask once more in each
/// block, with calendar, covariates and statics. A gap in the context is shown as 0, under a mask.
/// The state spaces are S4D's; weights are not normalized.
class Sssd {
 public:
  using Options = SssdOptions;
  using Net = nn::SkipStack<nn::DoubleStateSpaceBlock<float>>;

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// odd time features, or more sampling steps than steps. `reach`, `lead` and `center` are chosen
  /// here.
  Sssd(const Options& o, Rng& rng)
      : options_(complete(o)),
        schedule_(DiscreteSchedule::linear(o.steps, o.beta)),
        net_({.in = o.frame.columns.channels,
              .out = o.frame.columns.channels,
              .depth = o.layers,
              .block = {.width = o.width,
                        .modes = o.modes,
                        .condition = 2 * o.frame.columns.channels + Window::channels(o.frame)},
              .embedding = {.features = o.time_features,
                            .width = o.time_width,
                            .time_scale = static_cast<double>(o.steps),
                            .frequency_shift = 1,
                            .sines_first = true}},
             rng) {}

  const Options& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }
  /// The denoiser of targets [B, H, K] given a window of B rows. Refers to *this and the window.
  auto denoiser(const Window& window) const {
    return NetworkDenoiser(
        [this, &window](const auto& x, const Tensor<float>& time) {
          return window.ask(net_, x, time);
        },
        predict::Epsilon{}, schedule_);
  }
  nn::Description description() const { return denoiser(Window()).description(); }

  /// The mean squared error of the noise of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::known(frame);
    return denoiser(window).loss(tape..., frame.scaled_target(), keys.rng, keys.draws,
                                 {.weight = &frame.target_mask});
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window window = Window::known(frame).repeated(paths.count);
    return sample(solver::Ddpm{}, denoiser(window),
                  {paths.count, frame.horizon(), frame.channels()},
                  grid::trailing(schedule_, options_.sampling_steps), paths.rng,
                  {.first_sample = static_cast<std::uint64_t>(paths.first)});
  }

  static void each(auto& self, auto&& f) { f("net", self.net_); }

 private:
  static Options complete(Options o) {
    o.frame = Window::frame(o.frame, o.frame.context, "Sssd");
    check_chain("Sssd", o.steps, o.sampling_steps);
    return o;
  }

  Options options_;
  DiscreteSchedule schedule_;
  Net net_;
};

}  // namespace foglift::inline v0::forecast
