#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0 {

/// What stands outside of a grid that is read at points: zeros, or its nearest cell.
enum class Outside { zero, border };

namespace kernels {

/// x [B, H, W, C] at P points a sample, each (x, y) with -1 at the left or upper and 1 at the right
/// or lower end: of the outermost cells' centres where `align_corners`, else of their outer edges.
struct PointGeometry {
  Index B, H, W, C, P;
  bool align_corners = false;
  Outside outside = Outside::zero;
};

namespace detail {

/// A coordinate on an axis of n cells: between cells first and first + 1, with the share of the
/// second; slope is d(share) / d(coordinate), zero where the coordinate was moved to the border.
struct PointOnAxis {
  Index first;
  double share, slope;
};

inline PointOnAxis point_on_axis(double at, Index n, const PointGeometry& g) {
  const auto extent = static_cast<double>(n);
  double slope = (g.align_corners ? extent - 1 : extent) / 2;
  double cell = (at + 1) * slope - (g.align_corners ? 0 : 0.5);
  const double last = extent - 1;
  if (g.outside == Outside::border && (cell <= 0 || cell >= last)) slope = 0;
  // Two cells beyond the grid everything is zero: no further, where an Index could not go.
  cell = g.outside == Outside::border ? std::clamp(cell, 0.0, last)
                                      : std::clamp(cell, -2.0, extent + 1);
  const double first = std::floor(cell);
  return {static_cast<Index>(first), cell - first, slope};
}

/// f(offset of a cell, weight, d weight / d x, d weight / d y) for the up to four cells around a
/// point.
template <Scalar T, class F>
void for_corners(const PointGeometry& g, const T* point, const F& f) {
  const PointOnAxis x = point_on_axis(static_cast<double>(point[0]), g.W, g);
  const PointOnAxis y = point_on_axis(static_cast<double>(point[1]), g.H, g);
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 2; ++j) {
      const Index row = y.first + i, column = x.first + j;
      if (row < 0 || row >= g.H || column < 0 || column >= g.W) continue;
      const double wx = j == 0 ? 1 - x.share : x.share, wy = i == 0 ? 1 - y.share : y.share;
      f((row * g.W + column) * g.C, wx * wy, (j == 0 ? -wy : wy) * x.slope,
        (i == 0 ? -wx : wx) * y.slope);
    }
}

}  // namespace detail

/// y [B, P, C] = x at points [B, P, 2], bilinear between the centres of cells.
template <Scalar T>
void sample_points(const PointGeometry& g, const T* x, const T* points, T* y) {
  parallel_for(g.B * g.P, grain_of(4 * g.C), [&](Index p) {
    const T* const grid = x + p / g.P * g.H * g.W * g.C;
    T* const to = y + p * g.C;
    std::fill_n(to, g.C, T(0));
    detail::for_corners(g, points + 2 * p, [&](Index cell, double weight, double, double) {
      const Lanes<T> w = static_cast<T>(weight);
      map(g.C, to, [w](auto v, auto s) { return fma(w, v, s); }, grid + cell, to);
    });
  });
}

/// Adds to dx [B, H, W, C]; points of a sample in their order.
template <Scalar T>
void sample_points_backward_grid(const PointGeometry& g, const T* points, const T* dy, T* dx) {
  constexpr Index block = 64;  // channels of one thread: a sample alone keeps several busy
  const Index blocks = (g.C + block - 1) / block;
  parallel_for(g.B * blocks, grain_of(4 * g.P * std::min(block, g.C)), [&](Index i) {
    const Index b = i / blocks, first = i % blocks * block, count = std::min(block, g.C - first);
    T* const grid = dx + b * g.H * g.W * g.C + first;
    for (Index p = b * g.P; p < (b + 1) * g.P; ++p)
      detail::for_corners(g, points + 2 * p, [&](Index cell, double weight, double, double) {
        const Lanes<T> w = static_cast<T>(weight);
        map(
            count, grid + cell, [w](auto v, auto s) { return fma(w, v, s); }, dy + p * g.C + first,
            grid + cell);
      });
  });
}

/// dpoints [B, P, 2]; sums over channels run in double.
template <Scalar T>
void sample_points_backward_points(const PointGeometry& g, const T* x, const T* points, const T* dy,
                                   T* dpoints) {
  parallel_for(g.B * g.P, grain_of(8 * g.C), [&](Index p) {
    const T* const grid = x + p / g.P * g.H * g.W * g.C;
    double along_x = 0, along_y = 0;
    detail::for_corners(g, points + 2 * p, [&](Index cell, double, double wx, double wy) {
      double dot = 0;
      for (Index c = 0; c < g.C; ++c)
        dot += static_cast<double>(grid[cell + c]) * static_cast<double>(dy[p * g.C + c]);
      along_x += wx * dot;
      along_y += wy * dot;
    });
    dpoints[2 * p] = static_cast<T>(along_x);
    dpoints[2 * p + 1] = static_cast<T>(along_y);
  });
}

}  // namespace kernels
}  // namespace foglift::inline v0
