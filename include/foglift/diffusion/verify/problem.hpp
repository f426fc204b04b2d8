#pragma once

#include "foglift/diffusion/analytic/mixture.hpp"
#include "foglift/diffusion/grid.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::verify {

/// Which curve of (alpha, sigma) a grid lies on. Solvers that see levels alone are the same on all
/// of them.
enum class Family { variance_preserving, variance_exploding, flow };

/// How the levels of a grid are spaced: lambda in equal steps, or sigma / alpha to the power 1/7
/// (Karras et al. 2022, eq. 5).
enum class Spacing { log_snr, karras };

/// The level of a family at noise-to-signal ratio s > 0.
inline Level level(Family family, double s) {
  const double t = s / (1 + s);
  if (family == Family::variance_exploding) return {t, 1, s};
  const double norm = family == Family::flow ? 1 + s : std::hypot(1.0, s);
  return {t, 1 / norm, s / norm};
}

/// `steps` steps from ratio `max` down to `min`, both included.
inline TimeGrid time_grid(Family family, Spacing spacing, Index steps, double max, double min) {
  const double rho = 7, first = std::pow(max, 1 / rho), last = std::pow(min, 1 / rho);
  TimeGrid out;
  for (Index i = 0; i <= steps; ++i) {
    const double u = static_cast<double>(i) / static_cast<double>(steps);
    const double s = spacing == Spacing::karras
                         ? std::pow(first + u * (last - first), rho)
                         : std::exp(std::log(max) + u * (std::log(min) - std::log(max)));
    out.push_back(level(family, s));
  }
  grid::check(out);
  return out;
}

/// The probability-flow ODE of a denoiser between two levels, by the classical Runge-Kutta rule on
/// dz/dlambda = x0 - z, z = x / alpha, in steps of at most 1/1000 in lambda: a global error of some
/// 1e-12 where the denoiser's derivatives are of order 1. x [B, ...].
template <class D>
Tensor<double> exact_flow(const D& denoise, Tensor<double> x, const Level& from, const Level& to) {
  const double span = to.lambda() - from.lambda();
  const auto steps = std::max<Index>(1, static_cast<Index>(std::ceil(1000 * std::abs(span))));
  const double h = span / static_cast<double>(steps);
  const auto slope = [&](double lambda, const Tensor<double>& z) {
    const double s = std::exp(-lambda);
    const Level l{s / (1 + s), 1, s};
    return affine(1, Tensor<double>(denoise(z, l)), -1, z);
  };
  Tensor<double> z = affine(1 / from.alpha, x, 0, x);
  for (Index i = 0; i < steps; ++i) {
    const double at = from.lambda() + h * static_cast<double>(i);
    const auto k1 = slope(at, z), k2 = slope(at + h / 2, affine(1, z, h / 2, k1)),
               k3 = slope(at + h / 2, affine(1, z, h / 2, k2)),
               k4 = slope(at + h, affine(1, z, h, k3));
    z = affine(1, affine(1, std::move(z), h / 6, k1, h / 3, k2), h / 3, k3, h / 6, k4);
  }
  return affine(to.alpha, z, 0, z);
}

}  // namespace foglift::inline v0::verify
