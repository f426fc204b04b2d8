#pragma once

#include "foglift/autograd/ops/graph.hpp"
#include "foglift/kernels/resample.hpp"

namespace foglift::inline v0 {

namespace detail {

/// The grids of a resampling between x and a grid `factor` times finer (or, for `pool`, coarser).
template <Scalar T>
kernels::ResampleGeometry resample_geometry(const char* name, const Tensor<T>& x, Index factor,
                                            bool pool) {
  if (factor < 1) raise<ArgumentError>(name, ": factor ", factor, ", at least 1 is needed");
  if (x.rank() != 3 && x.rank() != 4)
    raise<ShapeError>(name, ": input ", x.shape(), ", needed is [B, L, C] or [B, H, W, C]");
  const bool flat = x.rank() == 3;
  const Index H = flat ? 1 : x.dim(1), W = x.dim(-2), fh = flat ? 1 : factor;
  if (pool && (H % fh != 0 || W % factor != 0))
    raise<ShapeError>(name, ": factor ", factor, " does not divide the extents of ", x.shape());
  if (pool) return {x.dim(0), H / fh, W / factor, x.dim(-1), fh, factor};
  return {x.dim(0), H, W, x.dim(-1), fh, factor};
}

template <Scalar T>
T window_share(const kernels::ResampleGeometry& g) {
  return T(1) / static_cast<T>(g.fh * g.fw);
}

inline Shape coarse_shape(const kernels::ResampleGeometry& g, int rank) {
  return rank == 3 ? Shape{g.B, g.W, g.C} : Shape{g.B, g.H, g.W, g.C};
}
inline Shape fine_shape(const kernels::ResampleGeometry& g, int rank) {
  return rank == 3 ? Shape{g.B, g.W * g.fw, g.C} : Shape{g.B, g.H * g.fh, g.W * g.fw, g.C};
}

/// Linear interpolation of an axis of `from` positions at `to` positions, as a matrix with one or
/// two entries a row.
template <Scalar T>
Csr<T> resize_matrix(Index from, Index to, bool align_corners) {
  pool::Vector<typename Csr<T>::Entry> entries;
  const auto n = static_cast<double>(from), m = static_cast<double>(to);
  for (Index i = 0; i < to; ++i) {
    const auto at = static_cast<double>(i);
    const double source = !align_corners ? (at + 0.5) * n / m - 0.5
                          : to > 1       ? at * (n - 1) / (m - 1)
                                         : 0;
    const Index first = std::min(static_cast<Index>(source), from - 1);
    const double share = source - static_cast<double>(first);  // below 0 before the first centre
    const bool between = share > 0 && first + 1 < from;
    entries.push_back({i, first, static_cast<T>(between ? 1 - share : 1)});
    if (between) entries.push_back({i, first + 1, static_cast<T>(share)});
  }
  return Csr<T>(to, from, entries);
}

/// kernels::spread over the finer grid, kernels::gather onto the coarser one, times `share`.
template <Scalar T>
Tensor<T> spread(const kernels::ResampleGeometry& g, const Tensor<T>& x, T share) {
  auto y = Tensor<T>::uninitialized(fine_shape(g, x.rank()));
  kernels::spread(g, x.data(), share, y.data());
  return y;
}
template <Scalar T>
Tensor<T> gather(const kernels::ResampleGeometry& g, const Tensor<T>& x, T share) {
  auto y = Tensor<T>::uninitialized(coarse_shape(g, x.rank()));
  kernels::gather(g, x.data(), share, y.data());
  return y;
}

}  // namespace detail

/// Every position repeated `factor` times along each spatial axis: [B, L, C] -> [B, L factor, C],
/// [B, H, W, C] -> [B, H factor, W factor, C]. Throws ShapeError for another rank, ArgumentError
/// for factor < 1.
template <Scalar T>
Tensor<T> upsample_nearest(const Tensor<T>& x, Index factor) {
  const auto g = detail::resample_geometry("upsample_nearest", x, factor, false);
  return detail::spread(g, x, T(1));
}
template <Scalar T>
Var<T> upsample_nearest(const Var<T>& x, Index factor) {
  return x.tape().record(
      upsample_nearest(x.value(), factor), {x}, [x, factor](const Tensor<T>& dy, const auto& grad) {
        const auto g = detail::resample_geometry("upsample_nearest", x.value(), factor, false);
        grad(x, detail::gather(g, dy, T(1)));
      });
}

/// Means over windows of `factor` positions along each spatial axis: [B, L, C] -> [B, L / factor,
/// C], [B, H, W, C] -> [B, H / factor, W / factor, C]. Throws ShapeError for another rank or where
/// factor does not divide, ArgumentError for factor < 1.
template <Scalar T>
Tensor<T> avg_pool(const Tensor<T>& x, Index factor) {
  const auto g = detail::resample_geometry("avg_pool", x, factor, true);
  return detail::gather(g, x, detail::window_share<T>(g));
}
template <Scalar T>
Var<T> avg_pool(const Var<T>& x, Index factor) {
  return x.tape().record(
      avg_pool(x.value(), factor), {x}, [x, factor](const Tensor<T>& dy, const auto& grad) {
        const auto g = detail::resample_geometry("avg_pool", x.value(), factor, true);
        grad(x, detail::spread(g, dy, detail::window_share<T>(g)));
      });
}

/// Linear interpolation to other extents: x [B, L, C] -> [B, extents[0], C], x [B, H, W, C] ->
/// [B, extents[0], extents[1], C]. As PyTorch's interpolate in mode "linear" or "bilinear" without
/// antialiasing: the outer edges of both grids coincide, or with align_corners the centres of their
/// outermost cells. Throws ShapeError for another rank or an input without positions, ArgumentError
/// unless `extents` holds a positive extent for each spatial axis.
template <Value X>
X resize_linear(const X& x, const Shape& extents, bool align_corners = false) {
  const Shape& s = value_of(x).shape();
  if (s.rank() < 3 || s.rank() > 4 || s.size(1, s.rank() - 1) == 0)
    raise<ShapeError>("resize_linear: input ", s, ", needed is [B, L, C] or [B, H, W, C]");
  if (extents.rank() != s.rank() - 2 || extents.size() < 1)
    raise<ArgumentError>("resize_linear: to ", extents, " from input ", s,
                         ", needed is a positive extent for each spatial axis");
  X y = x;
  for (int axis = 1; axis + 1 < s.rank(); ++axis)
    y = sparse_mix(detail::resize_matrix<scalar_of<X>>(s[axis], extents[axis - 1], align_corners),
                   y, axis);
  return y;
}

#define FOGLIFT_OPS_RESAMPLE(linkage, X)       \
  linkage X upsample_nearest(const X&, Index); \
  linkage X avg_pool(const X&, Index)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_RESAMPLE, extern template);

}  // namespace foglift::inline v0
