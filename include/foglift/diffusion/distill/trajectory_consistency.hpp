#pragma once

#include "foglift/diffusion/distill/lesson.hpp"

#include <algorithm>

namespace foglift::inline v0::distill {

/// Trajectory consistency distillation (Zheng et al. 2024, section 4; Kim et al. 2024): from a
/// level of the grid the student's step of Euler's rule is to lead to a later level, drawn evenly,
/// where the teacher's step to the next level and the step of `self` from there lead. The error
/// counts where the step lands, |x'_student - x'|^2 = (alpha' - k alpha)^2 |x0_student - x0|^2.
/// Sampled by solver::Tcd. `self` as in consistency().
template <Scalar T, BatchDenoiser<T> D, BatchDenoiser<T> Self>
Lesson<T> trajectory_consistency(const D& teacher, const Self& self, const Tensor<T>& x0,
                                 const TimeGrid& grid, const Rng& rng, const Draws& draws,
                                 const LessonOptions& options = {}) {
  grid::check(grid);
  const std::size_t steps = grid.size() - 1;
  const Rng ends = rng.stream(3);
  Jumps jumps;
  std::vector<double> where_it_lands;
  for (const std::size_t n : draw_steps(static_cast<Index>(steps), foglift::detail::batch_of(x0),
                                        rng, draws, options.times)) {
    const auto b = static_cast<Index>(jumps.from.size());
    const Index later = ends.index(static_cast<Index>(steps - n), draws.sample(b),
                                   static_cast<std::uint32_t>(draws.step));
    const Level &from = grid[n], &to = grid[n + 1 + static_cast<std::size_t>(later)];
    jumps.from.push_back(from);
    jumps.over.push_back(grid[n + 1]);
    jumps.to.push_back(to);
    const double pull = to.alpha - to.sigma / from.sigma * from.alpha;
    where_it_lands.push_back(pull * pull);
  }
  Lesson<T> out = lesson_of(jumps, noised(x0, jumps.from, rng, draws), teacher, self,
                            StepRng(rng.stream(2), draws));
  out.weights = std::move(where_it_lands);
  return std::move(out).weighted(options.level_weight);
}

}  // namespace foglift::inline v0::distill
