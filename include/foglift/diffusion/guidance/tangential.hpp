#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::guide {

/// Tangential damping (Kwon et al. 2025, "TCFG"): the part of the unconditional output across the
/// leading right singular vector of the two rows [F_c; F_u] is dropped before F_u + w (F_c - F_u).
/// With F = a x0 - b x, d = c - u and M = F_c + F_u, the rows are rotated into M / sqrt(2) and a d
/// / sqrt(2), whose singular vectors are at the angle theta, tan(2 theta) = 2 a <M, d> / (|M|^2 -
/// a^2 |d|^2), and the x0 that is left is
///   u' = u + (cos theta + sin theta) / 2 (cos theta d - (sin theta / a) M),
/// in which sin theta / a is finite as a -> 0. No decomposition is made.
struct Tangential {
  double weight = 1;
  Space space = Space::eps;

  void check() const { detail::check_weight("guide::Tangential", "weight", weight); }

  template <Scalar T>
  void operator()(const Pair<T>& p) const {
    const std::size_t n = p.size();
    const Mix f = direction(space, p.level);
    const auto sum = [&](std::size_t i) {
      return detail::in_space(f, p.c[i], p.x[i]) + detail::in_space(f, p.u[i], p.x[i]);
    };
    const auto change = [&](std::size_t i) {
      return static_cast<double>(p.c[i]) - static_cast<double>(p.u[i]);
    };
    const double mm = detail::total(n, [&](std::size_t i) { return sum(i) * sum(i); });
    const double md = detail::total(n, [&](std::size_t i) { return sum(i) * change(i); });
    const double dd = detail::total(n, [&](std::size_t i) { return change(i) * change(i); });
    const Rotation r = rotation(f.a, mm, md, dd);
    const double half = 0.5 * (r.cosine + f.a * r.sine_over_a);
    for (std::size_t i = 0; i < n; ++i) {
      const double u =
          static_cast<double>(p.u[i]) + half * (r.cosine * change(i) - r.sine_over_a * sum(i));
      p.c[i] = static_cast<T>(u + weight * (static_cast<double>(p.c[i]) - u));
    }
  }

 private:
  struct Rotation {
    double cosine = 1, sine_over_a = 0;
  };
  static Rotation rotation(double a, double mm, double md, double dd) {
    const double twice_sine = 2 * a * md, twice_cosine = mm - a * a * dd;
    const double radius = std::hypot(twice_sine, twice_cosine);
    if (radius == 0) return {};  // equal singular values: no direction leads
    if (twice_cosine >= 0) {     // |theta| <= pi / 4
      const double cosine = std::sqrt(0.5 * (1 + twice_cosine / radius));
      return {cosine, md / (radius * cosine)};
    }
    const double sine = std::copysign(std::sqrt(0.5 * (1 - twice_cosine / radius)), md);
    return {0.5 * twice_sine / (radius * sine), sine / a};  // a^2 |d|^2 > |M|^2, so a is not 0
  }
};

}  // namespace foglift::inline v0::guide
