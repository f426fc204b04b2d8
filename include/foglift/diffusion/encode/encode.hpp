#pragma once

#include "foglift/diffusion/guidance/guidance.hpp"
#include "foglift/diffusion/sample.hpp"

#include <algorithm>

namespace foglift::inline v0 {

namespace detail {
/// A grid as encoding follows it, from data to noise. Throws ArgumentError for a grid that
/// grid::check refuses, and for one that ends clean: from there no direction leads away.
inline TimeGrid towards_noise(TimeGrid grid, const char* where) {
  grid::check(grid);
  if (!(grid.back().sigma > 0))
    raise<ArgumentError>(where, ": the grid ends at ", grid.back(),
                         ", clean data; needed a last level with some noise (Last::keep)");
  std::reverse(grid.begin(), grid.end());
  return grid;
}
}  // namespace detail

/// The state at grid.front() that the probability flow leads to x [B, ...], a state at grid.back():
/// its encoding. The grid is the one that integrate() decodes it on, from noise to data, and is
/// followed backwards with the same solver (with Euler's rule, "DDIM inversion": Song et al. 2021,
/// section 4.3; Mokady et al. 2023, eq. 3). Encoding and decoding return to x up to an error of the
/// solver's order in the steps; invert_ddim has none.
///
///   const TimeGrid grid = grid::uniform(schedule, 50, {.last = 0.001, .end = grid::Last::keep});
///   auto code = encode(solver::Heun{}, denoise, x, grid);
///   auto back = integrate(solver::Heun{}, denoise, code, grid);
///
/// A solver that may draw noise does not compile here, nor a denoiser that clips: what is cut off
/// can not be found again. x is a Tensor or any State. Throws ArgumentError for a grid that is out
/// of order or ends clean, NumericError for a state that is not finite.
template <State X, class S, class D, class Observer = NoObserver>
X encode(S solver, const D& denoise, X x, const TimeGrid& grid, const SampleOptions& options = {},
         Observer observer = {}) {
  static_assert(deterministic<S>,
                "encode: this solver may draw noise, and only a deterministic one can be run "
                "backwards");
  static_assert(!guide::clips_of<D>(),
                "encode: this denoiser clips or thresholds x0; what is cut off can not be found "
                "again, so encode without that");
  const detail::NoNoise none;
  SampleOptions own = options;
  own.noise = &none;
  return detail::run_state<X>(std::move(solver), denoise, std::move(x),
                              detail::towards_noise(grid, "encode"), Rng(0), own, observer);
}

}  // namespace foglift::inline v0
