#pragma once

#include "foglift/diffusion/curve.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

/// The level with ln(alpha / sigma) = lambda on the way from `from` to `to`: where a step of
/// several stages asks the denoiser. A denoiser knows E[x0 | x / alpha, sigma / alpha], so any
/// alpha would do; it is that of the Curve through both ends. t, which is for display, is
/// interpolated in lambda. Throws ArgumentError unless both ends have signal and noise.
inline Level between(const Level& from, const Level& to, double lambda) {
  const double first = from.lambda(), last = to.lambda();
  if (!(std::isfinite(first) && std::isfinite(last) && first != last))
    raise<ArgumentError>("solver::between: no level between ", from, " and ", to);
  const double part = (lambda - first) / (last - first);
  return Curve(from, to).at(std::exp(-lambda), from.t + part * (to.t - from.t), part);
}

}  // namespace foglift::inline v0::solver
