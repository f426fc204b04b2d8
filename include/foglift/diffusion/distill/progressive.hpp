#pragma once

#include "foglift/diffusion/distill/lesson.hpp"

namespace foglift::inline v0::distill {

/// Every second level of a grid: the grid on which a student of progressive() is sampled, with
/// Euler's rule. Throws ArgumentError for an odd number of steps.
inline TimeGrid halved(const TimeGrid& grid) { return thinned(grid, 2); }

/// Progressive distillation (Salimans & Ho 2022, algorithm 2): of data x0 [B, ...], noised to a
/// level of halved(grid), the student says what leads in one step of Euler's rule where the teacher
/// comes in its two. Once it has learned, it is the teacher of the next on halved(grid):
///
///   for (auto grid = grid::uniform(denoise, 8); grid.size() > 2; grid = distill::halved(grid)) {
///     // train a student of distill::progressive(teacher, x0, grid, rng, {.step = step})
///   }
///
/// Throws as halved() does, and what the teacher throws.
template <Scalar T, BatchDenoiser<T> D>
Lesson<T> progressive(const D& teacher, const Tensor<T>& x0, const TimeGrid& grid, const Rng& rng,
                      const Draws& draws, const LessonOptions& options = {}) {
  const Index steps = static_cast<Index>(halved(grid).size()) - 1;
  std::vector<Level> from, middle, to;
  for (const std::size_t n :
       draw_steps(steps, foglift::detail::batch_of(x0), rng, draws, options.times)) {
    from.push_back(grid[2 * n]);
    middle.push_back(grid[2 * n + 1]);
    to.push_back(grid[2 * n + 2]);
  }
  // two steps of one teacher: the second is what lesson_of takes as that of the student as it was
  return lesson_of(Jumps{from, std::move(middle), std::move(to)}, noised(x0, from, rng, draws),
                   teacher, teacher, StepRng(rng.stream(2), draws))
      .weighted(options.level_weight);
}

}  // namespace foglift::inline v0::distill
