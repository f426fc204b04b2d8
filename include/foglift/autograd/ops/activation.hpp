#pragma once

#include "foglift/autograd/ops/pointwise.hpp"

namespace foglift::inline v0 {

// Activations of a Tensor or Var of any shape, element by element.

/// x / (1 + e^-x), also called swish (Hendrycks & Gimpel 2016; Ramachandran et al. 2017).
template <Value X>
X silu(const X& x) {
  return detail::apply<kernels::Silu>(x);
}

/// x P(z < x) for standard normal z, the exact form by erf (Hendrycks & Gimpel 2016).
template <Value X>
X gelu(const X& x) {
  return detail::apply<kernels::Gelu>(x);
}

/// The tanh approximation of gelu: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
template <Value X>
X gelu_tanh(const X& x) {
  return detail::apply<kernels::GeluTanh>(x);
}

template <Value X>
X tanh(const X& x) {
  return detail::apply<kernels::Tanh>(x);
}

/// 1 / (1 + e^-x).
template <Value X>
X sigmoid(const X& x) {
  return detail::apply<kernels::Sigmoid>(x);
}

/// log(1 + e^x), without overflow.
template <Value X>
X softplus(const X& x) {
  return detail::apply<kernels::Softplus>(x);
}

/// max(x, 0), with derivative 0 at 0.
template <Value X>
X relu(const X& x) {
  return detail::apply<kernels::Relu>(x);
}

#ifdef FOGLIFT_COMPILED
#define FOGLIFT_OPS_ACTIVATION(linkage, X) \
  linkage X silu(const X&);                \
  linkage X gelu(const X&);                \
  linkage X gelu_tanh(const X&);           \
  linkage X tanh(const X&);                \
  linkage X sigmoid(const X&);             \
  linkage X softplus(const X&);            \
  linkage X relu(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ACTIVATION, extern template);
#endif

}  // namespace foglift::inline v0
