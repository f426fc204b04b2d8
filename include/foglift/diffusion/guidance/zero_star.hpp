#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

namespace foglift::inline v0::guide {

/// CFG-Zero* (Fan et al. 2025): the unconditional output is first scaled by the factor that brings
/// it closest to the conditional one, s = <F_c, F_u> / |F_u|^2, then F = s F_u + w (F_c - s F_u).
/// In x0, without a division by a of F = a x0 - b x, the scaled output is
///   u* = u + <c - u, F_u> / |F_u|^2 F_u,
/// so that the difference is weighed only across F_u. The paper's first steps, in which the
/// velocity is set to zero, are levels here: where sigma / (alpha + sigma), the time of a straight
/// path, is above `zero_above`, F = 0 and x / (alpha + sigma) stays where it is.
struct ZeroStar {
  double weight = 1;
  double zero_above = 1;  ///< 1: never, since nothing is above
  Space space = Space::flow;

  /// Throws ArgumentError unless the weight is finite and zero_above in [0, 1].
  void check() const {
    detail::check_weight("guide::ZeroStar", "weight", weight);
    if (!(zero_above >= 0 && zero_above <= 1))
      raise<ArgumentError>("guide::ZeroStar: zero_above = ", zero_above, ", must be in [0, 1]");
  }

  template <Scalar T>
  void operator()(const Pair<T>& p) const {
    const double sum = p.level.alpha + p.level.sigma;
    if (p.level.sigma > zero_above * sum) {
      for (std::size_t i = 0; i < p.size(); ++i)
        p.c[i] = static_cast<T>(static_cast<double>(p.x[i]) / sum);
      return;
    }
    const Mix f = direction(space, p.level);
    const auto fu = [&](std::size_t i) { return detail::in_space(f, p.u[i], p.x[i]); };
    const auto change = [&](std::size_t i) {
      return static_cast<double>(p.c[i]) - static_cast<double>(p.u[i]);
    };
    const double along =
        detail::quotient(detail::total(p.size(), [&](std::size_t i) { return change(i) * fu(i); }),
                         detail::total(p.size(), [&](std::size_t i) { return fu(i) * fu(i); }));
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double part = along * fu(i);
      p.c[i] = static_cast<T>(static_cast<double>(p.u[i]) + part + weight * (change(i) - part));
    }
  }
};

}  // namespace foglift::inline v0::guide
