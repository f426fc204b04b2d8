#pragma once

#include "foglift/diffusion/solver/reverse_sde.hpp"

#include <cmath>

namespace foglift::inline v0::solver {

/// The step size of a Langevin corrector; a = (alpha / alpha')^2 of the step, 1 in the
/// variance-exploding process:
///   level  2 a (snr sigma)^2, from the level alone (Song & Ermon 2019)
///   norms  2 a (snr |z| / |score|)^2, from the norms of noise and score of each sample (Song et
///   al.
///          2021, algorithms 4 and 5, which average both norms over the batch). For samples of many
///          elements alone: the step then depends on the state, whose law a Langevin step no
///          longer keeps, and 1 / |score|^2 has no mean in one and two dimensions. On N(0.7, 0.25),
///          40 steps from 10 to 0.05, the variance comes out 7 % too large at 64 elements a sample,
///          45 % at 8, and by factors of 2.6, 8.5 and 1e5 at 3, 2 and 1 (8 % by level at all)
enum class LangevinStep { level, norms };

/// Moves along z = x / alpha = const: no predictor at all, for annealed Langevin sampling. The step
/// to clean data returns x0.
struct Stay {
  static constexpr const char* name = "stay";
  static constexpr int order = always_noisy, weak_order = no_noise, evaluations = 0;

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng&) const {
    if (to.sigma == 0 || from.alpha == 0) {
      const Tensor<T> x0 = ask(denoise, x, from);
      return affine(to.sigma / from.sigma, std::move(x),
                    to.alpha - from.alpha * to.sigma / from.sigma, x0);
    }
    return scale(to.alpha / from.alpha, std::move(x));
  }
};

/// Langevin steps at a level, x + e score + sqrt(2 e) z, then a predictor to the next (Song et al.
/// 2021, algorithm 1). By the level a Langevin step of size e keeps a Gaussian marginal of variance
/// V at V / (1 - e / (2 V)), however fine the grid: with snr fixed the error in the moments does
/// not vanish with the step, it settles at about snr^2 sigma^2 / V of the variance where the grid
/// ends. By norms it is larger, see LangevinStep; they are those of each sample, never of the
/// batch, so that a sample does not depend on its companions.
///
///   solver::PredictorCorrector<> solver{.corrections = 2, .snr = 0.16};
template <class Predictor = ReverseDiffusion>
struct PredictorCorrector {
  Predictor predictor = {};
  Index corrections = 1;
  double snr = 0.16;
  LangevinStep rule = LangevinStep::level;

  static constexpr const char* name = "predictor corrector";
  static constexpr int order = always_noisy, weak_order = no_limit,
                       evaluations = 1 + Predictor::evaluations;

  /// Throws ArgumentError unless snr is positive and finite and corrections is at least 0.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(snr > 0 && std::isfinite(snr) && corrections >= 0))
      raise<ArgumentError>("predictor corrector: snr = ", snr, ", ", corrections,
                           " corrections; needed snr > 0, finite, corrections >= 0");
    const double a = from.alpha / to.alpha;
    for (Index k = 0; k < corrections; ++k)
      x = langevin(std::move(x), from, a * a, denoise, rng, static_cast<std::uint64_t>(k) + 1);
    return predictor.step(std::move(x), from, to, denoise, rng);
  }

  /// One Langevin step at a level; where alpha is 0 the score is that of the noise.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> langevin(Tensor<T> x, const Level& at, double a, const D& denoise, const StepRng& rng,
                     std::uint64_t draw) const {
    const Tensor<T> x0 = ask(denoise, x, at), z = rng.normal<T>(x.shape(), draw);
    const Index n = x.row_size();
    const double variance = at.sigma * at.sigma;
    // At alpha = 0 the chain's a would be 0 too, and no step be made.
    const double gain = at.alpha > 0 ? a : 1;
    foglift::detail::for_rows(foglift::detail::batch_of(x), n, [&](Index b) {
      T* row = x.data() + b * n;
      const T *mean = x0.data() + b * n, *noise = z.data() + b * n;
      double zz = 0, ss = 0;
      for (Index i = 0; i < n; ++i) {
        const double score = (at.alpha * double{mean[i]} - double{row[i]}) / variance;
        zz += double{noise[i]} * double{noise[i]};
        ss += score * score;
      }
      const double size = rule == LangevinStep::level ? variance : ss > 0 ? zz / ss : 0;
      const double e = 2 * gain * snr * snr * size, jump = std::sqrt(2 * e);
      for (Index i = 0; i < n; ++i) {
        const double score = (at.alpha * double{mean[i]} - double{row[i]}) / variance;
        row[i] = static_cast<T>(double{row[i]} + e * score + jump * double{noise[i]});
      }
    });
    return x;
  }
};

/// Langevin steps at every level, and nothing in between (Song & Ermon 2019, algorithm 1).
using AnnealedLangevin = PredictorCorrector<Stay>;

}  // namespace foglift::inline v0::solver
