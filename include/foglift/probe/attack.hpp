#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::probe {

struct PgdOptions {
  double radius = 0.1;  ///< the largest change of an element
  double step = 0.02;   ///< of an element in one step
  Index steps = 10;
  Index draws = 1;           ///< gradients that a step is the mean of, for defences that draw noise
  double low = 0, high = 1;  ///< what elements may be
  bool random_start = true;  ///< uniform in the ball, else x itself
};

/// Projected gradient descent in the ball of |change| <= radius (Madry et al. 2018), upwards:
/// gradient(x, draw) is the gradient of the loss that is to grow, shape of x; a step goes along the
/// signs of its mean over draws (expectation over transformation, Athalye et al. 2018), without
/// which a defence by noise looks stronger than it is. Draws are numbered on through the run. What
/// is attacked is the whole defence: a classifier behind `edit`, which is DiffPure (Nie et al.
/// 2022) with Ddpm or an SDE's solver. Throws ArgumentError for a radius, a step or numbers that
/// are not positive, ShapeError for a gradient of another shape, NumericError for one that is not
/// finite.
template <Scalar T, class F>
Tensor<T> pgd(const Tensor<T>& x, const F& gradient, const Rng& rng, const PgdOptions& o = {}) {
  if (!(o.radius > 0 && o.step > 0 && o.low < o.high) || o.steps < 1 || o.draws < 1)
    raise<ArgumentError>("pgd: radius ", o.radius, ", ", o.steps, " steps of ", o.step, ", ",
                         o.draws, " draws, elements from ", o.low, " to ", o.high);
  const auto within = [&](Tensor<T>& at) {
    for (Index i = 0; i < x.size(); ++i) {
      const auto from = static_cast<double>(x[i]);
      const double near = std::clamp(static_cast<double>(at[i]), from - o.radius, from + o.radius);
      at[i] = static_cast<T>(std::clamp(near, o.low, o.high));
    }
  };
  Tensor<T> at = x;
  if (o.random_start) {
    const auto u = rng.uniform<T>(x.shape());
    for (Index i = 0; i < x.size(); ++i)
      at[i] += static_cast<T>(o.radius * (2 * static_cast<double>(u[i]) - 1));
    within(at);
  }
  for (Index s = 0; s < o.steps; ++s) {
    Tensor<T> sum(x.shape());
    for (Index k = 0; k < o.draws; ++k) {
      const Tensor<T> g = gradient(std::as_const(at), s * o.draws + k);
      if (g.shape() != x.shape())
        raise<ShapeError>("pgd: gradient ", g.shape(), " for x ", x.shape());
      for (Index i = 0; i < x.size(); ++i) {
        if (!std::isfinite(g[i])) raise<NumericError>("pgd: gradient ", g[i], " in step ", s);
        sum[i] += g[i];
      }
    }
    for (Index i = 0; i < x.size(); ++i)
      at[i] += static_cast<T>(o.step) * static_cast<T>((sum[i] > 0) - (sum[i] < 0));
    within(at);
  }
  return at;
}

}  // namespace foglift::inline v0::probe
