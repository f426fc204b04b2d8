#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/gemm.hpp"

namespace foglift {
inline namespace v0 {

namespace detail {

/// Rows of x [..., in] for weight [in, out] and bias [out] or none.
template <Scalar T>
Index check_linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>* b) {
  if (w.rank() != 2)
    raise<ShapeError>("linear: weight ", w.shape(), " must have 2 axes, [in, out]");
  if (x.rank() < 1 || x.dim(-1) != w.dim(0))
    raise<ShapeError>("linear: input ", x.shape(), ", weight ", w.shape(), " expects [..., ",
                      w.dim(0), "]");
  if (b && b->shape() != Shape{w.dim(1)})
    raise<ShapeError>("linear: bias ", b->shape(), ", weight ", w.shape(), " expects [", w.dim(1),
                      "]");
  return x.shape().slice(0, x.rank() - 1).size();
}

template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>* b) {
  const Index rows = check_linear(x, w, b), in = w.dim(0), out = w.dim(1);
  auto y = Tensor<T>::uninitialized(x.shape().with(-1, out));
  kernels::gemm(rows, out, in, kernels::row_major(x.data(), in), kernels::row_major(w.data(), out),
                y.data(), out, {.bias = b ? b->data() : nullptr});
  return y;
}

/// y = x w + b: dx = dy w^T, dw = x^T dy.
template <Scalar T>
void linear_backward(const Tensor<T>& dy, const Var<T>& x, const Var<T>& w,
                     const typename Tape<T>::Accumulator& grad) {
  const Index in = w.dim(0), out = w.dim(1), rows = dy.shape().slice(0, dy.rank() - 1).size();
  if (grad.needs(x)) {
    auto dx = Tensor<T>::uninitialized(x.shape());
    kernels::gemm(rows, in, out, kernels::row_major(dy.data(), out),
                  kernels::transposed(w.value().data(), out), dx.data(), in);
    grad(x, std::move(dx));
  }
  if (grad.needs(w)) {
    auto dw = Tensor<T>::uninitialized(w.shape());
    kernels::gemm(in, out, rows, kernels::transposed(x.value().data(), in),
                  kernels::row_major(dy.data(), out), dw.data(), out);
    grad(w, std::move(dw));
  }
}

/// The gradient of a bias [N] that was added to every row of the output.
template <Scalar T>
Tensor<T> bias_gradient(const Tensor<T>& dy) {
  const Index n = dy.dim(-1);
  auto db = Tensor<T>::uninitialized({n});
  kernels::column_sums(dy.shape().slice(0, dy.rank() - 1).size(), n, dy.data(), db.data());
  return db;
}

}  // namespace detail

/// y = x w + b along the last axis: x [..., in], w [in, out], b [out] -> [..., out].
/// Throws ShapeError where they do not fit.
template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
  return detail::linear(x, w, &b);
}
template <Scalar T>
Var<T> linear(const Var<T>& x, const Var<T>& w, const Var<T>& b) {
  return x.tape().record(linear(x.value(), w.value(), b.value()), {x, w, b},
                         [x, w, b](const Tensor<T>& dy, const auto& grad) {
                           detail::linear_backward(dy, x, w, grad);
                           if (grad.needs(b)) grad(b, detail::bias_gradient(dy));
                         });
}

/// y = x w.
template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w) {
  return detail::linear<T>(x, w, nullptr);
}
template <Scalar T>
Var<T> linear(const Var<T>& x, const Var<T>& w) {
  return x.tape().record(
      linear(x.value(), w.value()), {x, w},
      [x, w](const Tensor<T>& dy, const auto& grad) { detail::linear_backward(dy, x, w, grad); });
}

}  // namespace v0
}  // namespace foglift
