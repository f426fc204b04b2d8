#pragma once

#include "foglift/autograd/ops/blur.hpp"
#include "foglift/diffusion/guidance/guidance.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

struct SelfAttentionOptions {
  double scale = 0.75;  ///< 0 is off
  double blur = 1;      ///< deviation of the Gaussian that blurs x0, in positions
};

/// Self-attention guidance, SAG (Hong et al. 2023, algorithm 1): x0 is blurred where the network
/// attends (mask = 1), noised again with the noise predicted, and the prediction for that is led
/// away from, eps + scale (eps(x) - eps(x~)). The two eps belong to different states, so in x0 the
/// rule is not x0 + scale (x0 - x0~) but, with the blurred b = x0 + mask (blur(x0) - x0),
///   x~ = x + alpha (b - x0),  x0 + scale (b - denoise(x~)),
/// finite at both ends. For states [B, L, C] or [B, H, W, C].
///
/// mask(x0) -> Tensor, shape of x0, is asked right after the denoiser, so that it may be made of
/// what a hook was shown in that call: see attention_mask.
template <class Mask>
class SelfAttention {
 public:
  using Options = SelfAttentionOptions;

  /// Throws ArgumentError unless scale is finite and blur positive.
  explicit SelfAttention(Mask mask, Options options = {})
      : mask_(std::move(mask)), options_(options) {
    if (!(std::isfinite(options_.scale) && options_.blur > 0))
      raise<ArgumentError>("guide::SelfAttention: scale = ", options_.scale,
                           ", blur = ", options_.blur, ", needed a finite scale and blur > 0");
  }

  template <class D, Scalar T, class L>
    requires Answers<D, Tensor<T>, L>
  Tensor<T> apply(const D& denoise, const Tensor<T>& x, const L& levels) const {
    Tensor<T> x0 = ask(denoise, x, levels);
    if (options_.scale == 0) return x0;
    const Tensor<T> mask = mask_(std::as_const(x0));
    foglift::detail::check_same_shape(mask, x0, "guide::SelfAttention: mask");
    Tensor<T> change = gaussian_blur(x0, options_.blur);  // b - x0
    for (Index i = 0; i < x0.size(); ++i) change[i] = mask[i] * (change[i] - x0[i]);
    const Tensor<T> degraded = affine(x, change, Levels(levels), "guide::SelfAttention",
                                      [](const Level& l) { return Mix{1, l.alpha}; });
    const Tensor<T> away = ask(denoise, degraded, levels);
    const double s = options_.scale;
    return affine(1, affine(1 + s, std::move(x0), s, change), -s, away);
  }

 private:
  Mask mask_;
  Options options_;
};

/// Where a network attends: of a self-attention map [B, heads, N, N] over the N positions of
/// `grid`, {length} or {height, width}, the keys whose weights, averaged over heads, sum over the
/// queries to more than `threshold` (1 is the average), as a mask of ones and zeros of the shape
/// `state`, [B, L, C] or [B, H, W, C], by nearest neighbours. Leading tokens beyond the grid are
/// left out. Throws ShapeError for shapes that do not fit.
template <Scalar T>
Tensor<T> attention_mask(const Tensor<T>& map, const Shape& grid, const Shape& state,
                         double threshold = 1) {
  if (map.rank() != 4 || map.dim(2) != map.dim(3) || map.dim(3) < grid.size() ||
      state.rank() != grid.rank() + 2 || state[0] != map.dim(0) || grid.rank() < 1 ||
      grid.rank() > 2 || grid.size() == 0)
    raise<ShapeError>("attention_mask: map ", map.shape(), ", grid ", grid, ", state ", state,
                      "; needed [B, heads, N, N], {length} or {height, width}, and [B, extents, "
                      "C]");
  const Index B = state[0], heads = map.dim(1), N = map.dim(2), C = state.dim(-1);
  const Index lead = N - grid.size(), gw = grid[grid.rank() - 1], W = state[state.rank() - 2],
              gh = grid.size() / gw, H = grid.rank() == 1 ? 1 : state[1];
  Tensor<T> out(state);
  for (Index b = 0; b < B; ++b)
    for (Index key = 0; key < grid.size(); ++key) {
      double sum = 0;
      for (Index row = 0; row < heads * N; ++row)
        sum += static_cast<double>(map[(b * heads * N + row) * N + lead + key]);
      if (!(sum / static_cast<double>(heads) > threshold)) continue;
      for (Index y = 0; y < H; ++y)
        for (Index x = 0; x < W; ++x)
          if (y * gh / H == key / gw && x * gw / W == key % gw)
            for (Index c = 0; c < C; ++c) out[((b * H + y) * W + x) * C + c] = 1;
    }
  return out;
}

}  // namespace foglift::inline v0::guide
