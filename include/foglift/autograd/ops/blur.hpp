#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0 {

namespace detail {

/// Rows of weights exp(-(i - j)^2 / (2 sigma^2)) over an axis of n, each of sum 1.
template <Scalar T>
Tensor<T> gaussian_weights(Index n, double sigma) {
  auto weights = Tensor<T>::uninitialized({n, n});
  const auto at = [&](Index i, Index j) {
    const double d = static_cast<double>(i - j) / sigma;
    return std::exp(-0.5 * d * d);
  };
  for (Index i = 0; i < n; ++i) {
    double sum = 0;
    for (Index j = 0; j < n; ++j) sum += at(i, j);
    for (Index j = 0; j < n; ++j) weights[i * n + j] = static_cast<T>(at(i, j) / sum);
  }
  return weights;
}

/// y_i = sum_j w_ij x_j along an axis, or with `transposed` sum_j w_ji x_j.
template <Scalar T>
Tensor<T> mix_along(const Tensor<T>& x, int axis, const Tensor<T>& w, bool transposed) {
  const Index n = x.dim(axis), inner = x.shape().size(axis + 1, x.rank()),
              outer = x.shape().size(0, axis);
  Tensor<T> y(x.shape());
  parallel_for(outer * n, 1 + 16384 / std::max<Index>(n * inner, 1), [&](Index row) {
    const Index i = row % n;
    const T* from = x.data() + (row - i) * inner;
    T* to = y.data() + row * inner;
    for (Index j = 0; j < n; ++j) {
      const T weight = transposed ? w[j * n + i] : w[i * n + j];
      for (Index k = 0; k < inner; ++k) to[k] += weight * from[j * inner + k];
    }
  });
  return y;
}

/// Blurs the axes between batch and channels one after the other.
template <Scalar T>
Tensor<T> blur_axes(Tensor<T> x, double sigma, bool transposed) {
  if (x.rank() != 3 && x.rank() != 4)
    raise<ShapeError>("gaussian_blur: input ", x.shape(), ", needed is [B, L, C] or [B, H, W, C]");
  if (!(sigma > 0)) raise<ArgumentError>("gaussian_blur: sigma = ", sigma, ", must be positive");
  for (int axis = 1; axis + 1 < x.rank(); ++axis)
    x = mix_along(x, axis, gaussian_weights<T>(x.dim(axis), sigma), transposed);
  return x;
}

}  // namespace detail

/// x [B, L, C] or [B, H, W, C] averaged over positions with Gaussian weights of deviation sigma,
/// in positions, which sum to 1 also at the borders; sigma = inf is the mean over all positions.
/// Work grows with the square of each extent. Throws ShapeError for another rank, ArgumentError
/// unless sigma > 0.
template <Scalar T>
Tensor<T> gaussian_blur(const Tensor<T>& x, double sigma) {
  return detail::blur_axes(x, sigma, false);
}
template <Scalar T>
Var<T> gaussian_blur(const Var<T>& x, double sigma) {
  return x.tape().record(gaussian_blur(x.value(), sigma), {x},
                         [x, sigma](const Tensor<T>& dy, const auto& grad) {
                           grad(x, detail::blur_axes(dy, sigma, true));
                         });
}

#define FOGLIFT_OPS_BLUR(linkage, X) linkage X gaussian_blur(const X&, double)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_BLUR, extern template);

}  // namespace foglift::inline v0
