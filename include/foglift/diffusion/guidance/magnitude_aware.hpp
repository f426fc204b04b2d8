#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <cmath>

namespace foglift::inline v0::guide {

/// Magnitude-aware guidance (MAMBO-G, Zhu et al. 2025): u + w' (c - u) with a weight that falls
/// where the two models differ much, w' = 1 + (weight - 1) exp(-decay |F_c - F_u| / |F_u|), for
/// each sample. With F = a x0 - b x the ratio is a |c - u| / |F_u|; where F_u is 0 and the models
/// differ, w' = 1.
struct MagnitudeAware {
  double weight = 1;
  double decay = 8;
  Space space = Space::flow;

  /// Throws ArgumentError unless the weight is finite and the decay finite and not negative.
  void check() const {
    detail::check_weight("guide::MagnitudeAware", "weight", weight);
    if (!(decay >= 0 && std::isfinite(decay)))
      raise<ArgumentError>("guide::MagnitudeAware: decay = ", decay, ", must be finite, >= 0");
  }

  template <Scalar T>
  void operator()(const Pair<T>& p) const {
    const std::size_t n = p.size();
    const Mix f = direction(space, p.level);
    const auto norm = [&](const auto& of) {
      return std::sqrt(detail::total(n, [&](std::size_t i) { return of(i) * of(i); }));
    };
    const double gap = f.a * norm([&](std::size_t i) {
                         return static_cast<double>(p.c[i]) - static_cast<double>(p.u[i]);
                       });
    const double size = norm([&](std::size_t i) { return detail::in_space(f, p.u[i], p.x[i]); });
    const double damped = gap > 0 && decay > 0 ? std::exp(-decay * gap / size) : 1.0;
    const double w = 1 + (weight - 1) * damped;
    for (std::size_t i = 0; i < n; ++i) {
      const double c = static_cast<double>(p.c[i]), u = static_cast<double>(p.u[i]);
      p.c[i] = static_cast<T>(u + w * (c - u));
    }
  }
};

}  // namespace foglift::inline v0::guide
