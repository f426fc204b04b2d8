#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/kernels/dct.hpp"

namespace foglift::inline v0 {

namespace detail {

template <Scalar T>
Tensor<T> dct_along(const Tensor<T>& x, int axis, bool inverse) {
  const int at = checked_axis(inverse ? "idct" : "dct", x.shape(), axis);
  auto y = Tensor<T>::uninitialized(x.shape());
  kernels::dct(outer_size(x.shape(), at), x.dim(at), inner_size(x.shape(), at), inverse, x.data(),
               y.data());
  return y;
}
template <Scalar T>
Var<T> dct_along(const Var<T>& x, int axis, bool inverse) {
  return x.tape().record(dct_along(x.value(), axis, inverse), {x},
                         [x, axis, inverse](const Tensor<T>& dy, const auto& grad) {
                           grad(x, dct_along(dy, axis, !inverse));  // the matrix is orthogonal
                         });
}

}  // namespace detail

/// The orthonormal discrete cosine transform (DCT-II; Ahmed et al. 1974) along an axis of n numbers
/// (negative: counted from the last): y_k = s_k sum_j x_j cos(pi (2 j + 1) k / (2 n)), s_0 =
/// sqrt(1 / n), else sqrt(2 / n). Lengths and inner products stay as they are. A product with an n
/// x n matrix: for the extents of images and windows, up to some hundreds. Throws ArgumentError
/// outside the rank.
template <Value X>
X dct(const X& x, int axis) {
  return detail::dct_along(x, axis, false);
}

/// Its inverse and transpose, the orthonormal DCT-III. Throws as dct.
template <Value X>
X idct(const X& x, int axis) {
  return detail::dct_along(x, axis, true);
}

}  // namespace foglift::inline v0
