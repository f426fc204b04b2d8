#pragma once

#include "foglift/core/error.hpp"
#include "foglift/train/callbacks/pace.hpp"

#include <optional>
#include <utility>

namespace foglift::inline v0::train {
namespace callback {

/// Ends the run as stopped before a step that would end, at the pace of those before it, after so
/// many seconds from the construction on.
template <Clock C>
class Budget {
 public:
  /// Throws ArgumentError unless seconds >= 0.
  Budget(C clock, double seconds) : pace_(std::move(clock)), seconds_(seconds) {
    if (!(seconds >= 0)) raise<ArgumentError>("Budget: ", seconds, " seconds, needed at least 0");
  }

  template <class State>
  std::optional<FitEnd> before_step(const State&) {
    if (pace_.now() + pace_.each() > seconds_) return FitEnd::stopped;
    return std::nullopt;
  }
  template <class State>
  void after_step(const State& state, const FitProgress& progress) {
    pace_.after_step(state, progress);
  }

 private:
  Pace<C> pace_;
  double seconds_;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
