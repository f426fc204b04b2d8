#pragma once

#include "foglift/forecast/stepwise_method.hpp"

namespace foglift::inline v0::forecast {

using TimeGradOptions = StepwiseOptions;

/// TimeGrad (Rasul et al. 2021): an LSTM runs along the series; what it says before a step
/// conditions a diffusion model of the step's K channels, trained on true predecessors (eq. 9).
/// Paths are drawn step by step, each by DDPM.
class TimeGrad : public StepwiseMethod<TimeGradOptions, nn::Lstm<float>> {
 public:
  /// Throws what FrameOptions::check does, and ArgumentError for an extent or a lag that is not
  /// positive, or more sampling steps than steps. `reach`, `lead` and `center` are chosen here.
  TimeGrad(const Options& o, Rng& rng) : StepwiseMethod("TimeGrad", o, 1, rng) {}

  /// What the steps of the horizon are told, [B, H, condition], given the targets before them.
  template <class... On>
  auto conditions(const Frame& frame, On&... tape) const {
    return StepwiseMethod::conditions(recurrent_.front(), Window::whole(frame), tape...);
  }

  /// The mean squared error of the noise of targets that are there; each step of a row has a noise
  /// level of its own.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    return steps_loss([&](const auto& condition) { return denoiser(condition); },
                      conditions(frame, tape...), frame.scaled_target(), frame.target_mask, keys,
                      tape...);
  }

  static void each(auto& self, auto&& f) {
    f("lstm", self.recurrent_.front());
    f("told", self.told_);
    f("net", self.net_);
  }
};

}  // namespace foglift::inline v0::forecast
