#pragma once

#include "foglift/diffusion/distill/lesson.hpp"

namespace foglift::inline v0::distill {

/// The levels where the phases of a grid begin and end, phases + 1 of them. Throws ArgumentError
/// for phases that do not divide the steps.
inline TimeGrid phase_ends(const TimeGrid& grid, Index phases) {
  const auto steps = static_cast<Index>(grid.size()) - 1;
  if (phases < 1 || steps < 1 || steps % phases != 0)
    raise<ArgumentError>("distill::phase_ends: ", steps, " steps do not fall into ", phases,
                         " phases");
  return thinned(grid, steps / phases);
}

/// Transitive closure time distillation, TRACT (Berthelot et al. 2023, section 3.1): the grid's
/// steps are in `phases` of as many each, and from any level of a phase the student leads to its
/// end at once. The teacher makes the first step of that way, and `self`, a running average of the
/// student, the rest. Sampled with Euler's rule on phase_ends(grid, phases); then the teacher of
/// fewer phases. phases = 1 is consistency distillation with Euler's rule. Throws ArgumentError for
/// phases that do not divide the steps.
template <Scalar T, BatchDenoiser<T> D, BatchDenoiser<T> Self>
Lesson<T> tract(const D& teacher, const Self& self, const Tensor<T>& x0, const TimeGrid& grid,
                Index phases, const Rng& rng, const Draws& draws,
                const LessonOptions& options = {}) {
  const TimeGrid ends = phase_ends(grid, phases);
  const auto steps = grid.size() - 1, each = steps / (ends.size() - 1);
  Jumps jumps;
  for (const std::size_t n : draw_steps(static_cast<Index>(steps), foglift::detail::batch_of(x0),
                                        rng, draws, options.times)) {
    jumps.from.push_back(grid[n]);
    jumps.over.push_back(grid[n + 1]);
    jumps.to.push_back(ends[n / each + 1]);
  }
  return lesson_of(jumps, noised(x0, jumps.from, rng, draws), teacher, self,
                   StepRng(rng.stream(2), draws))
      .weighted(options.level_weight);
}

}  // namespace foglift::inline v0::distill
