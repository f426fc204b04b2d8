#pragma once

#include "foglift/diffusion/solver/parts/exponential.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

namespace foglift::inline v0::solver {

/// Whether the stages of a stochastic step see one path of the Wiener process, as they must, or,
/// as in public code without a Brownian tree, noise of their own each: weak order 1.
enum class StageNoise { one_path, independent };

/// DPM-Solver++ for the reverse SDE in single steps of two evaluations ("DPM++ SDE", "2S SDE"): x1
/// at the middle of the step in lambda, then weights of {m0, m1}. The noise of the whole step is
/// that of its first half, carried on, plus that of its second. eta = 1 is the time reversal.
/// Weights::midpoint, as published, takes m1 alone: on Gaussian data its error is three times that
/// of the exact weights. A step to clean data, or from pure noise, is of first order.
template <Weights weights = Weights::exact, StageNoise stage_noise = StageNoise::one_path>
struct DpmSde {
  static_assert(weights == Weights::exact || weights == Weights::midpoint,
                "DpmSde: exact or midpoint weights");
  double eta = 1;

  static constexpr const char* name = "dpm sde";
  static constexpr int order = 2, evaluations = 2;
  static constexpr int weak_order = stage_noise == StageNoise::one_path ? 2 : 1;

  /// Throws ArgumentError unless eta is finite, at least 0.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Exponential rule{.weights = weights, .eta = eta};
    const Tensor<T> m0 = ask(denoise, x, from);
    const Quadrature whole = rule.over(from, to);
    if (whole.endless) return first_order(whole, std::move(x), m0, from, to, rng);
    const Level middle = between(from, to, from.lambda() - 0.5 * std::log(correlation(from, to)));
    const Quadrature half = rule.over(from, middle), rest = rule.over(middle, to);

    Tensor<T> z0, z1;
    if (eta > 0) {
      const double snr = middle.snr();
      if constexpr (stage_noise == StageNoise::one_path) {
        z0 = rng.increment<T>(x.shape(), from.snr(), snr, 0);
        z1 = rng.increment<T>(x.shape(), snr, to.snr(), 1);
      } else {
        z0 = rng.normal<T>(x.shape(), 0);
        z1 = rng.normal<T>(x.shape(), 1);
      }
    }
    const std::array<Term<T>, 2> first{{{half.gain * half.moments[0], &m0}, {half.noise, &z0}}};
    const Tensor<T> x1 = combine(half.keep, x, first);
    const Tensor<T> m1 = ask(denoise, x1, middle);

    constexpr bool shared = stage_noise == StageNoise::one_path;
    const std::array<double, 2> w = whole.weights(std::array{0.0, 0.5});
    const std::array<Term<T>, 4> terms{{{whole.gain * w[0], &m0},
                                        {whole.gain * w[1], &m1},
                                        {shared ? rest.keep * half.noise : 0.0, &z0},
                                        {shared ? rest.noise : whole.noise, &z1}}};
    return combine(whole.keep, std::move(x), terms);
  }
};

}  // namespace foglift::inline v0::solver
