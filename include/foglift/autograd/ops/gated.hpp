#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

namespace foglift::inline v0 {
namespace detail {

/// y [..., n] = f(a, b) for x [..., 2 n] = [a | b] along the last axis.
template <Scalar T, class F>
Tensor<T> gated(const char* op, const Tensor<T>& x, const F& f) {
  if (x.rank() < 1 || x.dim(-1) % 2 != 0)
    raise<ShapeError>(op, ": input ", x.shape(), ", needed is [..., 2 n]");
  const Index n = x.dim(-1) / 2, rows = x.shape().size(0, x.rank() - 1);
  auto y = Tensor<T>::uninitialized(x.shape().with(-1, n));
  kernels::for_rows(rows, n, [&](Index r) {
    const T* a = x.data() + 2 * r * n;
    kernels::map(n, y.data() + r * n, f, a, a + n);
  });
  return y;
}

/// dx = [da(a, b, dy) | db(a, b, dy)].
template <Scalar T, class A, class B>
Tensor<T> gated_backward(const Tensor<T>& x, const Tensor<T>& dy, const A& da, const B& db) {
  auto dx = Tensor<T>::uninitialized(x.shape());
  const Index n = x.dim(-1) / 2, rows = x.shape().size(0, x.rank() - 1);
  kernels::for_rows(rows, n, [&](Index r) {
    const T *a = x.data() + 2 * r * n, *d = dy.data() + r * n;
    T* out = dx.data() + 2 * r * n;
    kernels::map(n, out, da, a, a + n, d);
    kernels::map(n, out + n, db, a, a + n, d);
  });
  return dx;
}

/// f(a) b for an activation f (kernels/pointwise/functions.hpp).
template <class F, Scalar T>
Tensor<T> activated_times(const char* op, const Tensor<T>& x) {
  return gated(op, x, [](auto a, auto b) { return F::value(a) * b; });
}
template <class F, Scalar T>
Var<T> activated_times(const char* op, const Var<T>& x) {
  return x.tape().record(
      activated_times<F>(op, x.value()), {x}, [x](const Tensor<T>& dy, const auto& grad) {
        const auto da = [](auto a, auto b, auto d) { return d * b * F::slope(a); };
        const auto db = [](auto a, auto, auto d) { return d * F::value(a); };
        grad(x, gated_backward(x.value(), dy, da, db));
      });
}

}  // namespace detail

// Gated units: x [..., 2 n] = [a | b] along the last axis gives [..., n]. They throw ShapeError if
// the last axis is odd.

/// a sigmoid(b) (Dauphin et al. 2017).
template <Scalar T>
Tensor<T> glu(const Tensor<T>& x) {
  return detail::gated("glu", x, [](auto a, auto b) { return a * kernels::Sigmoid::value(b); });
}
template <Scalar T>
Var<T> glu(const Var<T>& x) {
  return x.tape().record(glu(x.value()), {x}, [x](const Tensor<T>& dy, const auto& grad) {
    using kernels::Sigmoid;
    const auto da = [](auto, auto b, auto d) { return d * Sigmoid::value(b); };
    const auto db = [](auto a, auto b, auto d) { return d * a * Sigmoid::slope(b); };
    grad(x, detail::gated_backward(x.value(), dy, da, db));
  });
}

/// silu(a) b (Shazeer 2020).
template <Value X>
X swiglu(const X& x) {
  return detail::activated_times<kernels::Silu>("swiglu", x);
}

/// gelu(a) b (Shazeer 2020).
template <Value X>
X geglu(const X& x) {
  return detail::activated_times<kernels::Gelu>("geglu", x);
}

#define FOGLIFT_OPS_GATED(linkage, X) \
  linkage X glu(const X&);            \
  linkage X swiglu(const X&);         \
  linkage X geglu(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_GATED, extern template);

}  // namespace foglift::inline v0
