#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/text.hpp"
#include "foglift/train/callbacks/pace.hpp"

#include <cmath>
#include <ostream>
#include <string>
#include <utility>

namespace foglift::inline v0::train {
namespace callback {

/// Writes how far the run is and how long it will take, after the first step, the last, and not
/// oftener than once in `interval` seconds:
///
///   step 120 of 600, loss 0.957, 34 s left
template <Clock C>
class ProgressLine {
 public:
  /// Throws ArgumentError unless interval >= 0.
  ProgressLine(std::ostream& out, C clock, double interval = 1)
      : out_(&out), pace_(std::move(clock)), interval_(interval) {
    if (!(interval >= 0))
      raise<ArgumentError>("ProgressLine: interval ", interval, ", needed at least 0 seconds");
  }

  template <class State>
  void after_step(const State& state, const FitProgress& p) {
    pace_.after_step(state, p);
    if (p.step != p.steps && pace_.seconds() < next_) return;
    next_ = pace_.seconds() + interval_;
    const double left = pace_.each() * static_cast<double>(p.steps - p.step);
    std::string line = "step " + number_text(p.step) + " of " + number_text(p.steps) + ", loss " +
                       number_text(p.smoothed_loss, 4);
    if (pace_.steps() > 1) line += ", " + number_text(std::ceil(left), 9) + " s left";
    *out_ << line + '\n' << std::flush;
  }

 private:
  std::ostream* out_;
  Pace<C> pace_;
  double interval_, next_ = 0;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
