#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/kernels/pointwise/sinusoids.hpp"

namespace foglift::inline v0 {

struct SinusoidOptions {
  double scale = 1;
  double offset = 0;
  bool sines_first = false;
};

/// t [n] and frequencies [half] -> [n, 2 half]: cos((scale t + offset) f_i) for i < half, then sin,
/// or the sines first. Angles in double; no gradient goes through it.
template <Scalar T>
Tensor<T> sinusoids(const Tensor<T>& t, const Tensor<double>& frequencies,
                    const SinusoidOptions& options = {}) {
  const Index n = t.size(), half = frequencies.size();
  const Index cosines = options.sines_first ? half : 0;
  auto out = Tensor<T>::uninitialized({n, 2 * half});
  for (Index b = 0; b < n; ++b) {
    T* const row = out.data() + 2 * b * half;
    kernels::sinusoids(half, options.scale * static_cast<double>(t[b]) + options.offset,
                       frequencies.data(), row + cosines, row + half - cosines);
  }
  return out;
}

}  // namespace foglift::inline v0
