#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>

namespace foglift::inline v0::train {

/// A learning-rate schedule: the factor on the optimizer's rate at step 0, 1, 2...
template <class R>
concept LearningRate = std::copyable<R> && requires(const R& rate, Index step) {
  { rate(step) } -> std::convertible_to<double>;
};

/// Always 1.
struct ConstantRate {
  double operator()(Index) const { return 1; }
};

/// Linear from 1 / warm_up at step 0 to 1 at step warm_up - 1, then 1.
struct WarmUpRate {
  Index warm_up = 0;
  double operator()(Index step) const {
    if (step >= warm_up) return 1;
    return static_cast<double>(step + 1) / static_cast<double>(warm_up);
  }
};

/// Warm-up, then half a cosine from 1 at step warm_up down to `floor` at step `steps`, then `floor`
/// (Loshchilov & Hutter 2017, without restarts).
struct CosineRate {
  Index steps = 0;
  Index warm_up = 0;
  double floor = 0;
  double operator()(Index step) const {
    if (step < warm_up) return WarmUpRate{warm_up}(step);
    if (step >= steps) return floor;
    const double done = static_cast<double>(step - warm_up) / static_cast<double>(steps - warm_up);
    return floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * done));
  }
};

}  // namespace foglift::inline v0::train
