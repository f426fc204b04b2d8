#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/solver/euler.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace foglift::inline v0::distill {

/// What a student is to learn: states, and what it is to say of the data behind them. Every
/// distiller makes one, from what a teacher says; the student is a denoiser that knows Var.
///
///   const auto lesson = distill::progressive(denoise, x0, grid, rng, {.step = step});
///   const Var<float> loss = lesson.loss(tape, denoise.of(net));
template <Scalar T>
struct Lesson {
  Tensor<T> x;                       ///< [B, ...]
  std::vector<Level> levels;         ///< of x, one a sample
  Tensor<T> x0;                      ///< [B, ...], what the student is to say
  std::vector<double> weights = {};  ///< of the loss, one a sample; empty: 1

  /// mean(weight penalty(said - x0)), of shape []. Throws ShapeError for another shape than x0's,
  /// NumericError for a weight that is negative or not finite.
  template <Value X>
  X loss(const X& said, const Penalty& penalty = {}) const {
    if (said.shape() != x0.shape())
      raise<ShapeError>("Lesson: the student says ", said.shape(), " of data ", x0.shape());
    if (!weights.empty() && static_cast<Index>(weights.size()) != x0.dim(0))
      raise<ShapeError>("Lesson: ", weights.size(), " weights for a batch of ", x0.dim(0));
    for (const double w : weights)
      if (!(w >= 0 && std::isfinite(w)))
        raise<NumericError>("Lesson: weight ", w, ", must be finite and not negative");
    const Index n = x0.row_size();
    const auto weight = [w = weights, n](Index i) {
      return w.empty() ? 1.0 : w[static_cast<std::size_t>(i / n)];
    };
    const auto error = [target = x0](const Tensor<T>& out, Index i) {
      return static_cast<double>(out[i]) - static_cast<double>(target[i]);
    };
    return foglift::detail::sum_loss(
        said, x0.size(), 1 / static_cast<double>(x0.size()),
        [=](const Tensor<T>& out, Index i) { return weight(i) * penalty.value(error(out, i)); },
        [=](const Tensor<T>& out, Index i) { return weight(i) * penalty.slope(error(out, i)); });
  }
  /// The same of what the student says, recorded on a tape.
  template <class D>
  Var<T> loss(Tape<T>& tape, const D& student, const Penalty& penalty = {}) const {
    static_assert(DifferentiableDenoiser<D, T>,
                  "Lesson: a student is callable as (Var<T> x, Levels) -> Var<T>");
    return loss(student(tape.constant(x), Levels(levels)), penalty);
  }
  /// Multiplies the samples' weights by of(level).
  Lesson weighted(const std::function<double(const Level&)>& of) && {
    if (!of) return std::move(*this);
    weights.resize(levels.size(), 1.0);
    for (std::size_t b = 0; b < levels.size(); ++b) weights[b] *= of(levels[b]);
    return std::move(*this);
  }
};

struct LessonOptions {
  Times times = Times::stratified;
  /// Weight of the squared error of x0 at a level; empty: 1. of_x0(weight::TruncatedSnr{}) is that
  /// of Salimans & Ho 2022.
  std::function<double(const Level&)> level_weight = {};
};

/// A weight (weight::X) of the squared error of x0.
template <LossWeight W>
auto of_x0(W weight) {
  return weight::of_output(std::move(weight), predict::X0{});
}

/// A step 0 ... steps - 1 for each sample of a batch, each of them as often.
inline std::vector<std::size_t> draw_steps(Index steps, Index batch, const Rng& rng,
                                           const Draws& draws, Times times = Times::stratified) {
  if (steps < 1) raise<ArgumentError>("draw_steps: ", steps, " steps, needed at least 1");
  std::vector<std::size_t> out;
  for (const double u : draw_times(times, rng.stream(0), batch, draws))
    out.push_back(static_cast<std::size_t>(u * static_cast<double>(steps)));
  return out;
}

/// Every `stride`-th level of a grid. Throws ArgumentError for one that does not divide the steps.
inline TimeGrid thinned(const TimeGrid& grid, Index stride) {
  grid::check(grid);
  const auto steps = static_cast<Index>(grid.size()) - 1;
  if (stride < 1 || steps % stride != 0)
    raise<ArgumentError>("distill::thinned: every level ", stride, " of ", steps, " steps");
  TimeGrid out;
  for (Index i = 0; i <= steps; i += stride) out.push_back(grid[static_cast<std::size_t>(i)]);
  return out;
}

/// alpha x0 + sigma eps [B, ...], the noise keyed by (rng, sample, step).
template <Scalar T>
Tensor<T> noised(Tensor<T> x0, const Levels& levels, const Rng& rng, const Draws& draws) {
  const auto eps = StepRng(rng.stream(1), draws).normal<T>(x0.shape());
  return affine(std::move(x0), eps, levels, "distill::noised",
                [](const Level& l) { return Mix{l.alpha, l.sigma}; });
}

/// The teacher of a student that learns from data alone: it says the data that the states were made
/// of, so that Euler's step of it keeps their noise. For the length of the data's life.
template <Scalar T>
auto teacher_of(const Tensor<T>& x0) {
  return [&x0](const Tensor<T>&, const Levels&) { return x0; };
}

/// The ways of a batch from `from` over `over` to `to`, one a sample; each as clean as the one
/// before or cleaner, and `to` cleaner than `from`.
struct Jumps {
  std::vector<Level> from, over, to;
};

/// Of a jump that lands on `landed` [B, ...]: the x0 with which Euler's step leads from x there,
///   x0 = (landed - k x) / (alpha' - k alpha),  k = sigma' / sigma.
template <Scalar T>
Tensor<T> x0_of_jump(Tensor<T> landed, const Tensor<T>& x, const Levels& from, const Levels& to) {
  return affine(std::move(landed), x, [&](Index b) {
    const double keep = to[b].sigma / from[b].sigma, pull = to[b].alpha - keep * from[b].alpha;
    return Mix{1 / pull, -keep / pull};
  });
}

/// What every student of jumps learns: from x at `from` a teacher leads to `over` by a step of a
/// solver, from there Euler's step of `self`, the student as it was, leads to `to`, and the student
/// is to say the x0 that leads from x there at once. Nothing is asked of `self` where `over` is
/// `to` already.
template <Scalar T, class Teacher, class Self, class S = solver::Euler>
Lesson<T> lesson_of(const Jumps& jumps, Tensor<T> x, const Teacher& teacher, const Self& self,
                    const StepRng& rng, const S& solver = {}) {
  Tensor<T> landed = solver.step(x, Levels(jumps.from), Levels(jumps.over), teacher, rng);
  if (jumps.over != jumps.to)
    landed = solver::Euler{}.step(std::move(landed), Levels(jumps.over), Levels(jumps.to), self,
                                  rng.repeat(0));
  Tensor<T> x0 = x0_of_jump(std::move(landed), x, jumps.from, jumps.to);
  return {std::move(x), jumps.from, std::move(x0)};
}

}  // namespace foglift::inline v0::distill
