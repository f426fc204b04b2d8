#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/pointwise/broadcast.hpp"

namespace foglift::inline v0::detail {

// What the operations that work element by element are made of.

/// y = f(x...) for tensors of one shape; f maps Lanes.
template <Scalar T, class F, class... X>
Tensor<T> map(const F& f, const Tensor<T>& x, const X&... more) {
  auto y = Tensor<T>::uninitialized(x.shape());
  kernels::map_parallel(x.size(), y.data(), f, x.data(), more.data()...);
  return y;
}

/// F::value(x) for a function with value and slope (kernels/pointwise/functions.hpp).
template <class F, Scalar T>
Tensor<T> apply(const Tensor<T>& x) {
  auto y = Tensor<T>::uninitialized(x.shape());
  kernels::apply<F>(x.size(), x.data(), y.data());
  return y;
}
template <class F, Scalar T>
Var<T> apply(const Var<T>& x) {
  return x.tape().record(apply<F>(x.value()), {x}, [x](const Tensor<T>& dy, const auto& grad) {
    auto dx = Tensor<T>::uninitialized(dy.shape());
    kernels::apply_backward<F>(dy.size(), x.value().data(), dy.data(), dx.data());
    grad(x, std::move(dx));
  });
}

/// f(a, b) with broadcasting. Throws ShapeError, naming `op`, if the shapes do not broadcast.
template <Scalar T, class F>
Tensor<T> broadcast(const char* op, const Tensor<T>& a, const Tensor<T>& b, const F& f) {
  const Shape out = kernels::broadcast_shape(op, a.shape(), b.shape());
  auto y = Tensor<T>::uninitialized(out);
  kernels::broadcast(out, a.data(), a.shape(), b.data(), b.shape(), y.data(), f);
  return y;
}

/// The adjoint of broadcasting x to dy's shape.
template <Scalar T>
Tensor<T> sum_to(Tensor<T> dy, const Shape& shape) {
  if (dy.shape() == shape) return dy;
  auto dx = Tensor<T>::uninitialized(shape);
  kernels::sum_to(dy.shape(), dy.data(), shape, dx.data());
  return dx;
}

}  // namespace foglift::inline v0::detail
