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

}  // namespace detail

/// e^x / sum(e^x) over the last axis, without overflow. A row of -infinity alone gives zeros.
template <Scalar T>
Tensor<T> softmax(const Tensor<T>& x) {
  return detail::map_rows(
      "softmax", [](Index n, T* y, const T* v) { kernels::softmax_row(n, v, y); }, x);
}
template <Scalar T>
Var<T> softmax(const Var<T>& x) {
  return x.tape().record(softmax(x.value()), {x}, [x](const Tensor<T>& dy, const auto& grad) {
    const auto row = [](Index n, T* dx, const T* v, const T* d) {
      kernels::softmax_row(n, v, dx);
      kernels::softmax_row_backward(n, dx, d, dx);
    };
    grad(x, detail::map_rows("softmax", row, x.value(), dy));
  });
}

/// x - log(sum(e^x)) over the last axis, without overflow. A row of -infinity alone stays so.
template <Scalar T>
Tensor<T> log_softmax(const Tensor<T>& x) {
  return detail::map_rows(
      "log_softmax", [](Index n, T* y, const T* v) { kernels::log_softmax_row(n, v, y); }, x);
}
template <Scalar T>
Var<T> log_softmax(const Var<T>& x) {
  return x.tape().record(log_softmax(x.value()), {x}, [x](const Tensor<T>& dy, const auto& grad) {
    const auto row = [](Index n, T* dx, const T* v, const T* d) {
      kernels::log_softmax_row(n, v, dx);
      kernels::log_softmax_row_backward(n, dx, d, dx);
    };
    grad(x, detail::map_rows("log_softmax", row, x.value(), dy));
  });
}

#ifdef FOGLIFT_COMPILED
#define FOGLIFT_OPS_SOFTMAX(linkage, X) \
  linkage X softmax(const X&);          \
  linkage X log_softmax(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_SOFTMAX, extern template);
#endif

}  // namespace foglift::inline v0
