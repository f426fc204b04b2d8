#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/times.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {

template <Scalar T = float>
struct LossOptions {
  Times times = Times::stratified;
  /// Times are drawn between these.
  double t_min = 0, t_max = 1;
  /// Weight of the squared error at a level; empty: 1, the "simple" loss of the parameterization.
  /// predict::min_snr(parameterization) makes one.
  std::function<double(const Level&)> level_weight = {};
  /// Weight of each element, shape of x0; nullptr: all 1. An element of weight 0 does not count,
  /// and where it is not finite (a missing value) the network is shown noise around 0.
  const Tensor<T>* weight = nullptr;
};

namespace detail {

/// One draw of a training batch.
template <Scalar T>
struct NoisyBatch {
  std::vector<Level> levels;
  Tensor<T> x, time, target;  // [B, ...], [B], [B, ...]

  template <NoiseSchedule S, Parameterization P>
  NoisyBatch(Tensor<T> x0, const S& schedule, const P& parameterization, const Rng& rng,
             const Draws& draws, const LossOptions<T>& options) {
    if (x0.rank() == 0 || x0.empty())
      raise<ShapeError>("diffusion_loss: data ", x0.shape(), ", needed [B, ...], not empty");
    if (!(options.t_min >= 0 && options.t_min <= options.t_max && options.t_max <= 1))
      raise<ArgumentError>("diffusion_loss: times from ", options.t_min, " to ", options.t_max,
                           ", needed 0 <= t_min <= t_max <= 1");
    if (options.weight && options.weight->shape() != x0.shape())
      raise<ShapeError>("diffusion_loss: weight ", options.weight->shape(), " for data ",
                        x0.shape(), "; the same shape is needed");
    const Index batch = x0.dim(0), n = x0.row_size();
    draws.check(batch, "diffusion_loss");
    time = Tensor<T>(Shape{batch});
    for (const double u : draw_times(options.times, rng.stream(0), batch, draws))
      levels.push_back(schedule.at(options.t_min + (options.t_max - options.t_min) * u));
    auto eps = Tensor<T>::uninitialized(x0.shape());
    const Rng noise = rng.stream(1);
    for (Index b = 0; b < batch; ++b) {
      time[b] = static_cast<T>(levels[static_cast<std::size_t>(b)].t);
      noise.fill_normal(std::span<T>(eps.data() + b * n, static_cast<std::size_t>(n)),
                        draws.sample(b), static_cast<std::uint32_t>(draws.step));
    }
    if (options.weight)
      for (Index i = 0; i < x0.size(); ++i)
        if ((*options.weight)[i] == 0 && !std::isfinite(x0[i])) x0[i] = 0;
    x = affine(x0, eps, [&](Index b) {
      const Level& l = levels[static_cast<std::size_t>(b)];
      return Mix{l.alpha, l.sigma};
    });
    target = predict::target(parameterization, std::move(x0), eps, levels);
  }

  /// sum(level_weight * weight * error^2) / sum(weight).
  template <Value X>
  X loss(const X& predicted, const LossOptions<T>& options) const {
    if (!options.level_weight)
      return options.weight ? weighted_mse(predicted, target, *options.weight)
                            : mse(predicted, target);
    Tensor<T> each = options.weight ? *options.weight : Tensor<T>(target.shape(), T(1));
    const Index n = each.row_size();
    double sum = 0, sum_each = 0;
    for (Index b = 0; b < each.dim(0); ++b) {
      const double at_level = options.level_weight(levels[static_cast<std::size_t>(b)]);
      for (Index i = b * n; i < (b + 1) * n; ++i) {
        sum += static_cast<double>(each[i]);
        each[i] = static_cast<T>(at_level * static_cast<double>(each[i]));
        sum_each += static_cast<double>(each[i]);
      }
    }
    // weighted_mse divides by sum(level_weight * weight)
    return mul(weighted_mse(predicted, target, each), sum > 0 ? sum_each / sum : 0.0);
  }
};

}  // namespace detail

/// The training loss of a network (Ho et al. 2020, eq. 14, for any parameterization): data x0
/// [B, ...] is noised to a time drawn for each sample, and the network's output is compared with
/// the parameterization's target:
///   sum(level_weight w (net(x, time) - target)^2) / sum(w),  w = the elements' weights, or 1.
/// `net(x, time)` is called once, with x a Var [B, ...] of the tape and time a Tensor [B] in [0,
/// 1]. Times and noise are keyed by (rng, sample, step), see Draws. Throws ShapeError for an empty
/// batch and shapes that do not fit, ArgumentError for times out of order.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Var<T> diffusion_loss(Tape<T>& tape, const Net& net, const Tensor<std::type_identity_t<T>>& x0,
                      const S& schedule, const P& parameterization, const Rng& rng,
                      const Draws& draws = {}, const LossOptions<T>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Var<T> predicted = net(tape.constant(batch.x), batch.time);
  return batch.loss(predicted, options);
}

/// The same number without a tape, of shape []: to judge a network. x is a Tensor.
template <Scalar T, class Net, NoiseSchedule S, Parameterization P>
Tensor<T> diffusion_loss(const Net& net, const Tensor<T>& x0, const S& schedule,
                         const P& parameterization, const Rng& rng, const Draws& draws = {},
                         const LossOptions<std::type_identity_t<T>>& options = {}) {
  const detail::NoisyBatch<T> batch(x0, schedule, parameterization, rng, draws, options);
  const Tensor<T> predicted = net(batch.x, batch.time);
  return batch.loss(predicted, options);
}

}  // namespace v0
}  // namespace foglift
