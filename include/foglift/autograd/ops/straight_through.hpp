#pragma once

#include "foglift/autograd/value.hpp"

namespace foglift::inline v0 {

/// `hard`, with the gradient of its output given to `x` as it is: the straight-through estimator
/// for a rounding, a sampling or a nearest code of x (Bengio et al. 2013). Throws ShapeError if the
/// shapes differ.
///
///   Tensor<float> hard = value_of(h);
///   for (float& v : hard) v = std::round(v);
///   auto y = straight_through(h, hard);
template <Scalar T>
Tensor<T> straight_through(const Tensor<T>& x, Tensor<T> hard) {
  if (hard.shape() != x.shape())
    raise<ShapeError>("straight_through: ", hard.shape(), " in place of ", x.shape());
  return hard;
}
template <Scalar T>
Var<T> straight_through(const Var<T>& x, Tensor<T> hard) {
  return x.tape().record(straight_through(x.value(), std::move(hard)), {x},
                         [x](const Tensor<T>& dy, const auto& grad) { grad(x, dy); });
}

}  // namespace foglift::inline v0
