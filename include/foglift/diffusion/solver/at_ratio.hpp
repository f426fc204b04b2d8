#pragma once

#include "foglift/diffusion/level.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// The level of noise-to-signal ratio s >= 0 on the curve that `like` lies on: alpha = 1, alpha +
/// sigma = 1 or else alpha^2 + sigma^2 constant, as in between(). t is that of `like`.
inline Level at_ratio(const Level& like, double s) {
  if (like.alpha == 1 && like.sigma > 0) return {like.t, 1, s};
  if (std::abs(like.alpha + like.sigma - 1) <= 1e-12) return {like.t, 1 / (1 + s), s / (1 + s)};
  const double alpha = std::hypot(like.alpha, like.sigma) / std::hypot(1.0, s);
  return {like.t, alpha, s * alpha};
}

}  // namespace solver
}  // namespace v0
}  // namespace foglift
