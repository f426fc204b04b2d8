#pragma once

#include "foglift/diffusion/distill/lesson.hpp"
#include "foglift/diffusion/loss/levels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::distill {

struct MatchingOptions {
  Times times = Times::stratified;
  double t_min = 0.02, t_max = 0.98;  ///< of the levels at which the laws are compared
  density::Any density = {};
  bool reweight = false;
  /// Divides each sample's gradient by the mean |y - real x0|, as published.
  bool normalized = true;
};

/// Distribution matching distillation (Yin et al. 2024, eq. 7 and 8): what a generator's samples y
/// [B, ...] are to be moved to, so that the gradient of the lesson's loss in y is that of the
/// Kullback-Leibler divergence of the generator's law from the data's, both noised:
///   g = alpha (x0_fake(x) - x0_real(x)) / mean |y - x0_real|,  x = alpha y + sigma eps.
/// `real` is the teacher, `fake` a denoiser that is trained on the generator's samples as they
/// come, by an ordinary loss between these steps. Any generator: one step from noise, or several.
///
///   const auto x = tape.constant(noise);
///   const Var<float> y = denoise.of(net)(x, level);
///   const auto lesson = distill::distribution_matching(
///       denoise, unconditional, y.value(), schedule, rng, {.step = step});
///   const Var<float> loss = lesson.loss(y);
template <Scalar T, BatchDenoiser<T> Real, BatchDenoiser<T> Fake, NoiseSchedule S>
Lesson<T> distribution_matching(const Real& real, const Fake& fake, const Tensor<T>& y,
                                const S& schedule, const Rng& rng, const Draws& draws,
                                const MatchingOptions& options = {}) {
  const Index batch = foglift::detail::batch_of(y), n = y.row_size();
  const auto drawn = draw_levels(schedule, batch, rng, draws, options);
  const Levels levels(drawn.levels);
  const Tensor<T> x = noised(y, levels, rng, draws);
  const Tensor<T> x0 = real(x, levels);
  const Tensor<T> apart = affine(1, fake(x, levels), -1, x0);
  Tensor<T> moved = affine(Tensor<T>(y), apart, [&](Index b) {
    double size = 1;
    if (options.normalized) {
      size = 1e-12;
      for (Index i = b * n; i < (b + 1) * n; ++i)
        size += std::abs(static_cast<double>(y[i]) - static_cast<double>(x0[i])) /
                static_cast<double>(n);
    }
    const double factor = drawn.factors.empty() ? 1 : drawn.factors[static_cast<std::size_t>(b)];
    return Mix{1, -factor * levels[b].alpha / size};
  });
  // half a squared distance, whose gradient is y - moved
  return {y, drawn.levels, std::move(moved),
          std::vector<double>(static_cast<std::size_t>(batch), 0.5)};
}

}  // namespace foglift::inline v0::distill
