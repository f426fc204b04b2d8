#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/nn/module.hpp"

#include <algorithm>

namespace foglift::inline v0::nn {

/// Zeros around the spatial axes of x [B, ..., channels], as TensorFlow's "SAME" puts them: so many
/// that a convolution without padding of its own gives ceil(n / stride) positions, and where their
/// number is odd, one more at the end than in front. Halving an even extent with a kernel of 3 has
/// one zero, at the end.
template <Value X>
X padded_same(X x, Index kernel, Index stride) {
  for (int axis = 1; axis + 1 < value_of(x).rank(); ++axis) {
    const Index n = x.dim(axis), positions = (n + stride - 1) / stride;
    const Index zeros = std::max<Index>(0, (positions - 1) * stride + kernel - n);
    const auto widened = [&](Index count, bool front) {
      if (count == 0) return;
      const X rest = constant(Tensor<scalar_of<X>>(value_of(x).shape().with(axis, count)), x);
      x = front ? concat({rest, x}, axis) : concat({x, rest}, axis);
    };
    widened(zeros / 2, true);
    widened(zeros - zeros / 2, false);
  }
  return x;
}

}  // namespace foglift::inline v0::nn
