#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/attention/softmax.hpp"

namespace foglift::inline v0 {
namespace detail {

/// row(n, out, in...) on every row of the last axis of tensors of one shape.
template <Scalar T, class F, class... X>
Tensor<T> map_rows(const char* op, const F& row, const Tensor<T>& x, const X&... more) {
  if (x.rank() < 1) raise<ShapeError>(op, ": a scalar input, needed is [..., n]");
  auto y = Tensor<T>::uninitialized(x.shape());
  const Index n = x.dim(-1), rows = x.shape().size(0, x.rank() - 1);
  kernels::for_rows(rows, n, [&](Index r) {
    row(n, y.data() + r * n, x.data() + r * n, (more.data() + r * n)...);
  });
  return y;
}

/// value(n, x, y) on every row, and for Vars its adjoint backward(n, y, dy, dx), whose dx may be y.
template <Scalar T, class F, class B>
Tensor<T> by_rows(const char* op, const Tensor<T>& x, F value, B) {
  return map_rows(op, [value](Index n, T* y, const T* v) { value(n, v, y); }, x);
}
template <Scalar T, class F, class B>
Var<T> by_rows(const char* op, const Var<T>& x, F value, B backward) {
  return x.tape().record(by_rows(op, x.value(), value, backward), {x},
                         [op, x, value, backward](const Tensor<T>& dy, const auto& grad) {
                           const auto row = [=](Index n, T* dx, const T* v, const T* d) {
                             value(n, v, dx);
                             backward(n, dx, d, dx);
                           };
                           grad(x, map_rows(op, row, x.value(), dy));
                         });
}

}  // namespace detail

/// e^x / sum(e^x) over the last axis, without overflow. A row of -infinity alone gives zeros.
template <Value X>
X softmax(const X& x) {
  using T = scalar_of<X>;
  return detail::by_rows("softmax", x, kernels::softmax_row<T>, kernels::softmax_row_backward<T>);
}

/// x - log(sum(e^x)) over the last axis, without overflow. A row of -infinity alone stays so.
template <Value X>
X log_softmax(const X& x) {
  using T = scalar_of<X>;
  return detail::by_rows("log_softmax", x, kernels::log_softmax_row<T>,
                         kernels::log_softmax_row_backward<T>);
}

#define FOGLIFT_OPS_SOFTMAX(linkage, X) \
  linkage X softmax(const X&);          \
  linkage X log_softmax(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_SOFTMAX, extern template);

}  // namespace foglift::inline v0
