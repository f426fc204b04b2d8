#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/likelihood/decoder.hpp"
#include "foglift/diffusion/likelihood/gaussian_kl.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"

#include <optional>
#include <type_traits>

namespace foglift::inline v0::likelihood {

/// The variance of the model's steps: the two ends of predict::VarianceRange, or what the variance
/// head of a VarianceDenoiser puts between them.
enum class StepVariance { small, large, learned };

/// The parts of the variational bound of each sample, in nats: an upper bound of -ln p(x0), in
/// expectation over the noise.
struct Vlb {
  Tensor<double> prior;    ///< [B]: KL of the first level's states from the prior
  Tensor<double> steps;    ///< [B, steps]: KL of each step, from noise to data
  Tensor<double> decoder;  ///< [B]: -ln p(x0 | states at the last level)

  /// The bound [B].
  Tensor<double> total() const {
    Tensor<double> out = prior;
    for (Index b = 0; b < out.size(); ++b) {
      out[b] += decoder[b];
      for (Index i = 0; i < steps.dim(1); ++i) out[b] += steps(b, i);
    }
    return out;
  }
  /// What ln p(x0) is at least [B], for bits_per_dim.
  Tensor<double> lower_bound() const {
    return scale(total(), steps.dim(0), [](Index) { return -1.0; });
  }
};

struct VlbOptions {
  StepVariance variance = StepVariance::large;
  /// The integers that x0 stands for, which a discretised Gaussian decodes; without, the bound is
  /// on the density of x0, and a Gaussian does.
  std::optional<Dequantised> scale = {};
  /// Standard deviation of the prior.
  double prior_sigma = 1;
  /// Index of the batch's first sample.
  std::uint64_t first_sample = 0;
};

namespace detail {

/// x0 and the logarithms of the variances of a step's model, one for each element.
template <Scalar T, class D>
predict::Moments<T> model_moments(const D& denoise, const Tensor<T>& x, const Level& from,
                                  const predict::VarianceRange& range, StepVariance variance) {
  predict::Moments<T> out;
  if (variance == StepVariance::learned) {
    if constexpr (VarianceDenoiser<D, T>)
      out = denoise.moments(x, from);
    else
      raise<ArgumentError>(
          "vlb: StepVariance::learned with a denoiser that has no variance head; "
          "needed a VarianceDenoiser");
    for (T& v : out.v) v = static_cast<T>(range.log_variance(static_cast<double>(v)));
  } else {
    out.x0 = ask(denoise, x, from);
    out.v =
        Tensor<T>(x.shape(),
                  static_cast<T>(range.log_variance(variance == StepVariance::large ? 1.0 : -1.0)));
  }
  if (out.x0.shape() != x.shape() || out.v.shape() != x.shape())
    raise<ShapeError>("vlb: the denoiser returned ", out.x0.shape(), " and ", out.v.shape(),
                      " for a state ", x.shape(), "; the same shape is needed");
  return out;
}

/// The sum [B] of f(i) over the elements of each sample.
template <Scalar T, class F>
Tensor<double> sum_elements(const Tensor<T>& x, const F& f) {
  const Index B = x.dim(0), n = x.row_size();
  Tensor<double> out(Shape{B});
  for (Index b = 0; b < B; ++b)
    for (Index i = b * n; i < (b + 1) * n; ++i) out[b] += f(i);
  return out;
}

}  // namespace detail

/// KL(q(x_to | x, x0) || N(mean of x_to given x and the denoiser's x0, variance)) [B] of one step
/// from x [B, ...] at `from`, in nats, summed over elements (Ho et al. 2020, eq. 8; the means
/// differ by alpha' (1 - q^2) times the denoiser's error, q being the levels' ratio of sigma /
/// alpha). Throws ArgumentError unless `to` is cleaner and has noise.
template <Scalar T, class D>
Tensor<double> step_kl(const D& denoise, const Tensor<T>& x0, const Tensor<T>& x, const Level& from,
                       const Level& to, StepVariance variance = StepVariance::large) {
  foglift::detail::check_same_shape(x0, x, "step_kl");
  const predict::VarianceRange range(from, to);
  if (!(to.sigma > 0))
    raise<ArgumentError>("step_kl: a step to clean data is a decoder's, not a Gaussian's");
  const auto model = detail::model_moments(denoise, x, from, range, variance);
  const double q = from.alpha * to.sigma / (to.alpha * from.sigma);
  const double pull = to.alpha * (1 - q) * (1 + q);
  return detail::sum_elements(x, [&](Index i) {
    const double error = pull * (static_cast<double>(x0[i]) - static_cast<double>(model.x0[i]));
    return gaussian_kl(range.log_small, static_cast<double>(model.v[i]), error * error);
  });
}

/// KL(N(alpha x0, sigma^2) || N(0, prior_sigma^2)) [B] in nats: what the prior does not know of x0.
template <Scalar T>
Tensor<double> prior_kl(const Tensor<T>& x0, const Level& level, double prior_sigma = 1) {
  if (x0.rank() == 0 || !(level.sigma > 0 && prior_sigma > 0))
    raise<ArgumentError>("prior_kl: data ", x0.shape(), " at ", level, ", prior of deviation ",
                         prior_sigma, "; needed [B, ...] and noise");
  return detail::sum_elements(x0, [&](Index i) {
    const double mean = level.alpha * static_cast<double>(x0[i]);
    return gaussian_kl(2 * std::log(level.sigma), 2 * std::log(prior_sigma), mean * mean);
  });
}

/// -ln p(x0 | x) [B] in nats of a Gaussian around `mean` with logarithms of variances: of its
/// density, or of the integers of a scale.
template <Scalar T>
Tensor<double> decoder_nats(const Tensor<T>& x0, const Tensor<T>& mean,
                            const Tensor<T>& log_variance,
                            const std::optional<Dequantised>& scale = {}) {
  foglift::detail::check_same_shape(x0, mean, "decoder_nats");
  foglift::detail::check_same_shape(x0, log_variance, "decoder_nats");
  if (scale) scale->check("decoder_nats");
  return detail::sum_elements(x0, [&](Index i) {
    const double x = static_cast<double>(x0[i]), m = static_cast<double>(mean[i]);
    const double l = static_cast<double>(log_variance[i]);
    if (scale) return -discretised_gaussian(*scale, scale->bin(x), m, std::exp(0.5 * l));
    return 0.5 * (std::log(2 * std::numbers::pi) + l + (x - m) * (x - m) * std::exp(-l));
  });
}

/// The variational bound of data x0 [B, ...] on a chain of levels, from the noisiest to the
/// cleanest, which still has noise (Ho et al. 2020, eq. 5; Nichol & Dhariwal 2021): prior, one KL a
/// step at a state drawn for it, decoder. Noise is keyed by (rng, sample, step). The decoder's
/// variance is that of a step to clean data, whose small end is 0 and is replaced by the one of the
/// step before.
///
///   auto vlb = likelihood::vlb(denoise, x0, grid::trailing(chain, 999, grid::Last::keep), rng,
///                              {.scale = likelihood::Dequantised::centred()});
///   auto bits = likelihood::bits_per_dim(vlb.lower_bound(), 32 * 32 * 3);
///
/// With a scale the bound is in nats of the integers, and bits_per_dim takes it without one.
/// Throws ArgumentError for a grid that ends clean or is out of order, ShapeError for shapes that
/// do not fit.
template <Scalar T, class D>
Vlb vlb(const D& denoise, const Tensor<T>& x0, const TimeGrid& levels, const Rng& rng,
        const VlbOptions& options = {}) {
  grid::check(levels);
  const PackedWeights packed(denoise);
  const Level& last = levels.back();
  if (!(last.sigma > 0))
    raise<ArgumentError>("vlb: the chain ends at ", last, ", needed a last level with noise");
  const auto steps = static_cast<Index>(levels.size()) - 1;
  const auto noised = [&](const Level& level, Index step) {
    return affine(
        level.alpha, x0, level.sigma,
        rng.normal<T>(x0.shape(), options.first_sample, static_cast<std::uint32_t>(step)));
  };
  Vlb out{
      prior_kl(x0, levels.front(), options.prior_sigma), Tensor<double>({x0.dim(0), steps}), {}};
  for (Index i = 0; i < steps; ++i) {
    const Level &from = levels[static_cast<std::size_t>(i)],
                &to = levels[static_cast<std::size_t>(i + 1)];
    const Tensor<double> kl = step_kl(denoise, x0, noised(from, i), from, to, options.variance);
    for (Index b = 0; b < x0.dim(0); ++b) out.steps(b, i) = kl[b];
  }
  predict::VarianceRange range(last, grid::clean);
  range.log_small = predict::VarianceRange(levels[levels.size() - 2], last).log_small;
  const auto model =
      detail::model_moments(denoise, noised(last, steps), last, range, options.variance);
  out.decoder = decoder_nats(x0, model.x0, model.v, options.scale);
  return out;
}

}  // namespace foglift::inline v0::likelihood
