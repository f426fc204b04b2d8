#pragma once

#include "foglift/diffusion/sample.hpp"

#include <cmath>

namespace foglift::inline v0 {

/// SDEdit (Meng et al. 2022): noises x0 [B, ...] to the level grid.front() and samples from there,
/// so that what that noise does not hide stays. How much is changed is a level, not a number of
/// skipped steps: the grid is a fresh one from the level on, with all of its steps in what remains.
///
///   auto y = edit(solver::Ddim{}, denoise, x0, grid::uniform(schedule, 20, {.first = 0.6}), rng);
///   auto z = edit(solver::Heun{}, denoise, x0, grid::karras(schedule, 20, {.max = 2}), rng);
///
/// The noise of sample b is the one that sample() starts it from, so a grid from pure noise gives
/// sample()'s result. x0 is a Tensor or any State. Throws as sample_from does.
template <State X, class S, class D, class Observer = NoObserver>
X edit(S solver, const D& denoise, X x0, const TimeGrid& grid, const Rng& rng,
       const SampleOptions& options = {}, Observer observer = {}) {
  using T = state_scalar<X>;
  grid::check(grid);
  Tensor<T> x = to_tensor<X>(std::move(x0));
  const auto noise =
      StepRng(rng.stream(detail::prior_stream), options.first_sample, 0).normal<T>(x.shape());
  x = affine(grid.front().alpha, std::move(x), grid.front().sigma, noise);
  return sample_from<X>(std::move(solver), denoise, from_tensor<X>(std::move(x)), grid, rng,
                        options, std::move(observer));
}

/// Spherical interpolation of two states or encodings [B, ...] (Shoemake 1985): sin((1 - part) w)
/// / sin(w) x + sin(part w) / sin(w) y with the angle w between the samples. Between independent
/// noises it keeps the length that noise has, which a straight line does not (Song et al. 2021,
/// section 5.3). Straight where samples are parallel or zero. Throws ShapeError for other shapes,
/// ArgumentError where samples are opposite, and have no arc between them.
template <Scalar T>
Tensor<T> slerp(Tensor<T> x, const Tensor<T>& y, double part) {
  detail::check_same_shape(x, y, "slerp");
  const Index n = x.row_size();
  std::vector<Mix> mixes;
  for (Index b = 0; b < detail::batch_of(x); ++b) {
    double xx = 0, yy = 0;
    for (Index i = b * n; i < (b + 1) * n; ++i) {
      xx += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      yy += static_cast<double>(y[i]) * static_cast<double>(y[i]);
    }
    // The angle by its half, exact for small ones: tan(w / 2) = |u - v| / |u + v| of unit vectors.
    double apart = 0, together = 0;
    const double u = 1 / std::sqrt(xx), v = 1 / std::sqrt(yy);
    for (Index i = b * n; i < (b + 1) * n && xx > 0 && yy > 0; ++i) {
      const double p = u * static_cast<double>(x[i]), q = v * static_cast<double>(y[i]);
      apart += (p - q) * (p - q);
      together += (p + q) * (p + q);
    }
    const double angle = 2 * std::atan2(std::sqrt(apart), std::sqrt(together));
    if (apart > 1 && std::sin(angle) < 1e-6)
      raise<ArgumentError>("slerp: samples ", b, " are opposite; no arc is the shortest");
    const bool straight = !(angle > 1e-8);
    mixes.push_back(straight ? Mix{1 - part, part}
                             : Mix{std::sin((1 - part) * angle) / std::sin(angle),
                                   std::sin(part * angle) / std::sin(angle)});
  }
  return affine(std::move(x), y, [&](Index b) { return mixes[static_cast<std::size_t>(b)]; });
}

}  // namespace foglift::inline v0
