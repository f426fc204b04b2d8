#pragma once

#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/embedding.hpp"

#include <vector>

namespace foglift::inline v0::nn {

/// Extents of x [B, L, C] or [B, H, W, C] counted in patches: {L / p} or {H / p, W / p}. Throws
/// ShapeError where p does not divide an extent.
template <int Dims>
Shape patch_grid(const char* net, const Shape& x, Index p) {
  for (int axis = 1; axis <= Dims; ++axis)
    if (x[axis] == 0 || x[axis] % p != 0)
      raise<ShapeError>(net, ": extent ", x[axis], " of input ", x, ", must be a multiple of the ",
                        "patch, ", p);
  if constexpr (Dims == 1) return {x[1] / p};
  return {x[1] / p, x[2] / p};
}

/// Cuts into patches: [B, L, C] -> [B, L / p, p C]; [B, H, W, C] -> [B, (H / p) (W / p), p p C].
template <int Dims, Value X>
X to_patches(const X& x, const Shape& grid, Index p) {
  const Index B = x.dim(0), C = x.dim(-1);
  if constexpr (Dims == 1) return reshape(x, {B, grid[0], p * C});
  const X split = reshape(x, {B, grid[0], p, grid[1], p, C});
  return reshape(transpose(split, 2, 3), {B, grid.size(), p * p * C});
}

/// The inverse of to_patches, for C channels.
template <int Dims, Value X>
X from_patches(const X& tokens, const Shape& grid, Index p, Index C) {
  const Index B = tokens.dim(0);
  if constexpr (Dims == 1) return reshape(tokens, {B, grid[0] * p, C});
  const X split = reshape(tokens, {B, grid[0], grid[1], p, p, C});
  return reshape(transpose(split, 2, 3), {B, grid[0] * p, grid[1] * p, C});
}

struct PositionOptions {
  Index width = 0;
  std::vector<Index> grid = {};  ///< largest extents in patches; empty: fixed sinusoids
};

/// What is added to tell patches apart: a learned row for each place of a grid, or sinusoids of the
/// place (in two dimensions half of the width for the row and half for the column).
template <int Dims, Scalar T = float>
class PositionEmbedding : public Layer<T, PositionOptions> {
 public:
  std::optional<Parameter<T>> weight;  ///< [rows, width] or [rows, columns, width]

  /// Throws ArgumentError for a grid of other than Dims extents, or a width that sinusoids can not
  /// share evenly.
  explicit PositionEmbedding(const PositionOptions& o, Rng& rng) : width_(o.width) {
    if (o.grid.empty()) {
      if (o.width <= 0 || o.width % (2 * Dims) != 0)
        raise<ArgumentError>("PositionEmbedding: width ", o.width, ", must be a multiple of ",
                             2 * Dims);
      return;
    }
    if (o.grid.size() != Dims)
      raise<ArgumentError>("PositionEmbedding: ", o.grid.size(), " extents for ", Dims,
                           " dimensions");
    const Shape shape =
        Dims == 1 ? Shape{o.grid[0], o.width} : Shape{o.grid[0], o.grid[Dims - 1], o.width};
    detail::need_positive("PositionEmbedding", "grid size * width", shape.size());
    weight = normal_parameter<T>(shape, 0.02, rng);
  }

  /// Rows [1, N, width] of the N places of a grid. Throws ShapeError for a grid larger than what is
  /// learned.
  template <ValueOf<T> X>
  X operator()(const Shape& grid, const X& like) const {
    const Shape rows{1, grid.size(), width_};
    if (!weight) return constant(sinusoids(grid).reshaped(rows), like);
    const Shape known = weight->value.shape();
    for (int axis = 0; axis < Dims; ++axis)
      if (grid[axis] > known[axis])
        raise<ShapeError>("PositionEmbedding: patches ", grid, ", positions are known for ", known);
    X table = use(*weight, like);
    for (int axis = 0; axis < Dims; ++axis)
      if (grid[axis] < known[axis]) table = slice(table, axis, 0, grid[axis]);
    return reshape(table, rows);
  }

  FOGLIFT_CHILDREN(weight);

 private:
  Tensor<T> sinusoids(const Shape& grid) const {
    const auto line = [&](Index n) {
      Tensor<T> places({n});
      for (Index i = 0; i < n; ++i) places[i] = static_cast<T>(i);
      return sinusoidal_features(places, width_ / Dims);
    };
    Tensor<T> rows = line(grid[0]);
    if constexpr (Dims == 1) return rows;
    const Tensor<T> columns = line(grid[Dims - 1]);
    auto out = Tensor<T>::uninitialized({grid[0], grid[Dims - 1], width_});
    for (Index i = 0; i < grid[0]; ++i)
      for (Index j = 0; j < grid[Dims - 1]; ++j)
        for (Index k = 0; k < width_; ++k)
          out(i, j, k) = k < width_ / 2 ? rows(i, k) : columns(j, k - width_ / 2);
    return out;
  }

  Index width_;
};

}  // namespace foglift::inline v0::nn
