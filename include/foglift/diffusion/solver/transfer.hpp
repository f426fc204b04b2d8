#pragma once

#include "foglift/diffusion/solver/solver.hpp"

#include <algorithm>
#include <cmath>

namespace foglift {
inline namespace v0 {
namespace solver {

/// The correlation between the states of two levels given x0, (sigma/alpha of `to`) / (sigma/alpha
/// of `from`), in [0, 1): 0 when `from` is pure noise or `to` is clean.
inline double correlation(const Level& from, const Level& to) {
  return from.alpha * to.sigma / (to.alpha * from.sigma);
}

/// sqrt(1 - eta^2 (1 - q^2)): the share of its noise that a state keeps where it gets eta times the
/// posterior's fresh noise; 0 where that is all. Without cancellation for eta in [0, 1], where q is
/// small (a step from almost pure noise) as well as where it is close to 1 (a small step).
inline double kept_share(double eta, double q) {
  return std::sqrt(std::max(0.0, (1 - eta) * (1 + eta) + eta * eta * q * q));
}

/// The step that all first-order solvers share: with eps = (x - alpha x0) / sigma at `from`,
///   alpha' x0 + down eps + up z,
/// in the memory of x; z, the increment of the reverse SDE, is drawn only where up is not 0.
/// Written as (down / sigma) x + (alpha' - alpha down / sigma) x0 + up z it is finite at alpha = 0
/// and at sigma' = 0. No solver sees a `from` with sigma = 0: grids end there.
template <Scalar T>
Tensor<T> transfer(Tensor<T> x, const Tensor<T>& x0, const Level& from, const Level& to,
                   double down, double up, const StepRng& rng) {
  const double keep = down / from.sigma, pull = to.alpha - from.alpha * keep;
  if (up == 0) return affine(keep, std::move(x), pull, x0);
  return affine(keep, std::move(x), pull, x0, up,
                rng.increment<T>(x0.shape(), from.snr(), to.snr()));
}

}  // namespace solver
}  // namespace v0
}  // namespace foglift
