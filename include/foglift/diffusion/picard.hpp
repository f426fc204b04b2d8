#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/rows.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

struct PicardOptions {
  Index window = 0;      ///< steps that are taken side by side; 0: all of the grid's
  double tolerance = 0;  ///< a state that moved by no more, in any element, is final
};

/// What a run side by side came to, and what it took.
template <Scalar T>
struct PicardRun {
  Tensor<T> x;       ///< [B, ...] at grid.back()
  Index rounds = 0;  ///< calls of the denoiser, for a rule of one evaluation; a serial run: steps
  Index evaluations = 0;  ///< states that it was asked about, in samples' batches
};

/// integrate() with many steps at once (ParaDiGMS, Shih et al. 2023, algorithm 1): of a window of
/// states, guessed to be the first one, all steps are taken in one call on a batch of window * B,
/// and their sums are the next guess (Picard's iteration),
///   x_(i+1) = step(x_i, old) + x_i - (x_i, old),
/// until the first states stand still, and the window moves on. The k-th state is final after k
/// rounds at most, so with tolerance 0 the result is that of the serial run to the bit, whatever
/// the window; with more, in fewer rounds, each sample off by about the tolerance times its steps.
/// It pays off where a larger batch costs less than one call after another. The rule is of one step
/// at Levels (Euler, Ddim, Heun); the denoiser knows its rows (an Alike, where it is a lambda).
/// Throws ArgumentError for a negative window or tolerance, and what integrate() throws.
template <Scalar T, class S, class D>
PicardRun<T> picard(const S& solver, const D& denoise, Tensor<T> start, const TimeGrid& grid,
                    const PicardOptions& options = {}) {
  static_assert(deterministic<S>, "picard: a solver that draws no noise is needed");
  static_assert(KnowsRows<D>, "picard: a denoiser that knows its rows is needed; see Alike");
  grid::check(grid);
  if (!(options.window >= 0 && options.tolerance >= 0))
    raise<ArgumentError>("picard: window ", options.window, ", tolerance ", options.tolerance,
                         ", needed at least 0");
  if (start.rank() == 0) raise<ShapeError>("picard: a state [], needed [B, ...]");
  PackedWeights packed(denoise);
  const auto steps = static_cast<Index>(grid.size()) - 1, batch = start.dim(0);
  const Index widest = options.window > 0 ? std::min(options.window, steps) : steps;
  const StepRng none(Rng(0), 0, 0);
  PicardRun<T> out;
  std::vector<Tensor<T>> x(static_cast<std::size_t>(widest) + 1, start);  // x[0] is at grid[done]
  for (Index done = 0; done < steps;) {
    const Index wide = std::min(widest, steps - done);
    std::vector<Index> index;
    std::vector<Level> from, to;
    Tensor<T> all = Tensor<T>::uninitialized(start.shape().with(0, wide * batch));
    for (Index i = 0; i < wide; ++i) {
      std::copy_n(x[static_cast<std::size_t>(i)].data(), start.size(),
                  all.data() + i * start.size());
      for (Index b = 0; b < batch; ++b) {
        index.push_back(b);
        from.push_back(grid[static_cast<std::size_t>(done + i)]);
        to.push_back(grid[static_cast<std::size_t>(done + i + 1)]);
      }
    }
    all = solver.step(std::move(all), Levels(from), Levels(to),
                      rows_of(denoise, Rows{index, batch}), none);
    ++out.rounds, out.evaluations += wide;
    Index final_states = 0;  // behind the first, which is
    bool still = true;
    Tensor<T> moved(start.shape());  // of the state before
    for (Index i = 0; i < wide; ++i) {
      Tensor<T>& old = x[static_cast<std::size_t>(i) + 1];
      Tensor<T> next = all.rows(i * batch, batch);
      double most = 0;
      for (Index j = 0; j < next.size(); ++j) {
        next[j] += moved[j];
        moved[j] = next[j] - old[j];
        most = std::max(most, std::abs(static_cast<double>(moved[j])));
        if (!std::isfinite(next[j]))
          raise<NumericError>("picard: state ", done + i + 1, " of ", steps, " is not finite");
      }
      old = std::move(next);
      // the first of the window follows a final state, and is final itself
      still = still && (i == 0 || most <= options.tolerance);
      final_states += still;
    }
    std::rotate(x.begin(), x.begin() + final_states, x.begin() + wide + 1);
    for (Index i = wide - final_states + 1; i <= widest; ++i)  // new guesses: the last state
      x[static_cast<std::size_t>(i)] = x[static_cast<std::size_t>(wide - final_states)];
    done += final_states;
  }
  out.x = std::move(x[0]);
  return out;
}

}  // namespace foglift::inline v0
