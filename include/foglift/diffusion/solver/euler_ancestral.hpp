#pragma once

#include "foglift/diffusion/solver/transfer.hpp"

#include <algorithm>

namespace foglift {
inline namespace v0 {
namespace solver {

/// Euler's rule in s = sigma / alpha down to s_down, then fresh noise up to s' (the "ancestral"
/// sampler of k-diffusion): s_up = min(s', eta sqrt(s'^2 (s^2 - s'^2) / s^2)), s_down^2 = s'^2 -
/// s_up^2. eta above 1 adds more noise than the posterior has; the noise itself may be scaled.
struct EulerAncestral {
  double eta = 1;
  double noise_scale = 1;

  static constexpr const char* name = "euler ancestral";
  static constexpr int order = 1, weak_order = 1, evaluations = 1;

  /// Throws ArgumentError unless eta and noise_scale are finite and not negative.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    if (!(eta >= 0 && noise_scale >= 0 && std::isfinite(eta + noise_scale)))
      raise<ArgumentError>("euler ancestral: eta = ", eta, ", noise_scale = ", noise_scale,
                           ", needed finite, at least 0");
    const Tensor<T> x0 = foglift::detail::denoised(denoise, x, from);
    const double q = correlation(from, to);
    const double up = std::min(1.0, eta * std::sqrt((1 - q) * (1 + q)));  // s_up / s'
    return transfer(std::move(x), x0, from, to, to.sigma * std::sqrt((1 - up) * (1 + up)),
                    to.sigma * up * noise_scale, rng);
  }
};

}  // namespace solver
}  // namespace v0
}  // namespace foglift
