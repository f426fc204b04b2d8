#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/kernels/gemm/gemm.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"

namespace foglift::inline v0 {

namespace detail {

/// Rows of x [..., in] for weight [in, out] and bias [out] or none.
template <Scalar T>
Index check_linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>* b) {
  if (w.rank() != 2)
    raise<ShapeError>("linear: weight ", w.shape(), " must have 2 axes, [in, out]");
  if (x.rank() < 1 || x.dim(-1) != w.dim(0))
    raise<ShapeError>("linear: input ", x.shape(), ", weight ", w.shape(), " expects [..., ",
                      w.dim(0), "]");
  if (b && (b->rank() != 1 || b->dim(0) != w.dim(1)))
    raise<ShapeError>("linear: bias ", b->shape(), ", weight ", w.shape(), " expects [", w.dim(1),
                      "]");
  return x.shape().size(0, x.rank() - 1);
}

template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>* b,
                 const kernels::GemmEpilogue<T>& epilogue = {}) {
  const Index rows = check_linear(x, w, b), in = w.dim(0), out = w.dim(1);
  auto y = Tensor<T>::uninitialized(x.shape().with(-1, out));
  kernels::gemm(rows, out, in, kernels::row_major(x.data(), in), kernels::row_major(w.data(), out),
                y.data(), out, {.bias = b ? b->data() : nullptr, .epilogue = epilogue});
  return y;
}

/// y = x w + b: dx = dy w^T, dw = x^T dy.
template <Scalar T>
void linear_backward(const Tensor<T>& dy, const Var<T>& x, const Var<T>& w,
                     const typename Tape<T>::Accumulator& grad) {
  const Index in = w.dim(0), out = w.dim(1), rows = dy.shape().size(0, dy.rank() - 1);
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
  kernels::column_sums(dy.shape().size(0, dy.rank() - 1), n, dy.data(), db.data());
  return db;
}

template <Scalar T>
Var<T> activated(const Var<T>& x, Activation f) {
  return f == Activation::silu ? silu(x) : f == Activation::gelu ? gelu(x) : x;
}

}  // namespace detail

/// y = f(x w + b) along the last axis: x [..., in], w [in, out], b [out] -> [..., out]. A Tensor
/// passes through the activation as it is stored.
/// Throws ShapeError where they do not fit.
template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b,
                 Activation f = Activation::none) {
  return detail::linear(x, w, &b, {.activation = f});
}
template <Scalar T>
Var<T> linear(const Var<T>& x, const Var<T>& w, const Var<T>& b, Activation f = Activation::none) {
  const Var<T> y = x.tape().record(detail::linear(x.value(), w.value(), &b.value()), {x, w, b},
                                   [x, w, b](const Tensor<T>& dy, const auto& grad) {
                                     detail::linear_backward(dy, x, w, grad);
                                     if (grad.needs(b)) grad(b, detail::bias_gradient(dy));
                                   });
  return detail::activated(y, f);
}

/// y = f(x w).
template <Scalar T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& w, Activation f = Activation::none) {
  return detail::linear<T>(x, w, nullptr, {.activation = f});
}
template <Scalar T>
Var<T> linear(const Var<T>& x, const Var<T>& w, Activation f = Activation::none) {
  const Var<T> y = x.tape().record(
      detail::linear<T>(x.value(), w.value(), nullptr), {x, w},
      [x, w](const Tensor<T>& dy, const auto& grad) { detail::linear_backward(dy, x, w, grad); });
  return detail::activated(y, f);
}

#define FOGLIFT_OPS_LINEAR(linkage, X)                        \
  linkage X linear(const X&, const X&, const X&, Activation); \
  linkage X linear(const X&, const X&, Activation)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_LINEAR, extern template);

}  // namespace foglift::inline v0
