#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/times.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/flow.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "foglift/forecast/frame/process_prior.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/nn/blocks/state_space_block.hpp"
#include "foglift/nn/nets/skip_stack.hpp"

#include <limits>

namespace foglift::inline v0::forecast {

/// The published size and number of steps; `small` is one for minutes on two cores.
struct TsflowOptions {
  FrameOptions frame = {};
  ProcessOptions process = {};               ///< the prior, in cells and scaled targets
  Index width = 64, layers = 3, modes = 64;  ///< of the state-space blocks
  Index time_features = 64;                  ///< of the time on the path
  Index sampling_steps = 32;                 ///< of Euler's method

  static TsflowOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static TsflowOptions small(const FrameOptions& frame) {
    return {.frame = frame,
            .width = 16,
            .layers = 2,
            .modes = 8,
            .time_features = 32,
            .sampling_steps = 16};
  }
};

/// TSFlow in its conditional form (Kollovieh et al. 2025, section 3.2): flow matching on straight
/// paths from what a Gaussian process says of the horizon given the context (ProcessPrior) to the
/// horizon. The network is shown the context before the state, and told values, mask, calendar,
/// covariates and statics in each block; it learns velocities in the unit of targets. Paths are
/// drawn by Euler's method, few steps of it, since the prior is near.
class Tsflow : public FrameMethod<TsflowOptions> {
 public:
  using Net = nn::SkipStack<nn::StateSpaceBlock<float>>;

  /// Throws what FrameOptions::check and ProcessOptions::check do, and ArgumentError for an extent
  /// that is not positive. `reach`, `lead` and `center` are chosen here.
  Tsflow(const Options& o, Rng& rng)
      : FrameMethod(complete(o)),
        net_({.in = channels(),
              .depth = o.layers,
              .block = {.width = o.width, .modes = o.modes, .condition = Window::told(o.frame)},
              .embedding = {.features = o.time_features, .width = o.width}},
             rng) {}

  nn::Description description() const {
    const ProcessOptions& p = options().process;
    return {{"process", described(p.kernel == Kernel::ornstein_uhlenbeck    ? "ornstein_uhlenbeck"
                                  : p.kernel == Kernel::squared_exponential ? "squared_exponential"
                                                                            : "periodic",
                                  p.length, p.period, p.noise)}};
  }

  /// The mean squared error of the velocity of targets that are there. Where one is missing, the
  /// path ends in the prior's mean.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window window = Window::known(frame);
    const ProcessPrior prior(window, frame.horizon(), options().process);
    // A path of the process is that of white noise to whitened targets, mapped.
    const TrainingBatch<float> white(prior.whitened(frame.scaled_target(), frame.target_mask),
                                     schedule::Flow{}, predict::FlowVelocity{}, keys.rng,
                                     keys.draws,
                                     {.data_scale = std::numeric_limits<double>::infinity()});
    const auto x = recorded(prior.shifted(white.x), tape...);
    return weighted_mse(window.ask(net_, x, white.time), prior.scaled(white.target),
                        frame.target_mask);
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window one = Window::known(frame), window = one.repeated(paths.count);
    const ProcessPrior prior(one, frame.horizon(), options().process);
    const NetworkDenoiser white(
        [&](const Tensor<float>& z, const Tensor<float>& time) {
          return prior.unscaled(window.ask(net_, prior.shifted(z), time));
        },
        predict::FlowVelocity{}, schedule::Flow{});
    return prior.shifted(sample(solver::Euler{}, white,
                                {paths.count, frame.horizon(), frame.channels()},
                                grid::uniform(white, options().sampling_steps), paths.rng,
                                {.first_sample = static_cast<std::uint64_t>(paths.first)}));
  }

  FOGLIFT_PRIVATE_CHILDREN(net);

 private:
  static Options complete(Options o) {
    o.frame = Window::frame(o.frame, o.frame.context, "Tsflow");
    o.process.check("Tsflow");
    if (o.sampling_steps < 1)
      raise<ArgumentError>("Tsflow: sampling_steps ", o.sampling_steps, ", must be positive");
    return o;
  }

  Net net_;
};

}  // namespace foglift::inline v0::forecast
