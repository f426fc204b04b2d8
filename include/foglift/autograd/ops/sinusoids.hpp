#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/kernels/sinusoids.hpp"

namespace foglift {
inline namespace v0 {

/// t [n] and frequencies [half] -> [n, 2 half]: cos(scale t f_i) for i < half, then sin. Angles in
/// double; no gradient goes through it.
template <Scalar T>
Tensor<T> sinusoids(const Tensor<T>& t, const Tensor<double>& frequencies, double scale = 1) {
  const Index n = t.size(), half = frequencies.size();
  auto out = Tensor<T>::uninitialized({n, 2 * half});
  for (Index b = 0; b < n; ++b)
    kernels::sinusoids(half, scale * static_cast<double>(t[b]), frequencies.data(),
                       out.data() + 2 * b * half, out.data() + (2 * b + 1) * half);
  return out;
}

}  // namespace v0
}  // namespace foglift
