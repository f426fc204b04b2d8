#pragma once

#include "foglift/diffusion/grid/grid.hpp"

#include <cmath>

namespace foglift::inline v0::grid {

/// A flow grid, alpha + sigma = 1, stretched so that its last noisy level is `terminal`: 1 - sigma'
/// = (1 - sigma) (1 - terminal) / (1 - sigma_last), which keeps sigma = 1 (the "shift_terminal" of
/// LTX-Video). Clean data at the end stay, and so does a grid whose only noisy level is pure noise.
/// Stretching twice is stretching once. Throws ArgumentError unless terminal is in (0, 1) and the
/// grid is of a flow.
inline TimeGrid terminal_stretch(TimeGrid grid, double terminal) {
  check(grid);
  if (!(terminal > 0 && terminal < 1))
    raise<ArgumentError>("grid::terminal_stretch: terminal = ", terminal, ", must be in (0, 1)");
  for (const Level& l : grid)
    if (std::abs(l.alpha + l.sigma - 1) > 1e-9)
      raise<ArgumentError>("grid::terminal_stretch: ", l, " is not of a flow, alpha + sigma = 1");
  const Level& last = grid.back().sigma == 0 ? grid[grid.size() - 2] : grid.back();
  const double gain = last.alpha > 0 ? (1 - terminal) / last.alpha : 1;
  for (Level& l : grid)
    if (l.sigma > 0) l = {1 - gain * l.alpha, gain * l.alpha, 1 - gain * l.alpha};
  check(grid);
  return grid;
}

}  // namespace foglift::inline v0::grid
