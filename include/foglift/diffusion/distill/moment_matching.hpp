#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/grid.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::distill {

/// A run of Euler's rule recorded on a tape, from x [B, ...] at grid.front(): gradients reach the
/// network through all of its steps, for losses of what a short sampler makes.
template <Scalar T, class D>
Var<T> run_on_tape(const D& denoise, Var<T> x, const TimeGrid& grid) {
  grid::check(grid);
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) {
    const double keep = grid[i + 1].sigma / grid[i].sigma;
    x = affine(keep, x, grid[i + 1].alpha - keep * grid[i].alpha, denoise(x, Levels(grid[i])));
  }
  return x;
}

namespace detail {
/// Sums of k(a_i, b_j), k = sum over widths of exp(-|a - b|^2 / (2 width^2)), for samples of n
/// elements, without i = j where b is a itself (`within`); and what they add to the gradient in a.
template <Scalar T>
double kernel_sum(const Tensor<T>& a, const Tensor<T>& b, bool within,
                  const std::vector<double>& widths, double by, Tensor<double>* gradient) {
  const Index n = a.row_size();
  double sum = 0;
  for (Index i = 0; i < a.dim(0); ++i)
    for (Index j = 0; j < b.dim(0); ++j) {
      if (within && i == j) continue;
      double square = 0, slope = 0;
      for (Index k = 0; k < n; ++k) {
        const double d = static_cast<double>(a[i * n + k]) - static_cast<double>(b[j * n + k]);
        square += d * d;
      }
      for (const double w : widths) {
        const double value = std::exp(-square / (2 * w * w));
        sum += value;
        slope -= value / (w * w);
      }
      if (!gradient) continue;
      for (Index k = 0; k < n; ++k)
        (*gradient)[i * n + k] +=
            by * slope * (static_cast<double>(a[i * n + k]) - static_cast<double>(b[j * n + k]));
    }
  return sum;
}
}  // namespace detail

/// The squared maximum mean discrepancy of samples x [n, ...] from data y [m, ...] (Gretton et al.
/// 2012, eq. 3, unbiased, so that it may be negative), with the sum of Gaussian kernels of these
/// widths, of shape [] and differentiable in x: fine-tuning a short sampler by the moments of what
/// it makes (MMD-DDM, Aiello et al. 2024), of x and y themselves or of features of both. O((n +
/// m)^2) kernels. Throws ShapeError for samples of two sizes or fewer than two, ArgumentError for a
/// width that is not positive.
///
///   const Var<float> made = distill::run_on_tape(denoise.of(net), tape.constant(noise), grid);
///   const Var<float> loss = distill::mmd2(made, x0, {0.5, 1, 2});
template <Value X>
X mmd2(const X& x, const Tensor<scalar_of<X>>& y, const std::vector<double>& widths = {0.5, 1, 2}) {
  using T = scalar_of<X>;
  if (x.rank() < 1 || y.rank() < 1 || x.dim(0) < 2 || y.dim(0) < 2 ||
      value_of(x).row_size() != y.row_size())
    raise<ShapeError>("mmd2: samples ", x.shape(), " and data ", y.shape(),
                      ", needed two of each or more, of one size");
  for (const double w : widths) foglift::detail::positive(w, "mmd2: width");
  const auto n = static_cast<double>(x.dim(0)), m = static_cast<double>(y.dim(0));
  const double within = 1 / (n * (n - 1)), between = -2 / (n * m);
  Tensor<double> slope(x.shape());
  Tensor<double>* const to = Recorded<X> ? &slope : nullptr;
  const Tensor<T>& v = value_of(x);
  const double value = within * detail::kernel_sum(v, v, true, widths, 2 * within, to) +
                       between * detail::kernel_sum(v, y, false, widths, between, to) +
                       detail::kernel_sum(y, y, true, widths, 0, nullptr) / (m * (m - 1));
  Tensor<T> out(Shape{}, static_cast<T>(value));
  if constexpr (Recorded<X>)
    return x.tape().record(std::move(out), {x},
                           [x, slope = std::move(slope)](const Tensor<T>& dy, const auto& grad) {
                             grad(x, mul(slope, static_cast<double>(dy.item())).template cast<T>());
                           });
  else
    return out;
}

}  // namespace foglift::inline v0::distill
