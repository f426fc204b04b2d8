#pragma once

#include "foglift/diffusion/predict/basic.hpp"
#include "foglift/diffusion/predict/convert.hpp"
#include "foglift/diffusion/predict/flow.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"
#include "foglift/diffusion/predict/preconditioned.hpp"
#include "foglift/diffusion/predict/previous_mean.hpp"

namespace foglift {
inline namespace v0 {
namespace predict {

/// Weight of a squared error of f that makes it a squared error of x0: |x0' - x0|^2 = w |f' - f|^2.
template <Parameterization P>
double x0_weight(const P& p, const Level& level) {
  const double b = p.x0(level).b;
  return b * b;
}

/// Weight of Hang et al. 2023 ("Min-SNR"): min(snr, gamma) on the squared error of x0, expressed
/// for the error of f, level -> weight. 0 where x0 can not be told from f.
template <Parameterization P>
auto min_snr(P p, double gamma = 5) {
  if (!(gamma > 0)) raise<ArgumentError>("min_snr: gamma = ", gamma, ", must be positive");
  return [p, gamma](const Level& level) {
    const double per_f = x0_weight(p, level);
    const bool capped = level.alpha * level.alpha > gamma * level.sigma * level.sigma;
    if (capped) return gamma * per_f;
    const double root = p.x0(level).b * level.alpha / level.sigma;  // snr * per_f without overflow
    return root * root;
  };
}

}  // namespace predict
}  // namespace v0
}  // namespace foglift
