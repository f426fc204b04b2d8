#pragma once

#include "foglift/autograd/value.hpp"

namespace foglift::inline v0 {

/// x as data: no gradient passes through it.
template <Scalar T>
Tensor<T> detach(const Tensor<T>& x) {
  return x;
}
template <Scalar T>
Var<T> detach(const Var<T>& x) {
  return x.tape().constant(x.value());
}

}  // namespace foglift::inline v0
