#pragma once

#include "foglift/train/callback.hpp"

#include <concepts>
#include <optional>
#include <utility>

namespace foglift::inline v0::train {
namespace callback {

/// Ends the run as stopped when f() is true, which is asked before every step.
template <std::predicate F>
class StopWhen {
 public:
  explicit StopWhen(F f) : f_(std::move(f)) {}

  template <class State>
  std::optional<FitEnd> before_step(const State&) const {
    if (f_()) return FitEnd::stopped;
    return std::nullopt;
  }

 private:
  F f_;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
