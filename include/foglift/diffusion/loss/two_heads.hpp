#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/diffusion/density/steps.hpp"
#include "foglift/diffusion/loss/batch.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// Losses of networks with two heads, as VarianceNetwork reads them: net(x, time) is [..., 2 C] for
/// data [..., C], first the prediction f, then the variance head v.

/// The divergence KL(N(m, e^p) || N(m + d, e^q)) of two normal distributions, in nats.
inline double gaussian_kl(double d, double log_variance_p, double log_variance_q) {
  const double gap = log_variance_p - log_variance_q;
  return 0.5 * (std::expm1(gap) - gap + d * d * std::exp(-log_variance_q));
}

/// Terms of hybrid_loss.
struct HybridOptions {
  Index steps = 1000;     ///< T of the chain
  double simple = 1;      ///< factor of the squared error
  double bound = 0.001;   ///< factor of the bound in nats an element, T times a step's term
  bool stop_mean = true;  ///< the bound trains the variance alone
};

namespace detail {

/// Throws ArgumentError for a batch whose penalty is not the squared one.
template <Scalar T>
void check_penalty(const TrainingBatch<T>& batch) {
  if (!batch.options.penalty.squared())
    raise<ArgumentError>("two-headed loss: the penalty must be the squared error");
}

/// A step of the chain in the bound for one sample; see hybrid_loss.
struct ChainTerm {
  double log_small, log_large;  // the range of the variance head
  double log_posterior;         // of the earlier state given x and x0
  double mean;                  // factor from an error of f to one of the step's mean
  bool decoder;

  template <NoiseSchedule S, Parameterization P>
  ChainTerm(const S& schedule, const P& p, const Level& from, Index steps) {
    const auto T = static_cast<double>(steps), k = std::round(from.t * T);
    if (!(k >= 1 && std::abs(from.t * T - k) < 1e-6))
      raise<ArgumentError>("hybrid_loss: a batch of time ", from.t, ", needed are times k / ",
                           steps, ", k > 0: draw it with density::Steps(", steps, ")");
    const auto level = [&](double step) { return schedule.at(std::clamp(step / T, 0.0, 1.0)); };
    const Level to = level(k - 1);
    const double q = from.alpha * to.sigma / (to.alpha * from.sigma);
    const predict::VarianceRange range(from, to);
    decoder = !(to.sigma > 0);
    log_posterior = range.log_small;
    log_large = range.log_large;
    log_small = !decoder    ? range.log_small
                : steps > 1 ? predict::VarianceRange(level(k + 1), from).log_small
                            : range.log_large;
    mean = to.alpha * (1 - q * q) * p.x0(from).b;
  }

  Cost<2> operator()(double d, double v) const {
    const double half = 0.5 * (v + 1), e = mean * d;
    const double log_variance = half * log_large + (1 - half) * log_small;
    const double precision = std::exp(-log_variance);
    const double value =
        decoder ? 0.5 * (std::log(2 * std::numbers::pi) + log_variance + e * e * precision)
                : gaussian_kl(e, log_posterior, log_variance);
    const double spread = (decoder ? 0 : std::exp(log_posterior)) + e * e;
    return {value,
            {mean * e * precision, 0.5 * (1 - spread * precision) * 0.5 * (log_large - log_small)}};
  }
};

}  // namespace detail

/// L_simple + bound * L_vlb for a network that also learns the variance of its steps (Nichol &
/// Dhariwal 2021, eq. 15-16): at times k / T of a chain of T steps of the schedule,
///   simple (f - target)^2 + bound T KL(q(x_(k-1) | x_k, x0) || N(mean of x0', e^lv)),
/// lv = w ln(beta) + (1 - w) ln(beta~), w = (v + 1) / 2. The step that ends in clean data has -ln
/// of the normal density of x0 for its term, and step 2's beta~. simple = 0, bound = 1, stop_mean =
/// false is the variational bound itself, but for the prior's term, in nats an element. In units of
/// the paper, whose bound is in bits, bound = 0.001 ln 2. The batch's times are those of the chain:
///
///   const auto batch = denoise.batch(x0, rng, {.step = step}, {.density = density::Steps(1000)});
///   const auto loss = hybrid_loss(denoise, batch, denoise.output(tape, batch));
///
/// Throws ShapeError for an output that is not [B, ..., 2 C], ArgumentError for times that are not
/// the chain's, a penalty that is not the squared one, and negative numbers.
template <class D, Value X>
X hybrid_loss(const D& denoise, const TrainingBatch<scalar_of<X>>& batch, const X& output,
              const HybridOptions& hybrid = {}) {
  detail::check_penalty(batch);
  if (hybrid.steps < 1 || !(hybrid.simple >= 0 && hybrid.bound >= 0))
    raise<ArgumentError>("hybrid_loss: steps ", hybrid.steps, ", simple ", hybrid.simple,
                         ", bound ", hybrid.bound, ", needed at least 1, 0, 0");
  std::vector<detail::ChainTerm> terms;
  for (const Level& l : batch.levels)
    terms.emplace_back(denoise.schedule(), denoise.parameterization(), l, hybrid.steps);
  const double scale = hybrid.bound * static_cast<double>(hybrid.steps);
  return batch.template mean<2>(output, [terms = std::move(terms), hybrid, scale,
                                         target = batch.target](Index i, const auto& f) {
    const double d = f[0] - static_cast<double>(target[i]);
    const Cost<2> s = terms[static_cast<std::size_t>(i / target.row_size())](d, f[1]);
    const double slope = 2 * hybrid.simple * d + (hybrid.stop_mean ? 0 : scale * s.slopes[0]);
    return Cost<2>{hybrid.simple * d * d + scale * s.value, {slope, scale * s.slopes[1]}};
  });
}

/// The negative log-likelihood of the target under N(f, e^v), without its constant: ((f - target)^2
/// e^-v + v) / 2 (Nix & Weigend 1994; Kendall & Gal 2017), weighted as the batch says. Least where
/// f is the mean and e^v the mean square error. Throws ShapeError for an output that is not [B,
/// ..., 2 C], ArgumentError for a penalty that is not the squared one.
template <Value X>
X heteroscedastic_loss(const TrainingBatch<scalar_of<X>>& batch, const X& output) {
  detail::check_penalty(batch);
  return batch.template mean<2>(output, [target = batch.target](Index i, const auto& f) {
    const double d = f[0] - static_cast<double>(target[i]), precision = std::exp(-f[1]);
    return Cost<2>{0.5 * (d * d * precision + f[1]),
                   {d * precision, 0.5 * (1 - d * d * precision)}};
  });
}

}  // namespace foglift::inline v0
