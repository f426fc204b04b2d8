#pragma once

#include "foglift/diffusion/likelihood/vlb.hpp"
#include "foglift/diffusion/solver/parts/between.hpp"

namespace foglift::inline v0::likelihood {

struct VdmOptions {
  /// Steps of the chain; 0: infinitely many, the tightest bound.
  Index steps = 0;
  /// Levels that the diffusion term of a sample is estimated at, one in each of as many equal parts
  /// of the range of lambda (or of the steps).
  Index points = 1;
  std::optional<Dequantised> scale = {};
  double prior_sigma = 1;
  /// Index of the batch's first sample.
  std::uint64_t first_sample = 0;
};

/// The parts of the bound of variational diffusion models, each [B] in nats.
struct VdmBound {
  Tensor<double> prior, diffusion, reconstruction;

  Tensor<double> total() const {
    Tensor<double> out = prior;
    for (Index b = 0; b < out.size(); ++b) out[b] += diffusion[b] + reconstruction[b];
    return out;
  }
  /// What ln p(x0) is at least [B], for bits_per_dim.
  Tensor<double> lower_bound() const {
    return scale(total(), prior.size(), [](Index) { return -1.0; });
  }
};

/// The bound -ln p(x0) <= prior + diffusion + reconstruction of variational diffusion models
/// (Kingma et al. 2021, eq. 11, 13, 15) between the levels `data` and `noise` of any process. With
/// snr = (alpha / sigma)^2 = e^(2 lambda),
///   T steps   sum over steps of (snr(s) - snr(t)) / 2 |x0 - x0(z_t)|^2, s the cleaner end of t
///   T = inf   int snr |x0 - x0(z)|^2 d lambda,
/// steps being equal in lambda, estimated without bias at `points` stratified places; which levels
/// lie between the two ends does not matter in the limit, so they are uniform in lambda. The
/// reconstruction is a Gaussian around the x0 of z at `data` with the variance of its noise,
/// sigma^2 / alpha^2, or the integers of a scale. Noise and places are keyed by (rng, sample).
/// Needs a denoiser that takes one level a sample. Throws ArgumentError for levels out of order or
/// without signal and noise, or no points.
template <Scalar T, BatchDenoiser<T> D>
VdmBound vdm_bound(const D& denoise, const Tensor<T>& x0, const Level& data, const Level& noise,
                   const Rng& rng, const VdmOptions& options = {}) {
  const double first = noise.lambda(), last = data.lambda();
  if (x0.rank() == 0 || options.points < 1 || options.steps < 0 ||
      !(std::isfinite(first) && std::isfinite(last) && first < last))
    raise<ArgumentError>("vdm_bound: data ", x0.shape(), " from ", data, " to ", noise, ", ",
                         options.points, " points, ", options.steps,
                         " steps; needed [B, ...], signal and noise at both, more noise at the "
                         "second, a point, steps >= 0");
  const Index batch = x0.dim(0);
  const double span = last - first, points = static_cast<double>(options.points),
               steps = static_cast<double>(options.steps);
  const auto eps = [&](Index draw) {
    return rng.stream(static_cast<std::uint64_t>(draw)).normal<T>(x0.shape(), options.first_sample);
  };
  VdmBound out{prior_kl(x0, noise, options.prior_sigma), Tensor<double>(Shape{batch}), {}};
  std::vector<Level> levels(static_cast<std::size_t>(batch));
  std::vector<double> weight(static_cast<std::size_t>(batch));
  const Rng places = rng.stream(0);
  for (Index k = 0; k < options.points; ++k) {
    for (Index b = 0; b < batch; ++b) {
      const auto row = static_cast<std::size_t>(b);
      const double u = places.uniform(options.first_sample + static_cast<std::uint64_t>(b),
                                      static_cast<std::uint32_t>(k));
      double at = (static_cast<double>(k) + u) / points;  // the place, from noise to data
      if (options.steps > 0) at = std::min(std::floor(at * steps), steps - 1) / steps;
      const double lambda = first + at * span;
      levels[row] = at > 0 ? solver::between(noise, data, lambda) : noise;
      // of a step of length h: snr (e^(2h) - 1) / 2, and that over h in the limit
      const double snr = std::exp(2 * lambda);
      weight[row] =
          options.steps > 0 ? 0.5 * steps * snr * std::expm1(2 * span / steps) : span * snr;
    }
    const Tensor<T> z = affine(x0, eps(2 + k), [&](Index b) {
      const Level& l = levels[static_cast<std::size_t>(b)];
      return Mix{l.alpha, l.sigma};
    });
    const Tensor<T> found = ask(denoise, z, Levels(levels));
    const Tensor<double> square = detail::sum_elements(x0, [&](Index i) {
      const double error = static_cast<double>(x0[i]) - static_cast<double>(found[i]);
      return error * error;
    });
    for (Index b = 0; b < batch; ++b)
      out.diffusion[b] += weight[static_cast<std::size_t>(b)] * square[b] / points;
  }
  const Tensor<T> mean = ask(denoise, affine(data.alpha, x0, data.sigma, eps(1)), data);
  out.reconstruction =
      decoder_nats(x0, mean, Tensor<T>(x0.shape(), static_cast<T>(-2 * last)), options.scale);
  return out;
}

}  // namespace foglift::inline v0::likelihood
