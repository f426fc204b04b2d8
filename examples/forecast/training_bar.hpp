#pragma once

#include "model.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace tool {

/// A bar for each phase of a training: training, judging by the model and by the baselines, refit.
class TrainingBar {
 public:
  /// `before` steps were done by an earlier run.
  explicit TrainingBar(bool quiet, Index before = 0) : quiet_(quiet), before_(before) {}

  void operator()(const Model::Progress& p) {
    const std::string phase = p.judged  ? std::string("judging: windows by ") + p.judged
                              : p.refit ? "refit"
                                        : "training";
    if (!bar_ || phase != phase_) {
      bar_.reset();
      bar_.emplace(phase, quiet_);
    }
    phase_ = phase;
    if (p.judged)
      bar_->update(p.step, p.steps, "");
    else
      bar_->update(
          p.step, p.steps,
          text(std::isinf(p.best) ? "loss %.4f" : "loss %.4f, validation %.4f", p.loss, p.best),
          std::min(before_, p.step - 1));
  }

 private:
  bool quiet_;
  Index before_;
  std::string phase_;
  std::optional<Progress> bar_;
};

}  // namespace tool
