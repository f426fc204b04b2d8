#pragma once

#include "foglift/core/tensor.hpp"

#include <vector>

namespace foglift::inline v0::probe {

/// How much each token's output rests on each token of the input, through all layers (Abnar &
/// Zuidema 2020, section 4): the product, the last layer first, of (A + 1) / 2, A the mean over
/// heads of a layer's self-attention [B, heads, N, N] and 1 the way around it. layers are in the
/// order of the pass, as hooks::Record keeps their weights. Rows sum to 1: [B, N, N]. Throws
/// ShapeError without layers, and where they have not one shape.
template <Scalar T>
Tensor<double> attention_rollout(const std::vector<Tensor<T>>& layers) {
  if (layers.empty()) raise<ShapeError>("attention_rollout: no layers");
  const Shape& s = layers.front().shape();
  for (const auto& layer : layers)
    if (layer.shape() != s || s.rank() != 4 || s[2] != s[3])
      raise<ShapeError>("attention_rollout: weights ", layer.shape(), " after ", s,
                        ", needed one shape [B, heads, N, N]");
  const Index B = s[0], heads = s[1], N = s[2];
  Tensor<double> out({B, N, N});
  for (Index b = 0; b < B; ++b)
    for (Index i = 0; i < N; ++i) out(b, i, i) = 1;
  for (const auto& layer : layers) {
    const Tensor<double> before = out;
    out.fill(0);
    for (Index b = 0; b < B; ++b)
      for (Index i = 0; i < N; ++i)
        for (Index j = 0; j < N; ++j) {
          double a = i == j ? 0.5 : 0;
          for (Index h = 0; h < heads; ++h)
            a += 0.5 * static_cast<double>(layer(b, h, i, j)) / static_cast<double>(heads);
          for (Index k = 0; k < N; ++k) out(b, i, k) += a * before(b, j, k);
        }
  }
  return out;
}

}  // namespace foglift::inline v0::probe
