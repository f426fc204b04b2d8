#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/diffusion/density/steps.hpp"
#include "foglift/diffusion/loss/noisy_batch.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Losses of networks with two heads, as VarianceNetwork reads them: net(x, time) is [..., 2 C] for
/// data [..., C], first the prediction f, then the variance head v. Options as for diffusion_loss,
/// but for `penalty`, which must be the squared one.

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

/// What an element of a two-headed loss is worth, and its derivatives in f and v.
struct TwoSlopes {
  double value, df, dv;
};

/// sum(each * law(b, f - target, v)) / sum(weight); law gives TwoSlopes for an element of sample b.
template <Value X, class Law>
X two_head_loss(const NoisyBatch<scalar_of<X>>& batch, const X& output,
                const LossOptions<scalar_of<X>>& options, const Law& law) {
  using T = scalar_of<X>;
  const Shape& shape = batch.target.shape();
  if (shape.rank() < 2 || output.shape() != shape.with(-1, 2 * shape.dim(-1)))
    raise<ShapeError>("two-headed loss: the network returned ", output.shape(), " for data ", shape,
                      ", needed [B, ..., C] and twice the channels");
  if (!options.penalty.squared())
    raise<ArgumentError>("two-headed loss: the penalty must be the squared error");
  const Index C = shape.dim(-1), n = batch.target.row_size();
  const auto weights = batch.weights(options);
  const auto at = [law, C, n, w = weights.each, target = batch.target](const Tensor<T>& out,
                                                                       Index i) {
    if (!(w[i] > 0)) return TwoSlopes{0, 0, 0};
    const Index j = i / C * 2 * C + i % C;
    const double d = static_cast<double>(out[j]) - static_cast<double>(target[i]);
    const TwoSlopes s = law(i / n, d, static_cast<double>(out[j + C]));
    return TwoSlopes{w[i] * s.value, w[i] * s.df, w[i] * s.dv};
  };
  const Tensor<double> ones(shape, 1.0);
  batch.tell(options, ones, [&](Index i) { return at(value_of(output), i).value; });
  return sum_loss(
      output, batch.target.size(), weights.scale,
      [at](const Tensor<T>& out, Index i) { return at(out, i).value; },
      [at, C](const Tensor<T>& out, Index j) {
        const TwoSlopes s = at(out, j / (2 * C) * C + j % C);
        return j / C % 2 == 0 ? s.df : s.dv;
      });
}

/// d^2 e^-v / 2 + v / 2.
inline TwoSlopes heteroscedastic(double d, double v) {
  const double precision = std::exp(-v);
  return {0.5 * (d * d * precision + v), d * precision, 0.5 * (1 - d * d * precision)};
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

  TwoSlopes operator()(double d, double v) const {
    const double half = 0.5 * (v + 1), e = mean * d;
    const double log_variance = half * log_large + (1 - half) * log_small;
    const double precision = std::exp(-log_variance);
    const double value =
        decoder ? 0.5 * (std::log(2 * std::numbers::pi) + log_variance + e * e * precision)
                : gaussian_kl(e, log_posterior, log_variance);
    const double spread = (decoder ? 0 : std::exp(log_posterior)) + e * e;
    return {value, mean * e * precision,
            0.5 * (1 - spread * precision) * 0.5 * (log_large - log_small)};
  }
};

template <Scalar T, class Net, class Make, NoiseSchedule S, Parameterization P>
auto hybrid_loss(const Net& net, const Make& make, const Tensor<T>& x0, const S& schedule,
                 const P& p, const Rng& rng, const Draws& draws, const HybridOptions& hybrid,
                 LossOptions<T> options) {
  if (hybrid.steps < 1 || !(hybrid.simple >= 0 && hybrid.bound >= 0))
    raise<ArgumentError>("hybrid_loss: steps ", hybrid.steps, ", simple ", hybrid.simple,
                         ", bound ", hybrid.bound, ", needed at least 1, 0, 0");
  if (options.density)
    options.density = density::Steps(hybrid.steps, options.density);
  else
    options.density = density::Steps(hybrid.steps);
  const NoisyBatch<T> batch(x0, schedule, p, rng, draws, options);
  std::vector<ChainTerm> terms;
  for (const Level& l : batch.levels) terms.emplace_back(schedule, p, l, hybrid.steps);
  const auto law = [terms = std::move(terms), hybrid](Index b, double d, double v) {
    const double scale = hybrid.bound * static_cast<double>(hybrid.steps);
    const TwoSlopes s = terms[static_cast<std::size_t>(b)](d, v);
    return TwoSlopes{hybrid.simple * d * d + scale * s.value,
                     2 * hybrid.simple * d + (hybrid.stop_mean ? 0 : scale * s.df), scale * s.dv};
  };
  return two_head_loss(batch, net(make(batch.input(p)), batch.time), options, law);
}

}  // namespace detail

/// L_simple + bound * L_vlb for a network that also learns the variance of its steps (Nichol &
/// Dhariwal 2021, eq. 15-16): at times k / T of a chain of T steps of the schedule,
///   simple (f - target)^2 + bound T KL(q(x_(k-1) | x_k, x0) || N(mean of x0', e^lv)),
/// lv = w ln(beta) + (1 - w) ln(beta~), w = (v + 1) / 2. The step that ends in clean data has -ln
/// of the normal density of x0 for its term, and step 2's beta~. simple = 0, bound = 1, stop_mean =
/// false is the variational bound itself, but for the prior's term, in nats an element. In units of
/// the paper, whose bound is in bits, bound = 0.001 ln 2. options.density spreads the steps.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Var<T> hybrid_loss(Tape<T>& tape, const Net& net, const Tensor<std::type_identity_t<T>>& x0,
                   const S& schedule, const P& parameterization, const Rng& rng,
                   const Draws& draws = {.step = StepNumber::needed<T>()},
                   const HybridOptions& hybrid = {}, const LossOptions<T>& options = {}) {
  return detail::hybrid_loss(
      net, [&](Tensor<T> x) { return tape.constant(std::move(x)); }, x0, schedule, parameterization,
      rng, draws, hybrid, options);
}
/// The same number without a tape.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Tensor<T> hybrid_loss(const Net& net, const Tensor<T>& x0, const S& schedule,
                      const P& parameterization, const Rng& rng,
                      const Draws& draws = {.step = StepNumber::needed<T>()},
                      const HybridOptions& hybrid = {},
                      const LossOptions<std::type_identity_t<T>>& options = {}) {
  return detail::hybrid_loss(
      net, [](Tensor<T> x) { return x; }, x0, schedule, parameterization, rng, draws, hybrid,
      options);
}

/// The negative log-likelihood of the target under N(f, e^v), without its constant: ((f - target)^2
/// e^-v + v) / 2 (Nix & Weigend 1994; Kendall & Gal 2017), weighted like diffusion_loss. Least
/// where f is the mean and e^v the mean square error.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Var<T> heteroscedastic_loss(Tape<T>& tape, const Net& net,
                            const Tensor<std::type_identity_t<T>>& x0, const S& schedule,
                            const P& parameterization, const Rng& rng,
                            const Draws& draws = {.step = StepNumber::needed<T>()},
                            const LossOptions<T>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Var<T> output = net(tape.constant(batch.input(parameterization)), batch.time);
  return detail::two_head_loss(batch, output, options, [](Index, double d, double v) {
    return detail::heteroscedastic(d, v);
  });
}
/// The same number without a tape.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Tensor<T> heteroscedastic_loss(const Net& net, const Tensor<T>& x0, const S& schedule,
                               const P& parameterization, const Rng& rng,
                               const Draws& draws = {.step = StepNumber::needed<T>()},
                               const LossOptions<std::type_identity_t<T>>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Tensor<T> output = net(batch.input(parameterization), batch.time);
  return detail::two_head_loss(batch, output, options, [](Index, double d, double v) {
    return detail::heteroscedastic(d, v);
  });
}

}  // namespace v0
}  // namespace foglift
