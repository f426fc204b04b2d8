#pragma once

#include "foglift/autograd/ops/points.hpp"
#include "foglift/nn/hook.hpp"
#include "foglift/probe/pool.hpp"

#include <algorithm>
#include <utility>

namespace foglift::inline v0::probe {

/// How a sink reads an activation: its means over a grid of cells, see pool.
struct Pooled {
  Index grid = 1;
  template <Scalar T>
  Tensor<T> operator()(const nn::Place&, Index, const Tensor<T>& h) const {
    return pool(h, grid);
  }
};

/// How a sink reads an activation: at points of each example alone, bilinear, without ever keeping
/// the rest. points [n, P, 2] as in sample_points; activations are [B, H, W, C] or tokens of a grid
/// {H, W}, rows [B, P C]. Throws ShapeError for activations without two axes of space.
template <Scalar T>
class AtPoints {
 public:
  explicit AtPoints(Tensor<T> points) : points_(std::move(points)) {}

  Tensor<T> operator()(const nn::Place& place, Index first, const Tensor<T>& h) const {
    const Index B = h.dim(0), C = h.dim(-1);
    if (place.grid.rank() != 2)
      raise<ShapeError>("AtPoints: ", place.name, " has the grid ", place.grid,
                        ", needed {height, width}");
    const Index H = place.grid[0], W = place.grid[1];
    Tensor<T> space = h;
    if (h.rank() == 3) {
      space = Tensor<T>({B, H, W, C});
      const Index lead = h.dim(1) - H * W;
      for (Index b = 0; b < B; ++b)
        std::copy_n(h.data() + (b * h.dim(1) + lead) * C, H * W * C, space.data() + b * H * W * C);
    }
    const Tensor<T> read = sample_points(space, points_.rows(first, B));
    return read.reshaped({B, read.dim(1) * C});
  }

 private:
  Tensor<T> points_;
};

}  // namespace foglift::inline v0::probe
