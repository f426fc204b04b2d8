#pragma once

#include "foglift/diffusion/process.hpp"
#include "foglift/diffusion/solver/parts/transfer.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::solver {

/// The reverse SDE by the discretisation of the forward chain (Song et al. 2021, eq. 46): with a
/// forward step x = a x' + b eps, a = alpha / alpha', b^2 = sigma^2 - a^2 sigma'^2, the step back
/// is
///   x' = (2 - a) x + b^2 score(x) + b z,  score = (alpha x0 - x) / sigma^2.
/// For the variance-exploding process it is x + (s^2 - s'^2) score + sqrt(s^2 - s'^2) z. The step
/// to clean data returns x0; the one from pure noise, a = 0, is x + sigma z, of twice the noise's
/// variance (Ddpm's mean has no such excess): start at a level with some signal.
struct ReverseDiffusion {
  static constexpr const char* name = "reverse diffusion";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    Tensor<T> x0 = ask(denoise, x, from);
    if (to.sigma == 0) return scale(to.alpha, std::move(x0));
    // b^2 = sigma^2 (1 - q^2)
    const double a = from.alpha / to.alpha, q = correlation(from, to), part = (1 - q) * (1 + q);
    return affine(2 - a - part, std::move(x), part * from.alpha, x0, from.sigma * std::sqrt(part),
                  rng.increment<T>(x0.shape(), from.snr(), to.snr()));
  }
};

/// Euler & Maruyama's rule for the reverse SDE of a process in its own time (Song et al. 2021, eq.
/// 6), with D = t - t' > 0:
///   x' = x - (f x - g^2 score(x)) D + g sqrt(D) z,  score = (alpha x0 - x) / sigma^2.
/// Reads the times of the levels, which must be the process's; f and g must be finite there. The
/// step to clean data returns x0.
///
///   solver::EulerMaruyama solver(process::VariancePreserving(schedule::Linear{}));
template <ForwardProcess P>
class EulerMaruyama {
 public:
  static constexpr const char* name = "euler maruyama";
  static constexpr int order = always_noisy, weak_order = 1, evaluations = 1;

  explicit EulerMaruyama(P process) : process_(std::move(process)) {}

  /// Throws ArgumentError where the process's rates at `from` are not finite.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    Tensor<T> x0 = ask(denoise, x, from);
    if (to.sigma == 0) return scale(to.alpha, std::move(x0));
    const double f = process_.drift(from.t), g = process_.diffusion(from.t), step = from.t - to.t;
    if (!(std::isfinite(f) && std::isfinite(g) && step > 0))
      raise<ArgumentError>("euler maruyama: drift ", f, ", diffusion ", g, " at ", from, ", to ",
                           to, "; needed finite rates and falling times of the process");
    const double pull = g * g * step / (from.sigma * from.sigma);
    return affine(1 - f * step - pull, std::move(x), pull * from.alpha, x0, g * std::sqrt(step),
                  rng.increment<T>(x0.shape(), from.snr(), to.snr()));
  }

 private:
  P process_;
};

}  // namespace foglift::inline v0::solver
