#pragma once

#include "foglift/core/tensor.hpp"

#include <numbers>

inline constexpr double tau = 2 * std::numbers::pi;

/// f(x, y) on the points of a periodic square of side tau: [n, n, 1], rows along y.
template <class F>
foglift::Tensor<double> field(foglift::Index n, const F& f) {
  foglift::Tensor<double> u({n, n, 1});
  for (foglift::Index y = 0; y < n; ++y)
    for (foglift::Index x = 0; x < n; ++x)
      u(y, x, 0) = f(tau * static_cast<double>(x) / static_cast<double>(n),
                     tau * static_cast<double>(y) / static_cast<double>(n));
  return u;
}
