#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::test {

/// A denoiser that always says the same.
template <Scalar T>
struct Says {
  Tensor<T> x0;
  Tensor<T> operator()(const Tensor<T>&, const Levels&) const { return x0; }
  Var<T> operator()(const Var<T>& x, const Levels&) const { return x.tape().constant(x0); }
};

/// Levels at both ends, variance preserving, exploding and on a straight path.
inline const std::vector<Level> all_levels{{1, 0, 1},     {0.9, 0.1, 0.99}, {0.5, 0.6, 0.8},
                                           {0.5, 1, 3},   {0.3, 0.7, 0.3},  {0.1, 1, 0.1},
                                           {1, 0.001, 7}, {0, 1, 0}};

template <Scalar T>
bool finite(const Tensor<T>& x) {
  return std::all_of(x.begin(), x.end(), [](T v) { return std::isfinite(v); });
}

template <Scalar A, Scalar B>
double distance(const Tensor<A>& a, const Tensor<B>& b) {
  double worst = a.shape() == b.shape() ? 0 : INFINITY;
  for (Index i = 0; i < std::min(a.size(), b.size()); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

/// A sample's bits do not depend on its batch: all of x at once, and each row alone. `make(b)` is
/// the denoiser for sample b alone, make(-1) for all.
template <class Make, Scalar T>
void check_rows(const Make& make, const Tensor<T>& x, const Level& level) {
  const auto all = make(Index{-1})(x, level);
  for (Index b = 0; b < x.dim(0); ++b) CHECK(make(b)(x.rows(b, 1), level) == all.rows(b, 1));
}

}  // namespace foglift::test
