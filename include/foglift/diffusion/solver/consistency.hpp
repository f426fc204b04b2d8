#pragma once

#include "foglift/diffusion/schedule/schedule.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

/// Few-step sampling from a consistency function f(x, level), which leads from any level to the
/// data at once, given in place of the denoiser (Song et al. 2023, algorithm 1): each step jumps to
/// the data, which still hold noise of the ratio min_ratio, and puts fresh noise on: x' = alpha' (f
/// + sqrt(s'^2 - min_ratio^2) z). With min_ratio = 0, x' = alpha' f + sigma' z, it is the rule of
/// latent consistency models (Luo et al. 2023). Samples are exact where f is; there is no order to
/// speak of.
struct Consistency {
  double min_ratio = 0;

  static constexpr const char* name = "consistency";
  static constexpr int order = always_noisy, weak_order = no_limit, evaluations = 1;

  /// Throws ArgumentError unless min_ratio is finite and not negative.
  template <Scalar T, Denoiser<T> F>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const F& consistency,
                 const StepRng& rng) const {
    if (!(min_ratio >= 0 && std::isfinite(min_ratio)))
      raise<ArgumentError>("consistency: min_ratio = ", min_ratio, ", must be finite, at least 0");
    Tensor<T> f = ask(consistency, x, from);
    const double s = to.ratio();
    const double up = to.alpha * std::sqrt(std::max(0.0, (s - min_ratio) * (s + min_ratio)));
    if (up == 0) return scale(to.alpha, std::move(f));
    return affine(to.alpha, std::move(f), up, rng.normal<T>(x.shape()));
  }
};

/// Latent consistency models' rule.
using Lcm = Consistency;

/// Trajectory consistency (Zheng et al. 2024, algorithm 2): from t towards t', the deterministic
/// step goes below the target, to time (1 - gamma) t' of the schedule, and the forward process
/// leads back up. gamma = 0 is Euler's rule, gamma = 1 is Consistency. The denoiser is the
/// network's x0.
///
///   solver::Tcd solver(schedule, 0.3);
template <NoiseSchedule S>
class Tcd {
 public:
  static constexpr const char* name = "tcd";
  static constexpr int order = 1, weak_order = no_limit, evaluations = 1;

  /// Throws ArgumentError unless gamma is in [0, 1].
  explicit Tcd(S schedule, double gamma = 0.3) : schedule_(std::move(schedule)), gamma_(gamma) {
    if (!(gamma >= 0 && gamma <= 1))
      raise<ArgumentError>("tcd: gamma = ", gamma, ", must be in [0, 1]");
  }

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = ask(denoise, x, from);
    if (gamma_ == 0 || to.sigma == 0) return transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const Level below = gamma_ == 1 ? grid::clean : schedule_.at((1 - gamma_) * to.t);
    // x_s = alpha_s x0 + sigma_s eps, then x' = (alpha' / alpha_s) x_s + noise.
    const double share = std::min(1.0, below.ratio() / to.ratio());
    const double down = to.sigma * share, up = to.sigma * std::sqrt((1 - share) * (1 + share));
    return transfer(std::move(x), x0, from, to, down, up, rng);
  }

 private:
  S schedule_;
  double gamma_;
};

}  // namespace foglift::inline v0::solver
