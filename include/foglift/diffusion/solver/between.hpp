#pragma once

#include "foglift/diffusion/level.hpp"

#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// The level with ln(alpha / sigma) = lambda on the way from `from` to `to`: where a step of
/// several stages asks the denoiser. A denoiser knows E[x0 | x / alpha, sigma / alpha], so any
/// alpha would do; the one of the process is found where both ends lie on alpha = const (variance
/// exploding), alpha + sigma = const (flow) or alpha^2 + sigma^2 = const, and interpolated as the
/// last otherwise. t, which is for display, is interpolated in lambda. Throws ArgumentError unless
/// both ends have signal and noise.
inline Level between(const Level& from, const Level& to, double lambda) {
  const double first = from.lambda(), last = to.lambda();
  if (!(std::isfinite(first) && std::isfinite(last) && first != last))
    raise<ArgumentError>("solver::between: no level between ", from, " and ", to);
  const double part = (lambda - first) / (last - first), s = std::exp(-lambda);
  const double t = from.t + part * (to.t - from.t);
  // A few roundings of a schedule's cos, exp and sqrt are no difference.
  const auto same = [](double a, double b) { return std::abs(a - b) <= 1e-12 * (a + b); };
  if (same(from.alpha, to.alpha)) return {t, from.alpha, s * from.alpha};
  const double sum = from.alpha + from.sigma;
  if (same(sum, to.alpha + to.sigma)) return {t, sum / (1 + s), s * sum / (1 + s)};
  const double a = std::log(std::hypot(from.alpha, from.sigma)),
               b = std::log(std::hypot(to.alpha, to.sigma));
  const double alpha = std::exp(a + part * (b - a)) / std::hypot(1.0, s);
  return {t, alpha, s * alpha};
}

}  // namespace solver
}  // namespace v0
}  // namespace foglift
