#pragma once

#include "foglift/autograd/ops/dropout.hpp"
#include "foglift/core/step_number.hpp"

#include <cstdint>
#include <optional>

namespace foglift::inline v0::nn {

/// Randomness of dropout in one training call: sample b of the batch is sample first_sample + b of
/// the step.
struct DropoutNoise {
  Rng rng;
  std::uint64_t first_sample = 0;
  /// Number of the training step; it must be given, see StepNumber.
  StepNumber step;
};

/// The dropouts of one call of a network: the n-th of them draws from the n-th stream under the
/// noise. Without noise (evaluation) each is the identity.
class DropoutCalls {
 public:
  /// No dropout.
  DropoutCalls() = default;
  /// For the samples of a batch from `first` on.
  explicit DropoutCalls(const std::optional<DropoutNoise>& noise, Index first = 0) {
    if (!noise) return;
    noise_ = *noise;
    noise_->first_sample += static_cast<std::uint64_t>(first);
  }

  /// x [B, ...] with elements zeroed at `rate`, the others scaled by 1 / (1 - rate).
  template <Value X>
  X operator()(X x, double rate) {
    if (!active(rate)) return x;
    return dropout(x, rate, noise_->rng.stream(calls_++), noise_->first_sample,
                   static_cast<std::uint32_t>(noise_->step));
  }

  /// Whether anything is dropped at this rate.
  bool active(double rate) const { return noise_ && rate != 0; }

  /// The next n dropouts at this rate by themselves, for a part that is run a second time.
  DropoutCalls take(std::uint64_t n, double rate) {
    const DropoutCalls part = *this;
    if (active(rate)) calls_ += n;
    return part;
  }

 private:
  std::optional<DropoutNoise> noise_;
  std::uint64_t calls_ = 0;
};

}  // namespace foglift::inline v0::nn
