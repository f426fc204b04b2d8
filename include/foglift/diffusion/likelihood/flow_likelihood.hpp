#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/likelihood/trace.hpp"
#include "foglift/diffusion/process.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/solver/parts/dormand_prince.hpp"
#include "foglift/diffusion/solver/parts/flow_slope.hpp"

namespace foglift::inline v0::likelihood {

struct FlowOptions {
  /// Of the way of x / sqrt(alpha^2 + sigma^2), and, on its own, of the integral of the divergence
  /// in nats.
  double rtol = 1e-5, atol = 1e-5;
  /// For each sample.
  Index max_evaluations = 100000;
};

/// What the flow says of a batch.
template <Scalar T>
struct FlowDensity {
  Tensor<double> log_density;  ///< [B], in nats
  Tensor<T> latent;            ///< where the flow leads each sample: its encoding [B, ...]
  solver::StepReport report;   ///< evaluations are those of the trace rule's batches of products
};

namespace detail {
template <class P, class T>
concept HasPriorLogp = requires(const P& prior, const Tensor<T>& x) {
  { prior.prior_logp(x) } -> std::convertible_to<Tensor<double>>;
};
}  // namespace detail

/// Log density of x [B, ...] at the level `from` under the probability flow that leads a prior at
/// the noisier level `to` there (Song et al. 2021, eq. 39): with v and u = x / norm of solver::Arc,
///   ln p(u_from) = ln p(u_to) + int_from^to div(du / dv) dv,
///   div = tr(norm J - tanh(v) I),  J = d x0 / d x,
/// and ln p(x) = ln p(u) - n ln(norm). `prior` is a process, or gives the log density [B] of states
/// at `to`: prior(x). The trace rule is ExactTrace, Hutchinson or HutchPlusPlus. Each sample is
/// integrated with steps of its own, and its number does not depend on its companions: the denoiser
/// is asked about those on their way, or, where it does not know its rows (KnowsRows), about the
/// whole batch each time. `from` needs some noise: the flow does not leave clean data. Throws
/// ArgumentError for levels out of order, ShapeError for a scalar and for samples without elements,
/// NumericError where the tolerance is not met.
template <Scalar T, class D, class Prior, class Trace = ExactTrace>
FlowDensity<T> flow_density(const D& denoise, const Tensor<T>& x, const Level& from,
                            const Level& to, const Prior& prior, const Trace& trace = {},
                            const FlowOptions& options = {}) {
  if (x.rank() == 0 || x.row_size() == 0)
    raise<ShapeError>("flow_density: state ", x.shape(), ", needed [B, ...] with elements");
  const solver::Tolerance tolerance{options.rtol, options.atol, options.max_evaluations};
  tolerance.check("flow_density");
  solver::detail::check_noise(from, "flow_density");
  if (!(to.ratio() > from.ratio()))
    raise<ArgumentError>("flow_density: from ", from, " to ", to, ", needed more noise there");
  const PackedWeights packed(denoise);
  const Index batch = x.dim(0), n = x.row_size(), m = n + 1;
  const solver::Arc arc(from, to);
  solver::AdaptiveState steps;
  std::vector<Level>& levels = steps.work.levels;
  foglift::detail::AskedOfFewer asked(denoise, batch);
  const auto traces = trace.template start<T>(x.shape());
  const auto slope = [&](std::span<const Index> samples, std::span<const double> at,
                         const Tensor<double>& u) {
    solver::detail::levels_on(arc, at, levels);
    const auto state = solver::detail::states<T>(u, x.shape(), levels);
    Tensor<T> x0;
    // of du / dv itself: near data norm J is tanh(v) I but for little, and only that has noise
    const auto coefficients = [&](Index a) {
      const auto row = static_cast<std::size_t>(a);
      return Mix{std::hypot(levels[row].alpha, levels[row].sigma), -std::tanh(at[row])};
    };
    const Tensor<double> divergence = traces(samples, [&](const Tensor<T>& v) {
      Pulled<T> pulled = asked.of(samples, [&](const auto& left) {
        return pullback(left, state, levels, [&](const Tensor<T>&) { return v; });
      });
      x0 = std::move(pulled.x0);
      return affine(std::move(pulled.gradient), v, coefficients);
    });
    auto out = Tensor<double>::uninitialized(u.shape());
    solver::detail::flow_slopes(u, x0, at, out);
    for (Index a = 0; a < u.dim(0); ++a) out[a * m + n] = divergence[a];
    return out;
  };
  Tensor<double> start({batch, m});
  const Tensor<double> first = solver::detail::on_arc(x, from);
  for (Index b = 0; b < batch; ++b) std::copy_n(first.data() + b * n, n, start.data() + b * m);
  steps.begin(batch);
  const Tensor<double> end =
      solver::dormand_prince(std::move(start), arc.first(), arc.last(), slope, tolerance, steps, 1);
  FlowDensity<T> out;
  out.latent = solver::detail::states<T>(end, x.shape(), to);
  if constexpr (detail::HasPriorLogp<Prior, T>)
    out.log_density = prior.prior_logp(out.latent);
  else
    out.log_density = prior(out.latent);
  if (out.log_density.size() != batch)
    raise<ShapeError>("flow_density: the prior gave ", out.log_density.shape(), " for a batch of ",
                      batch);
  const double growth =
      std::log(std::hypot(to.alpha, to.sigma) / std::hypot(from.alpha, from.sigma));
  for (Index b = 0; b < batch; ++b)
    out.log_density[b] += end[b * m + n] + static_cast<double>(n) * growth;
  out.report = std::move(steps.counts);
  return out;
}

/// Times of a process between which the flow is followed.
struct TimeSpan {
  double t_min = 1e-5, t_max = 1;
};

/// Log density [B] in nats of x [B, ...], a state at time t_min of a process, by the flow to its
/// prior at t_max. Throws as flow_density does.
///
///   auto nats = likelihood::log_density(denoise, x, process, likelihood::Hutchinson{Rng(1)});
template <Scalar T, class D, ForwardProcess P, class Trace = ExactTrace>
Tensor<double> log_density(const D& denoise, const Tensor<T>& x, const P& process,
                           const Trace& trace = {}, const FlowOptions& options = {},
                           TimeSpan times = {}) {
  return flow_density(denoise, x, process.at(times.t_min), process.at(times.t_max), process, trace,
                      options)
      .log_density;
}

}  // namespace foglift::inline v0::likelihood
