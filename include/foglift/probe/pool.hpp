#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <vector>

namespace foglift::inline v0::probe {

/// The means of an activation over the cells of a grid that divides its space: [B, H, W, C] gives
/// [B, g g C], [B, L, C] gives [B, g C], [B, C] stays. Cell i of an axis of n positions covers
/// [floor(i n / g), ceil((i + 1) n / g)); an axis shorter than the grid keeps its n positions.
/// grid = 1 is the global mean. Sums are in double and in the order of the positions.
/// Throws ShapeError for another rank or an axis without positions, ArgumentError for grid < 1.
template <Scalar T>
Tensor<T> pool(const Tensor<T>& h, Index grid = 1) {
  if (h.rank() < 2 || h.rank() > 4)
    raise<ShapeError>("pool: activation ", h.shape(),
                      ", expected [B, C], [B, L, C] or [B, H, W, C]");
  if (grid < 1) raise<ArgumentError>("pool: a grid of ", grid, " cells");
  const Index B = h.dim(0), H = h.rank() == 4 ? h.dim(1) : 1, W = h.rank() >= 3 ? h.dim(-2) : 1;
  const Index C = h.dim(-1), rows = std::min(grid, H), columns = std::min(grid, W);
  if (H == 0 || W == 0) raise<ShapeError>("pool: activation ", h.shape(), " has no positions");
  auto out = Tensor<T>::uninitialized({B, rows * columns * C});
  std::vector<double> sum(static_cast<std::size_t>(C));
  T* to = out.data();
  for (Index b = 0; b < B; ++b)
    for (Index cell = 0; cell < rows * columns; ++cell) {
      const Index r = cell / columns, c = cell % columns;
      const Index y0 = r * H / rows, y1 = ((r + 1) * H + rows - 1) / rows;
      const Index x0 = c * W / columns, x1 = ((c + 1) * W + columns - 1) / columns;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (Index y = y0; y < y1; ++y)
        for (Index x = x0; x < x1; ++x) {
          const T* at = h.data() + ((b * H + y) * W + x) * C;
          for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += static_cast<double>(at[k]);
        }
      const double count = static_cast<double>((y1 - y0) * (x1 - x0));
      for (const double s : sum) *to++ = static_cast<T>(s / count);
    }
  return out;
}

}  // namespace foglift::inline v0::probe
