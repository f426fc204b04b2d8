#pragma once

#include "foglift/core/shape.hpp"

#include <concepts>

namespace foglift::inline v0 {

/// The number of a training step, 0, 1, ..., by which all that the step draws is keyed. It has no
/// default: a loop that left it out would train on the same times and noise at every step, so that
/// does not compile.
class StepNumber {
 public:
  template <std::integral N>
  constexpr StepNumber(N number) : number_(static_cast<Index>(number)) {}
  template <class Forgotten = void>
  constexpr StepNumber() : number_(needed<Forgotten>()) {}

  constexpr operator Index() const { return number_; }

  /// Stands for a number in a default argument, and does not compile where that is used.
  template <class Forgotten>
  static constexpr Index needed() {
    static_assert(!std::same_as<Forgotten, Forgotten>,
                  "a step needs its number, {.step = step}: without it every step would draw the "
                  "same times, noise and dropouts; where that is wanted, say {.step = 0}");
    return 0;
  }

 private:
  Index number_;
};

}  // namespace foglift::inline v0
