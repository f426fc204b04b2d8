#pragma once

#include "foglift/diffusion/solver/parts/per_row.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <utility>

namespace foglift::inline v0::solver {

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

/// The noise that a step leaves in the state: `down` of what was there, and `up` of fresh noise.
struct Deviations {
  double down = 0, up = 0;
};

/// transfer with the Deviations that rule(from, to) gives, at one level or at Levels: each row (a
/// sample, or a group of its elements) goes from its own level to its own, and is the same, bit for
/// bit, as if all rows had those. A row whose level stays as it is stays as it is, also at clean
/// data and whatever its x0 is. Throws what per_row throws.
template <Scalar T, AnyLevels L, class Rule>
[[gnu::always_inline]] inline Tensor<T> transfer(Tensor<T>&& x, const Tensor<T>& x0, const L& from,
                                                 const L& to, const Rule& rule,
                                                 const StepRng& rng) {
  if constexpr (std::same_as<L, Level>) {
    const Deviations d = rule(from, to);
    return transfer(std::move(x), x0, from, to, d.down, d.up, rng);
  } else {
    const auto mix = per_row(x, from, to, Mix3{}, [&](const Level& a, const Level& b) {
      const Deviations d = rule(a, b);
      const double keep = d.down / a.sigma;
      return Mix3{keep, b.alpha - a.alpha * keep, d.up};
    });
    if (!mix.any([](const Mix3& m) { return m.c != 0; }))
      return affine(std::move(x), x0, x0, mix.values);
    return affine(std::move(x), x0, rng.increment<T>(x0.shape(), from, to), mix.values);
  }
}

/// The rule of Euler's step: all of the noise stays noise.
struct AllDown {
  Deviations operator()(const Level&, const Level& to) const { return {to.sigma, 0}; }
};
inline constexpr AllDown all_down;

}  // namespace foglift::inline v0::solver
