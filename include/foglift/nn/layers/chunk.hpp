#pragma once

#include "foglift/autograd/ops/shape_ops.hpp"

namespace foglift::inline v0::nn {

/// The i-th of n equal parts of the last axis: x [..., n * C] -> [..., C].
template <Value X>
X chunk(const X& x, Index i, Index n) {
  const Index width = x.dim(-1) / n;
  return slice(x, x.rank() - 1, i * width, width);
}

/// A row for each sample, ready to broadcast over the axes between batch and channels of a value of
/// rank `rank`: s [B, C] -> [B, 1, ..., 1, C].
template <Value X>
X per_sample(const X& s, int rank) {
  if (rank == s.rank()) return s;
  return reshape(s, rank == 3 ? Shape{s.dim(0), 1, s.dim(1)} : Shape{s.dim(0), 1, 1, s.dim(1)});
}

/// The axes between batch and channels as one: x [B, ..., C] -> [B, N, C].
template <Value X>
X as_sequence(const X& x) {
  const Shape& s = value_of(x).shape();
  return reshape(x, {s[0], s.size(1, s.rank() - 1), s.dim(-1)});
}

/// A layer of sequences [B, N, C] along the third axis of x [A, B, N, C].
template <class Layer, Value X>
X along_third(const Layer& layer, const X& x) {
  const Shape s = value_of(x).shape();
  const X y = layer(reshape(x, {s[0] * s[1], s[2], s[3]}));
  return reshape(y, {s[0], s[1], y.dim(1), y.dim(2)});
}

}  // namespace foglift::inline v0::nn
