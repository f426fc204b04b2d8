#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/points.hpp"

#include <cmath>

namespace foglift::inline v0 {

struct PointOptions {
  /// -1 and 1 are the centres of the outermost cells, not their outer edges.
  bool align_corners = false;
  Outside outside = Outside::zero;
};

namespace detail {

template <Scalar T>
kernels::PointGeometry point_geometry(const Tensor<T>& x, const Tensor<T>& points,
                                      const PointOptions& o) {
  if (x.rank() != 4) raise<ShapeError>("sample_points: grid ", x.shape(), ", needed [B, H, W, C]");
  if (points.rank() != 3 || points.dim(0) != x.dim(0) || points.dim(2) != 2)
    raise<ShapeError>("sample_points: points ", points.shape(), " in a grid ", x.shape(),
                      ", needed are [", x.dim(0), ", points, 2]");
  if (x.dim(1) == 0 || x.dim(2) == 0)
    raise<ShapeError>("sample_points: the grid ", x.shape(), " has no cells");
  return {x.dim(0), x.dim(1), x.dim(2), x.dim(3), points.dim(1), o.align_corners, o.outside};
}

}  // namespace detail

/// x [B, H, W, C] read at points [B, P, 2], bilinear between cell centres -> [B, P, C]. A point is
/// (x, y): -1 is the left or upper end of the grid and 1 the right or lower end, as in PyTorch's
/// grid_sample with padding_mode "zeros" or "border". Gradients go to both; at a cell's centre,
/// where the result has a kink, the derivative in the point is that of the following cell. Throws
/// ShapeError where the shapes do not fit or the grid has no cells, ArgumentError for a point that
/// is not finite.
template <Scalar T>
Tensor<T> sample_points(const Tensor<T>& x, const Tensor<T>& points,
                        const PointOptions& options = {}) {
  const auto g = detail::point_geometry(x, points, options);
  for (Index i = 0; i < points.size(); ++i)
    if (!std::isfinite(points[i]))
      raise<ArgumentError>("sample_points: point ", i / 2 % g.P, " of sample ", i / (2 * g.P),
                           " is not finite");
  auto y = Tensor<T>::uninitialized({g.B, g.P, g.C});
  kernels::sample_points(g, x.data(), points.data(), y.data());
  return y;
}
template <Scalar T>
Var<T> sample_points(const Var<T>& x, const Var<T>& points, const PointOptions& options = {}) {
  return x.tape().record(
      sample_points(x.value(), points.value(), options), {x, points},
      [x, points, options](const Tensor<T>& dy, const auto& grad) {
        const auto g = detail::point_geometry(x.value(), points.value(), options);
        if (grad.needs(x)) {
          Tensor<T> dx(x.shape());
          kernels::sample_points_backward_grid(g, points.value().data(), dy.data(), dx.data());
          grad(x, std::move(dx));
        }
        if (grad.needs(points)) {
          auto d = Tensor<T>::uninitialized(points.shape());
          kernels::sample_points_backward_points(g, x.value().data(), points.value().data(),
                                                 dy.data(), d.data());
          grad(points, std::move(d));
        }
      });
}

}  // namespace foglift::inline v0
