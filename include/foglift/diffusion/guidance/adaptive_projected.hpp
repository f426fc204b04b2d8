#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foglift::inline v0::guide {

/// Adaptive projected guidance (Sadat et al. 2024, "Eliminating Oversaturation and Artifacts of
/// High Guidance Scales", algorithm 1), on x0 as published:
///   d = c - u, shortened to norm_limit;  d_par = <d, c> / |c|^2 c;
///   x0 = c + (weight - 1) (d - d_par + eta d_par).
/// eta = 1 without a limit is classifier-free guidance; eta = 0 drops the part that saturates. The
/// paper's (negative) momentum is WithMomentum.
struct AdaptiveProjected {
  double weight = 1;
  double eta = 0;
  double norm_limit = std::numeric_limits<double>::infinity();  ///< of one sample's difference

  /// Throws ArgumentError unless weight and eta are finite and the limit is positive.
  void check() const {
    detail::check_weight("guide::AdaptiveProjected", "weight", weight);
    detail::check_weight("guide::AdaptiveProjected", "eta", eta);
    if (!(norm_limit > 0))
      raise<ArgumentError>("guide::AdaptiveProjected: norm_limit = ", norm_limit,
                           ", must be positive");
  }

  template <Scalar T>
  void operator()(const Pair<T>& p) const {
    const auto c = [&](std::size_t i) { return static_cast<double>(p.c[i]); };
    const auto d = [&](std::size_t i) { return c(i) - static_cast<double>(p.u[i]); };
    const std::size_t n = p.size();
    const double norm = std::sqrt(detail::total(n, [&](std::size_t i) { return d(i) * d(i); }));
    const double shorten = norm > norm_limit ? norm_limit / norm : 1;
    const double along =
        detail::quotient(detail::total(n, [&](std::size_t i) { return d(i) * c(i); }),
                         detail::total(n, [&](std::size_t i) { return c(i) * c(i); }));
    const double across = (weight - 1) * shorten, on_c = across * (eta - 1) * along;
    for (std::size_t i = 0; i < n; ++i) p.c[i] = static_cast<T>(c(i) + across * d(i) + on_c * c(i));
  }
};

}  // namespace foglift::inline v0::guide
