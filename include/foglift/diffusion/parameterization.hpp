#pragma once

#include "foglift/diffusion/loss/weight.hpp"
#include "foglift/diffusion/predict/basic.hpp"
#include "foglift/diffusion/predict/boundary.hpp"
#include "foglift/diffusion/predict/convert.hpp"
#include "foglift/diffusion/predict/flow.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"
#include "foglift/diffusion/predict/preconditioned.hpp"
#include "foglift/diffusion/predict/previous_mean.hpp"

#include <utility>

namespace foglift::inline v0::predict {

/// Weight of a squared error of f that makes it a squared error of x0: |x0' - x0|^2 = w |f' - f|^2.
template <Parameterization P>
double x0_weight(const P& p, const Level& level) {
  const double b = p.x0(level).b;
  return b * b;
}

/// Weight of Hang et al. 2023 ("Min-SNR"): min(snr, gamma) on the squared error of x0, expressed
/// for the error of f, level -> weight: weight::MinSnr, of weight::of_output.
template <Parameterization P>
auto min_snr(P p, double gamma = 5) {
  return weight::of_output(weight::MinSnr(gamma), std::move(p));
}

}  // namespace foglift::inline v0::predict
