#pragma once

#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/diffusion/solver/heun.hpp"

#include <algorithm>
#include <cmath>

namespace foglift::inline v0::distill {

struct ConsistencyOptions {
  Times times = Times::stratified;
  /// Weight of the squared error of x0 at a level; empty: 1.
  std::function<double(const Level&)> level_weight = {};
  /// Multiplies the weight by 1 / (s - s'), s = sigma / alpha of the step's levels (Song & Dhariwal
  /// 2024, section 3.5). A step from pure noise then counts for nothing.
  bool by_step = false;
};

/// Consistency distillation (Song et al. 2023, algorithm 2): of data x0 [B, ...], noised to a level
/// of the grid, the student says what `self` says one step of the teacher's solver further down;
/// what comes to clean data is said as it is. `self` is the student as it is (no gradient reaches
/// it), or its running average. The student needs the boundary x0 = x where the grid ends: at clean
/// data predict::Velocity, FlowVelocity and Edm have it, at a least ratio predict::Boundary.
/// Latent consistency distillation (Luo et al. 2023) is the same of a guided teacher on a grid
/// thinned by what they call skipping steps, with solver::Euler and predict::LatentConsistency.
/// Sampled by solver::Consistency.
///
///   const auto lesson = distill::consistency(denoise, denoise, x0, grid, rng, {.step = step});
///   const Var<float> loss = lesson.loss(tape, denoise, Penalty::pseudo_huber(0.03));
template <Scalar T, BatchDenoiser<T> D, BatchDenoiser<T> Self, class S = solver::Heun>
Lesson<T> consistency(const D& teacher, const Self& self, const Tensor<T>& x0, const TimeGrid& grid,
                      const Rng& rng, const Draws& draws, const ConsistencyOptions& options = {},
                      const S& solver = {}) {
  grid::check(grid);
  Jumps jumps;
  std::vector<double> by_step;
  for (const std::size_t n : draw_steps(static_cast<Index>(grid.size()) - 1,
                                        foglift::detail::batch_of(x0), rng, draws, options.times)) {
    jumps.from.push_back(grid[n]);
    jumps.over.push_back(grid[n + 1]);
    jumps.to.push_back(grid::clean);
    if (options.by_step) by_step.push_back(1 / (grid[n].ratio() - grid[n + 1].ratio()));
  }
  Lesson<T> out = lesson_of(jumps, noised(x0, jumps.from, rng, draws), teacher, self,
                            StepRng(rng.stream(2), draws), solver);
  out.weights = std::move(by_step);
  return std::move(out).weighted(options.level_weight);
}

/// Consistency training (Song et al. 2023, algorithm 3), without a teacher: the step keeps the data
/// and the noise of each state, and leads on average where the exact denoiser's step of Euler's
/// rule leads.
template <Scalar T, BatchDenoiser<T> Self>
Lesson<T> consistency_training(const Self& self, const Tensor<T>& x0, const TimeGrid& grid,
                               const Rng& rng, const Draws& draws,
                               const ConsistencyOptions& options = {}) {
  return consistency(teacher_of(x0), self, x0, grid, rng, draws, options, solver::Euler{});
}

/// How many steps the grid of consistency training has as training goes on: from s0 = first to s1 =
/// last over K = total steps of training.
struct Curriculum {
  Index first = 2, last = 150, total = 100'000;

  /// ceil(sqrt(k / K ((s1 + 1)^2 - s0^2) + s0^2)) - 1, at least 1 (Song et al. 2023, appendix C,
  /// whose N(k) counts levels, one more).
  Index rising(Index k) const {
    const auto s0 = static_cast<double>(checked().first), s1 = static_cast<double>(last);
    const double part = std::min(1.0, static_cast<double>(k) / static_cast<double>(total));
    const double root = std::sqrt(part * ((s1 + 1) * (s1 + 1) - s0 * s0) + s0 * s0);
    return std::clamp<Index>(static_cast<Index>(std::ceil(root - 1e-9)) - 1, 1, last);
  }
  /// Doubled at equal distances: min(s0 2^floor(k / K'), s1), K' = floor(K / (log2 floor(s1 / s0) +
  /// 1)) (Song & Dhariwal 2024, section 3.4).
  Index doubling(Index k) const {
    const double times = std::log2(static_cast<double>(last / checked().first));
    const auto each = static_cast<Index>(static_cast<double>(total) / (times + 1));
    Index steps = first;
    for (Index i = k / std::max<Index>(each, 1); i > 0 && steps < last; --i) steps *= 2;
    return std::min(steps, last);
  }
  /// Decay of the running average beside so many steps of the grid: exp(s0 ln(start) / (steps +
  /// 1)), `start` where rising() begins (Song et al. 2023, appendix C).
  double decay(Index steps, double start = 0.9) const {
    return std::exp(static_cast<double>(first) * std::log(start) / static_cast<double>(steps + 1));
  }

 private:
  const Curriculum& checked() const {
    if (!(first >= 1 && last >= first && total >= 1))
      raise<ArgumentError>("distill::Curriculum: ", first, " to ", last, " steps over ", total,
                           ", needed 1 <= first <= last, total >= 1");
    return *this;
  }
};

}  // namespace foglift::inline v0::distill
