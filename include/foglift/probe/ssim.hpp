#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/blur.hpp"
#include "foglift/autograd/ops/reduce.hpp"

namespace foglift::inline v0::probe {

struct SsimOptions {
  double range = 2;    ///< of values: 2 for [-1, 1]
  double sigma = 1.5;  ///< of the window, in pixels
};

/// Structural similarity of x and y [B, L, C] or [B, H, W, C], the mean over positions and channels
/// (Wang et al. 2004, eq. 13), 1 for the same images: means, variances and covariance are under a
/// Gaussian window, which at borders is what is left of it. x may be a Var: 1 - ssim(x, y) is a
/// loss (MDM, Pan et al. 2023). Throws ShapeError if the shapes differ, and as gaussian_blur.
template <Value X>
X ssim(const X& x, const Tensor<scalar_of<X>>& y, const SsimOptions& o = {}) {
  if (x.shape() != y.shape()) raise<ShapeError>("ssim: images ", x.shape(), " and ", y.shape());
  if (!(o.range > 0)) raise<ArgumentError>("ssim: range ", o.range, ", must be positive");
  const double c1 = 1e-4 * o.range * o.range, c2 = 9e-4 * o.range * o.range;
  const X target = constant(y, x);
  const X mx = gaussian_blur(x, o.sigma);
  const X my = constant(gaussian_blur(y, o.sigma), x);
  const X xy = gaussian_blur(x * target, o.sigma) - mx * my;
  const X xx = gaussian_blur(x * x, o.sigma) - mx * mx;
  const X yy = constant(gaussian_blur(y * y, o.sigma), x) - my * my;
  return mean((2 * (mx * my) + c1) * (2 * xy + c2) / ((mx * mx + my * my + c1) * (xx + yy + c2)));
}

}  // namespace foglift::inline v0::probe
