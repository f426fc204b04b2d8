#pragma once

#include "foglift/train/callback.hpp"

#include <utility>

namespace foglift::inline v0::train {
namespace callback {

/// A function that says how many seconds have passed since some moment. The library reads no clock:
///
///   const auto clock = [] {
///     return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
///         .count();
///   };
template <class C>
concept Clock = requires(C& clock) {
  { clock() } -> std::convertible_to<double>;
};

/// How fast a run goes. Time counts from the construction to the last step; of the pace the first
/// step, which fills caches and pools, is left out.
template <Clock C>
class Pace {
 public:
  explicit Pace(C clock) : clock_(std::move(clock)), start_(clock_()) {}

  template <class State>
  void after_step(const State&, const FitProgress&) {
    seconds_ = now();
    if (++steps_ == 1) first_ = seconds_;
  }

  Index steps() const { return steps_; }       ///< seen so far
  double seconds() const { return seconds_; }  ///< at the last of them
  /// Seconds a step; 0 before the second.
  double each() const {
    return steps_ < 2 ? 0 : (seconds_ - first_) / static_cast<double>(steps_ - 1);
  }
  /// Seconds since the construction.
  double now() { return static_cast<double>(clock_()) - start_; }

 private:
  C clock_;
  double start_, first_ = 0, seconds_ = 0;
  Index steps_ = 0;
};

}  // namespace callback
}  // namespace foglift::inline v0::train
