#pragma once

#include "foglift/autograd/ops/pointwise.hpp"

namespace foglift::inline v0 {

// Activations of a Tensor or Var of any shape, element by element.

/// x / (1 + e^-x), also called swish (Hendrycks & Gimpel 2016; Ramachandran et al. 2017).
Value auto silu(const Value auto& x) { return detail::apply<kernels::Silu>(x); }

/// x P(z < x) for standard normal z, the exact form by erf (Hendrycks & Gimpel 2016).
Value auto gelu(const Value auto& x) { return detail::apply<kernels::Gelu>(x); }

/// The tanh approximation of gelu: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
Value auto gelu_tanh(const Value auto& x) { return detail::apply<kernels::GeluTanh>(x); }

Value auto tanh(const Value auto& x) { return detail::apply<kernels::Tanh>(x); }

/// 1 / (1 + e^-x).
Value auto sigmoid(const Value auto& x) { return detail::apply<kernels::Sigmoid>(x); }

/// log(1 + e^x), without overflow.
Value auto softplus(const Value auto& x) { return detail::apply<kernels::Softplus>(x); }

/// max(x, 0), with derivative 0 at 0.
Value auto relu(const Value auto& x) { return detail::apply<kernels::Relu>(x); }

#define FOGLIFT_OPS_ACTIVATION(linkage, X)              \
  linkage X detail::apply<kernels::Silu>(const X&);     \
  linkage X detail::apply<kernels::Gelu>(const X&);     \
  linkage X detail::apply<kernels::GeluTanh>(const X&); \
  linkage X detail::apply<kernels::Tanh>(const X&);     \
  linkage X detail::apply<kernels::Sigmoid>(const X&);  \
  linkage X detail::apply<kernels::Softplus>(const X&); \
  linkage X detail::apply<kernels::Relu>(const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ACTIVATION, extern template);

}  // namespace foglift::inline v0
