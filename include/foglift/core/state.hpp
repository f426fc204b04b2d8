#pragma once

#include "foglift/core/tensor.hpp"

#include <concepts>
#include <utility>

namespace foglift::inline v0 {

/// How an array type of another library stands for a tensor: a specialization has
///   using scalar = float or double;
///   static Tensor<scalar> to_tensor(const X& x);      // first axis = batch, row-major
///   static X from_tensor(const Tensor<scalar>& x);    // throws ShapeError if the rank does not
///   fit
/// interop/eigen.hpp, eigen_tensor.hpp and xtensor.hpp specialize it for their libraries; a
/// program may do so for its own type, and is then served by every entry that takes a State.
template <class X>
struct StateTraits;

template <Scalar T>
struct StateTraits<Tensor<T>> {
  using scalar = T;
  static Tensor<T> to_tensor(Tensor<T> x) { return x; }
  static Tensor<T> from_tensor(Tensor<T> x) { return x; }
};

/// A type that samplers take and return in place of a Tensor.
template <class X>
concept State = requires(const X& x, const Tensor<typename StateTraits<X>::scalar>& t) {
  requires Scalar<typename StateTraits<X>::scalar>;
  { StateTraits<X>::to_tensor(x) } -> std::same_as<Tensor<typename StateTraits<X>::scalar>>;
  { StateTraits<X>::from_tensor(t) } -> std::same_as<X>;
};

template <State X>
using state_scalar = typename StateTraits<X>::scalar;

template <State X>
Tensor<state_scalar<X>> to_tensor(X x) {
  return StateTraits<X>::to_tensor(std::move(x));
}
template <State X>
X from_tensor(Tensor<state_scalar<X>> x) {
  return StateTraits<X>::from_tensor(std::move(x));
}

}  // namespace foglift::inline v0
