#pragma once

#include "foglift/diffusion/loss/noisy_batch.hpp"

#include <utility>

namespace foglift {
inline namespace v0 {
namespace detail {

/// sum(level_weight * weight * factor * penalty(error)) / sum(weight).
template <Value X>
X batch_loss(const NoisyBatch<scalar_of<X>>& batch, const X& predicted,
             const LossOptions<scalar_of<X>>& options) {
  using T = scalar_of<X>;
  if (predicted.shape() != batch.target.shape())
    raise<ShapeError>("diffusion_loss: the network returned ", predicted.shape(), " for data ",
                      batch.target.shape(), "; the same shape is needed");
  const auto error = [target = batch.target](const Tensor<T>& p, Index i) {
    return static_cast<double>(p[i]) - static_cast<double>(target[i]);
  };
  const auto law = [penalty = options.penalty](double d) { return penalty.value(d); };
  const bool plain = !options.level_weight && batch.factors.empty() && options.penalty.squared();
  if (plain && !options.samples)
    return options.weight ? weighted_mse(predicted, batch.target, *options.weight)
                          : mse(predicted, batch.target);
  auto [each, scale] = batch.weights(options);
  batch.tell(options, each, [&](Index i) { return law(error(value_of(predicted), i)); });
  return sum_loss(
      predicted, batch.target.size(), scale,
      [w = each, error, law](const Tensor<T>& p, Index i) {
        return w[i] > 0 ? w[i] * law(error(p, i)) : 0;
      },
      [w = each, error, penalty = options.penalty](const Tensor<T>& p, Index i) {
        return w[i] > 0 ? w[i] * penalty.slope(error(p, i)) : 0;
      });
}

}  // namespace detail

/// The training loss of a network (Ho et al. 2020, eq. 14, for any parameterization): data x0
/// [B, ...] is noised to a time drawn for each sample, and the network's output is compared with
/// the parameterization's target:
///   sum(level_weight w penalty(net(x, time) - target)) / sum(w),  w = the elements' weights, or 1.
/// `net(x, time)` is called once, with x a Var [B, ...] of the tape and time a Tensor [B] in [0,
/// 1]; both are what NetworkDenoiser shows the network, so a parameterization with `scale` or
/// `condition` has its word. With predict::FlowVelocity it is flow matching; weights (weight::),
/// penalties, time densities (density::) and noise are options. Times and noise are keyed by (rng,
/// sample, step), see Draws; the step must be given, and a loop that does not count it would train
/// on one draw. Throws ShapeError for an empty batch and shapes that do not fit,
/// ArgumentError for times out of order, NumericError for a level weight that is not finite.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Var<T> diffusion_loss(Tape<T>& tape, const Net& net, const Tensor<std::type_identity_t<T>>& x0,
                      const S& schedule, const P& parameterization, const Rng& rng,
                      const Draws& draws = {.step = StepNumber::needed<T>()},
                      const LossOptions<T>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Var<T> predicted = net(tape.constant(batch.input(parameterization)), batch.time);
  return detail::batch_loss(batch, predicted, options);
}

/// The same number without a tape, of shape []: to judge a network. x is a Tensor.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Tensor<T> diffusion_loss(const Net& net, const Tensor<T>& x0, const S& schedule,
                         const P& parameterization, const Rng& rng,
                         const Draws& draws = {.step = StepNumber::needed<T>()},
                         const LossOptions<std::type_identity_t<T>>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Tensor<T> predicted = net(batch.input(parameterization), batch.time);
  return detail::batch_loss(batch, predicted, options);
}

}  // namespace v0
}  // namespace foglift
