#pragma once

#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/flow.hpp"
#include "foglift/diffusion/solver/euler.hpp"

#include <span>
#include <utility>

namespace foglift::inline v0::distill {

/// Noise of unit variance [n, ...] and the data [n, ...] to which a run leads it. A flow that is
/// trained on them in place of independent noise runs straighter, and needs fewer steps
/// (ReFlow, Liu et al. 2023, "Flow straight and fast"); again on its own couples, it is
/// k-rectified.
///
///   const auto couples = distill::couples(solver::Heun{}, denoise, Shape{1000, 2}, grid, rng);
///   const auto some = couples.rows(labels);  // a batch's
///   const auto loss = denoise.of(net).loss(tape, some.data, rng, {.step = step},
///                                          {.noise = &some.noise});
template <Scalar T>
struct Couples {
  Tensor<T> noise, data;

  Couples rows(std::span<const Index> index) const { return {noise.rows(index), data.rows(index)}; }
};

/// Couples of a teacher: runs of a deterministic solver from sigma * noise at grid.front(); row b
/// is sample first_sample + b of the generator. Throws what integrate() throws.
template <Scalar T = float, class S, class D>
Couples<T> couples(const S& solver, const D& teacher, const Shape& shape, const TimeGrid& grid,
                   const Rng& rng, std::uint64_t first_sample = 0) {
  grid::check(grid);
  Tensor<T> noise = rng.normal<T>(shape, first_sample);
  Tensor<T> data = integrate(solver, teacher, scale(grid.front().sigma, noise), grid);
  return {std::move(noise), std::move(data)};
}

/// How far from straight the paths of a flow are: the mean over elements and t in [0, 1] of
/// |(x(1) - x(0)) - dx/dt|^2 (Liu et al. 2023, eq. 3), along runs of Euler's rule on `steps` levels
/// of schedule::Flow from the noise x [B, ...]; 0 where one step is exact.
template <Scalar T, class D>
double straightness(const D& denoise, const Tensor<T>& noise, Index steps) {
  const TimeGrid grid = grid::uniform(schedule::Flow{}, steps);
  std::vector<Tensor<T>> states{noise};
  integrate(solver::Euler{}, denoise, noise, grid, {},
            [&](const StepView<T>& view) { states.push_back(view.x); });
  const Tensor<T> whole = affine(1, noise, -1, states.back());
  double sum = 0;
  for (std::size_t i = 0; i + 1 < states.size(); ++i) {
    const double dt = grid[i].t - grid[i + 1].t;
    for (Index j = 0; j < whole.size(); ++j) {
      const double moved =
          (static_cast<double>(states[i][j]) - static_cast<double>(states[i + 1][j])) / dt;
      sum += dt * std::pow(static_cast<double>(whole[j]) - moved, 2);
    }
  }
  return sum / static_cast<double>(whole.size());
}

}  // namespace foglift::inline v0::distill
