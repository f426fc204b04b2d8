#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/resample.hpp"

namespace foglift {
inline namespace v0 {

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

}  // namespace detail

/// Every position repeated `factor` times along each spatial axis: [B, L, C] -> [B, L factor, C],
/// [B, H, W, C] -> [B, H factor, W factor, C]. Throws ShapeError for another rank, ArgumentError
/// for factor < 1.
template <Scalar T>
Tensor<T> upsample_nearest(const Tensor<T>& x, Index factor) {
  const auto g = detail::resample_geometry("upsample_nearest", x, factor, false);
  auto y = Tensor<T>::uninitialized(detail::fine_shape(g, x.rank()));
  kernels::spread(g, x.data(), T(1), y.data());
  return y;
}
template <Scalar T>
Var<T> upsample_nearest(const Var<T>& x, Index factor) {
  return x.tape().record(
      upsample_nearest(x.value(), factor), {x}, [x, factor](const Tensor<T>& dy, const auto& grad) {
        const auto g = detail::resample_geometry("upsample_nearest", x.value(), factor, false);
        auto dx = Tensor<T>::uninitialized(x.shape());
        kernels::gather(g, dy.data(), T(1), dx.data());
        grad(x, std::move(dx));
      });
}

/// Means over windows of `factor` positions along each spatial axis: [B, L, C] -> [B, L / factor,
/// C], [B, H, W, C] -> [B, H / factor, W / factor, C]. Throws ShapeError for another rank or where
/// factor does not divide, ArgumentError for factor < 1.
template <Scalar T>
Tensor<T> avg_pool(const Tensor<T>& x, Index factor) {
  const auto g = detail::resample_geometry("avg_pool", x, factor, true);
  auto y = Tensor<T>::uninitialized(detail::coarse_shape(g, x.rank()));
  kernels::gather(g, x.data(), detail::window_share<T>(g), y.data());
  return y;
}
template <Scalar T>
Var<T> avg_pool(const Var<T>& x, Index factor) {
  return x.tape().record(
      avg_pool(x.value(), factor), {x}, [x, factor](const Tensor<T>& dy, const auto& grad) {
        const auto g = detail::resample_geometry("avg_pool", x.value(), factor, true);
        auto dx = Tensor<T>::uninitialized(x.shape());
        kernels::spread(g, dy.data(), detail::window_share<T>(g), dx.data());
        grad(x, std::move(dx));
      });
}

#ifdef FOGLIFT_COMPILED
#define FOGLIFT_OPS_RESAMPLE(linkage, X)       \
  linkage X upsample_nearest(const X&, Index); \
  linkage X avg_pool(const X&, Index)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_RESAMPLE, extern template);
#endif

}  // namespace v0
}  // namespace foglift
