#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/kernels/graph/csr.hpp"

namespace foglift::inline v0 {

namespace detail {

/// A x along an axis with the matrix's pattern or that of its transpose.
template <Scalar T>
Tensor<T> csr_along(const kernels::CsrPattern& pattern, const T* values, const Tensor<T>& x,
                    int axis) {
  auto y = Tensor<T>::uninitialized(x.shape().with(axis, pattern.rows));
  kernels::csr_mix(pattern, values, outer_size(x.shape(), axis), x.dim(axis),
                   inner_size(x.shape(), axis), x.data(), y.data());
  return y;
}

template <Scalar T>
int csr_axis(const Csr<T>& a, const Shape& x, int axis) {
  const int at = checked_axis("sparse_mix", x, axis);
  if (x[at] != a.columns())
    raise<ShapeError>("sparse_mix: ", a.rows(), " x ", a.columns(), " times axis ", axis, " of ",
                      x);
  return at;
}

template <Scalar T>
void check_csr_values(const Csr<T>& a, const Shape& values) {
  if (values != Shape{a.size()})
    raise<ShapeError>("sparse_mix: values ", values, " for a matrix of ", a.size(), " entries");
}

}  // namespace detail

/// y[..., i, ...] = sum_j A[i, j] x[..., j, ...] along an axis (negative: counted from the last),
/// which goes from A.columns() to A.rows(): one hop over a graph, or a fixed linear map with few
/// entries. x [B, N, C] at axis 1 mixes nodes, x [B, L, N, C] at axis 2 nodes at every time. Throws
/// ShapeError if the axis does not fit, ArgumentError outside the rank.
template <Scalar T>
Tensor<T> sparse_mix(const Csr<T>& a, const Tensor<T>& x, int axis) {
  return detail::csr_along(a.pattern(), a.values().data(), x, detail::csr_axis(a, x.shape(), axis));
}
template <Scalar T>
Var<T> sparse_mix(const Csr<T>& a, const Var<T>& x, int axis) {
  const int at = detail::csr_axis(a, x.shape(), axis);
  return x.tape().record(sparse_mix(a, x.value(), at), {x},
                         [a, x, at](const Tensor<T>& dy, const auto& grad) {
                           grad(x, detail::csr_along(a.transposed(), a.values().data(), dy, at));
                         });
}

/// The same with values [A.size()] in place of A's own, in the order of A.values(): of A only the
/// pattern counts. Throws ShapeError for another number of them.
template <Scalar T>
Tensor<T> sparse_mix(const Csr<T>& a, const Tensor<T>& values, const Tensor<T>& x, int axis) {
  detail::check_csr_values(a, values.shape());
  return detail::csr_along(a.pattern(), values.data(), x, detail::csr_axis(a, x.shape(), axis));
}
template <Scalar T>
Var<T> sparse_mix(const Csr<T>& a, const Var<T>& values, const Var<T>& x, int axis) {
  const int at = detail::csr_axis(a, x.shape(), axis);
  return x.tape().record(
      sparse_mix(a, values.value(), x.value(), at), {values, x},
      [a, values, x, at](const Tensor<T>& dy, const auto& grad) {
        if (grad.needs(x))
          grad(x, detail::csr_along(a.transposed(), values.value().data(), dy, at));
        if (!grad.needs(values)) return;
        auto d = Tensor<T>::uninitialized(values.shape());
        kernels::csr_value_gradient(a.pattern(), detail::outer_size(x.shape(), at), x.dim(at),
                                    detail::inner_size(x.shape(), at), x.value().data(), dy.data(),
                                    d.data());
        grad(values, std::move(d));
      });
}

}  // namespace foglift::inline v0
