#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"

namespace foglift::inline v0 {
namespace detail {

/// The shape without one axis.
inline Shape without_axis(const Shape& s, int axis) {
  Shape kept = s.slice(0, s.rank() - 1);
  for (int i = axis; i + 1 < s.rank(); ++i) kept = kept.with(i, s[i + 1]);
  return kept;
}

template <Scalar T>
Tensor<T> scaled_sum(const Tensor<T>& x, double scale) {
  return Tensor<T>(Shape{}, static_cast<T>(scale * kernels::sum(x.size(), x.data())));
}
template <Scalar T>
Var<T> scaled_sum(const Var<T>& x, double scale) {
  return x.tape().record(scaled_sum(x.value(), scale), {x},
                         [x, scale](const Tensor<T>& dy, const auto& grad) {
                           const double slope = scale * static_cast<double>(dy.item());
                           grad(x, Tensor<T>(x.shape(), static_cast<T>(slope)));
                         });
}

template <Scalar T>
Tensor<T> scaled_sum(const Tensor<T>& x, int axis, double scale) {
  const Shape& s = x.shape();
  auto y = Tensor<T>::uninitialized(without_axis(s, axis));
  kernels::sum_axis(outer_size(s, axis), s[axis], inner_size(s, axis), x.data(), y.data(), scale);
  return y;
}
template <Scalar T>
Var<T> scaled_sum(const Var<T>& x, int axis, double scale) {
  return x.tape().record(scaled_sum(x.value(), axis, scale), {x},
                         [x, axis, scale](const Tensor<T>& dy, const auto& grad) {
                           const Shape& s = x.shape();
                           auto dx = Tensor<T>::uninitialized(s);
                           kernels::repeat_axis(outer_size(s, axis), s[axis], inner_size(s, axis),
                                                dy.data(), dx.data(), scale);
                           grad(x, std::move(dx));
                         });
}

inline double mean_scale(const Shape& shape, Index n) {
  if (n == 0) raise<ShapeError>("mean: over no elements of shape ", shape);
  return 1 / static_cast<double>(n);
}

}  // namespace detail

// Sums run in double and in an order that depends on the shape alone.

/// The sum of all elements, of shape [].
template <Value X>
X sum(const X& x) {
  return detail::scaled_sum(x, 1);
}

/// The mean of all elements, of shape []. Throws ShapeError if there are none.
template <Value X>
X mean(const X& x) {
  return detail::scaled_sum(x, detail::mean_scale(x.shape(), x.size()));
}

/// Sums over one axis (negative: counted from the last), which is removed. Throws ArgumentError
/// outside the rank.
template <Value X>
X sum(const X& x, int axis) {
  return detail::scaled_sum(x, detail::checked_axis("sum", x.shape(), axis), 1);
}

/// Means over one axis, which is removed. Throws ArgumentError outside the rank, ShapeError if the
/// axis is empty.
template <Value X>
X mean(const X& x, int axis) {
  const int a = detail::checked_axis("mean", x.shape(), axis);
  return detail::scaled_sum(x, a, detail::mean_scale(x.shape(), x.dim(a)));
}

#define FOGLIFT_OPS_REDUCE(linkage, X) \
  linkage X sum(const X&);             \
  linkage X mean(const X&);            \
  linkage X sum(const X&, int);        \
  linkage X mean(const X&, int)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_REDUCE, extern template);

}  // namespace foglift::inline v0
