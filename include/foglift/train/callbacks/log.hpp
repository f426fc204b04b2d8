#pragma once

#include "foglift/core/text.hpp"
#include "foglift/train/callback.hpp"

#include <initializer_list>
#include <ostream>
#include <string>

namespace foglift::inline v0::train {
namespace callback {

/// Writes a line of CSV for each step, with numbers that read back the same:
/// step,loss,smoothed_loss,learning_rate,gradient_norm,metric, the last empty where there is none.
/// The line with these names comes before the first step of a run, so that a resumed run can be
/// appended.
class Log {
 public:
  explicit Log(std::ostream& out) : out_(&out) {}

  template <class State>
  void after_step(const State&, const FitProgress& p) {
    std::string line =
        p.step == 1 ? "step,loss,smoothed_loss,learning_rate,gradient_norm,metric\n" : "";
    line += number_text(p.step);
    for (const double v : {p.loss, p.smoothed_loss, p.learning_rate, p.gradient_norm})
      line += ',' + number_text(v);
    line += ',';
    if (p.metric) line += number_text(*p.metric);
    *out_ << line + '\n';
  }

 private:
  std::ostream* out_;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
