#pragma once

#include "foglift/autograd/tape.hpp"
#include "foglift/core/instances.hpp"

#include <type_traits>

namespace foglift::inline v0 {

namespace detail {
template <class X>
struct ValueTraits {
  static constexpr bool is_value = false;
};
template <class T>
struct ValueTraits<Tensor<T>> {
  static constexpr bool is_value = Scalar<T>, recorded = false;
};
template <class T>
struct ValueTraits<Var<T>> {
  static constexpr bool is_value = true, recorded = true;
};
}  // namespace detail

/// What layers are templated on: Tensor<T> (nothing is recorded) or Var<T> (recorded on a tape), T
/// being a Scalar.
template <class X>
concept Value = detail::ValueTraits<X>::is_value;

/// A Value that records.
template <class X>
concept Recorded = Value<X> && detail::ValueTraits<X>::recorded;

template <Value X>
using scalar_of = typename X::value_type;

/// A parameter as an operand beside `like`: its tensor, or its node on the tape of `like`.
template <Scalar T>
const Tensor<T>& use(const Parameter<T>& p, const Tensor<T>&) {
  return p.value;
}
template <Scalar T>
Var<T> use(const Parameter<T>& p, const Var<T>& like) {
  return like.tape().parameter(p);
}

/// Constant data as an operand beside `like`.
template <Scalar T>
Tensor<T> constant(Tensor<T> data, const Tensor<T>&) {
  return data;
}
template <Scalar T>
Var<T> constant(Tensor<T> data, const Var<T>& like) {
  return like.tape().constant(std::move(data));
}

/// The numbers behind a Value.
template <Scalar T>
const Tensor<T>& value_of(const Tensor<T>& x) {
  return x;
}
template <Scalar T>
const Tensor<T>& value_of(const Var<T>& x) {
  return x.value();
}

}  // namespace foglift::inline v0
