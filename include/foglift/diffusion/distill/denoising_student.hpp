#pragma once

#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/diffusion/sample.hpp"

namespace foglift::inline v0::distill {

/// Denoising Student (Luhman & Luhman 2021): of the noise [B, ...] at which a run of the teacher
/// begins, the student says what the run ends with, the deterministic map from noise to data in one
/// step. Needs no data; samples are x0 of the student at grid.front(). What the teacher says costs
/// a run a sample: make lessons ahead of the training and keep them. Throws what sample() throws.
///
///   const auto lesson = distill::denoising_student(solver::Heun{}, denoise, Shape{64, 2},
///                                                  grid, rng, {.step = step});
template <Scalar T = float, class S, class D>
Lesson<T> denoising_student(const S& solver, const D& teacher, const Shape& shape,
                            const TimeGrid& grid, const Rng& rng, const Draws& draws) {
  grid::check(grid);
  if (shape.rank() == 0 || shape[0] < 1)
    raise<ShapeError>("denoising_student: states ", shape, ", needed [B, ...], not empty");
  Tensor<T> x = scale(grid.front().sigma, StepRng(rng.stream(1), draws).normal<T>(shape));
  Tensor<T> x0 = integrate(solver, teacher, x, grid);
  return {std::move(x), std::vector<Level>(static_cast<std::size_t>(shape[0]), grid.front()),
          std::move(x0)};
}

}  // namespace foglift::inline v0::distill
