#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/diffusion/loss/levels.hpp"
#include "foglift/diffusion/loss/options.hpp"
#include "foglift/diffusion/predict/convert.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0 {
namespace detail {

/// The noise of a batch of shape `shape`, [B, ...]: standard normals, and one more for each
/// channel.
template <Scalar T>
Tensor<T> training_noise(Shape shape, const Rng& rng, const Draws& draws, double offset) {
  if (!(offset >= 0 && std::isfinite(offset)))
    raise<ArgumentError>("TrainingBatch: offset_noise ", offset, ", needed at least 0");
  auto eps = Tensor<T>::uninitialized(shape);
  const Index n = eps.row_size(), channels = shape.rank() > 1 ? shape.dim(-1) : 1;
  const auto step = static_cast<std::uint32_t>(draws.step);
  const Rng noise = rng.stream(1), shared = rng.stream(2);
  Tensor<T> of_channel(Shape{channels});
  for (Index b = 0; b < shape[0]; ++b) {
    T* row = eps.data() + b * n;
    noise.fill_normal(std::span<T>(row, static_cast<std::size_t>(n)), draws.sample(b), step);
    if (offset == 0) continue;
    shared.fill_normal(std::span<T>(of_channel.data(), static_cast<std::size_t>(channels)),
                       draws.sample(b), step);
    for (Index i = 0; i < n; ++i) row[i] += static_cast<T>(offset) * of_channel[i % channels];
  }
  return eps;
}

/// Throws ArgumentError for data of another order than `expected`: where a tenth of the counted
/// elements lie beyond 50 times that, in at least six samples and half of the batch. Of any data
/// with that deviation at most one sample in 250 is such (the inequalities of Chebyshev and
/// Markov): six of eight meet once in 10^13 batches.
template <Scalar T>
void check_scale(const Tensor<T>& x0, const Tensor<T>* weight, double expected) {
  constexpr double far = 50;
  if (!(expected > 0)) raise<ArgumentError>("TrainingBatch: data_scale must be positive");
  const Index B = x0.dim(0), n = x0.row_size();
  Index beyond = 0;
  double largest = 0;
  for (Index b = 0; b < B; ++b) {
    Index counted = 0, large = 0;
    for (Index i = b * n; i < (b + 1) * n; ++i) {
      if (weight && (*weight)[i] == 0) continue;
      const double size = std::abs(static_cast<double>(x0[i]));
      ++counted;
      large += size > far * expected;
      largest = std::max(largest, size);
    }
    beyond += large > 0 && 10 * large >= counted;
  }
  if (beyond >= std::max<Index>(6, (B + 1) / 2))
    raise<ArgumentError>("TrainingBatch: ", beyond, " of ", B, " samples have values beyond ",
                         far * expected, " (up to ", largest, "), for data of deviation ", expected,
                         "; bring the data to about [-1, 1] or unit variance and scale samples "
                         "back, or say LossOptions::data_scale");
}

/// scale * sum over i of value(i) as a Value beside the output it is of, with gradient slope(i) in
/// the output's element i. They may be called after the call: they own what they need.
template <Scalar T, class F, class G>
Tensor<T> sum_loss(const Tensor<T>& output, Index n, double scale, const F& value, const G&) {
  return total_loss<T>(n, scale, [&](Index i) { return value(output, i); });
}
template <Scalar T, class F, class G>
Var<T> sum_loss(const Var<T>& output, Index n, double scale, const F& value, const G& slope) {
  return output.tape().record(
      total_loss<T>(n, scale, [&](Index i) { return value(output.value(), i); }), {output},
      [output, scale, slope](const Tensor<T>& dy, const auto& grad) {
        grad(output, loss_gradient(output.shape(), dy, scale,
                                   [&](Index i) { return slope(output.value(), i); }));
      });
}

}  // namespace detail

/// What an element of a loss costs, and the derivatives in the outputs that it is made of.
template <std::size_t heads = 1>
struct Cost {
  double value;
  std::array<double, heads> slopes;
};

/// One draw of a training step: noisy data, and what a network is to say of it. Every loss is made
/// of these parts; a NetworkDenoiser draws one by `batch`, asks its network by `output`, and `loss`
/// or `mean` compares. Outputs may be a Tensor or a Var, and so are losses:
///
///   const auto batch = denoise.batch(x0, rng, {.step = step});
///   const Var<float> output = denoise.output(tape, batch);
///   const Var<float> loss = batch.mean(abs(output - tape.constant(batch.target)));
template <Scalar T>
struct TrainingBatch {
  LossOptions<T> options;     ///< refers to `weight` and `samples`
  Rng rng;                    ///< streams from 4 on are free
  Draws draws;                ///< refers to `samples` and `slots`
  std::vector<Level> levels;  ///< one a sample
  Tensor<T> x;                ///< alpha x0 + sigma eps [B, ...]
  Tensor<T> time;             ///< [B], the time or what the parameterization tells in its place
  Tensor<T> target;           ///< [B, ...], what the parameterization predicts

  /// Times and noise are keyed by (rng, sample, step). Throws ShapeError for an empty batch and
  /// shapes that do not fit, ArgumentError for times out of order and data of another scale.
  template <NoiseSchedule S, Parameterization P>
  TrainingBatch(Tensor<T> x0, const S& schedule, const P& parameterization, const Rng& generator,
                const Draws& keys = {.step = StepNumber::needed<S>()},
                const LossOptions<T>& how = {})
      : options(how), rng(generator), draws(keys) {
    check(x0);
    draws.check(x0.dim(0), "TrainingBatch");
    auto drawn = draw_levels(schedule, x0.dim(0), rng, draws, options);
    levels = std::move(drawn.levels);
    factors_ = std::move(drawn.factors);
    time = Tensor<T>(Shape{x0.dim(0)});
    for (Index b = 0; b < x0.dim(0); ++b)
      time[b] = static_cast<T>(predict::condition(parameterization, level(b)));
    if constexpr (requires { parameterization.scale(levels[0]); })
      for (const Level& l : levels) scales_.push_back(parameterization.scale(l));
    auto eps = options.noise
                   ? *options.noise
                   : detail::training_noise<T>(x0.shape(), rng, draws, options.offset_noise);
    if (options.weight)
      for (Index i = 0; i < x0.size(); ++i)
        if ((*options.weight)[i] == 0 && !std::isfinite(x0[i])) x0[i] = 0;
    detail::check_scale(
        x0, options.weight,
        options.data_scale == 0 ? data_scale_of(parameterization) : options.data_scale);
    if (options.assign_noise) eps = assign_noise(x0, eps);
    x = affine(x0, eps, [&](Index b) { return Mix{level(b).alpha, level(b).sigma}; });
    target = predict::target(parameterization, std::move(x0), eps, levels);
  }

  const Level& level(Index b) const { return levels[static_cast<std::size_t>(b)]; }

  /// x as the network is shown it.
  Tensor<T> input() const {
    if (scales_.empty()) return x;
    return scale(x, x.dim(0), [&](Index b) { return scales_[static_cast<std::size_t>(b)]; });
  }

  /// sum(level_weight w penalty(output - target)) / sum(w), w = the elements' weights, or 1: with
  /// no option set, the mean squared error (Ho et al. 2020, eq. 14). Throws ShapeError for an
  /// output of another shape than the target, NumericError for a level weight that is not finite.
  template <Value X>
  X loss(const X& output) const {
    if (!options.level_weight && factors_.empty() && options.penalty.squared() &&
        !options.samples) {
      check_shape(output.shape(), 1);
      return options.weight ? weighted_mse(output, target, *options.weight) : mse(output, target);
    }
    return mean<1>(output, [p = options.penalty, target = target](Index i, const auto& f) {
      const double error = f[0] - static_cast<double>(target[i]);
      return Cost<1>{p.value(error), {p.slope(error)}};
    });
  }

  /// sum(level_weight w value) / sum(w) of a value for each element, shape of the target: the loss
  /// of any other distance. Throws as loss does.
  template <Value X>
  X mean(const X& value) const {
    return mean<1>(value, [](Index, const auto& v) { return Cost<1>{v[0], {1}}; });
  }

  /// The same of law(i, f) -> Cost<heads> for element i of the target, of sample i /
  /// target.row_size(), where f are its `heads` outputs: of data [B, ..., C] the output is [B, ...,
  /// heads C], head after head. Elements of weight 0 do not count, and law is not asked of them. It
  /// may be asked after the call, and owns what it needs.
  template <std::size_t heads, Value X, class Law>
  X mean(const X& output, const Law& law) const {
    check_shape(output.shape(), heads);
    const Index C = heads == 1 ? target.size() : target.dim(-1);
    const auto weights = this->weights();
    const auto cost = [law, C](const Tensor<T>& out, Index i) {
      std::array<double, heads> f;
      for (std::size_t h = 0; h < heads; ++h)
        f[h] = static_cast<double>(out[(i / C * Index{heads} + static_cast<Index>(h)) * C + i % C]);
      return law(i, f);
    };
    tell(weights.each, [&](Index i) { return cost(value_of(output), i).value; });
    return detail::sum_loss(
        output, target.size(), weights.scale,
        [cost, w = weights.each](const Tensor<T>& out, Index i) {
          return w[i] > 0 ? w[i] * cost(out, i).value : 0;
        },
        [cost, w = weights.each, C](const Tensor<T>& out, Index j) {
          const Index i = j / (Index{heads} * C) * C + j % C, head = j / C % Index{heads};
          return w[i] > 0 ? w[i] * cost(out, i).slopes[static_cast<std::size_t>(head)] : 0;
        });
  }

 private:
  template <class P>
  static double data_scale_of(const P& parameterization) {
    if constexpr (requires { parameterization.sigma_data(); })
      return parameterization.sigma_data();
    else
      return 1;
  }

  void check_shape(const Shape& output, Index heads) const {
    const Shape& shape = target.shape();
    if (heads == 1 ? output != shape
                   : shape.rank() < 2 || output != shape.with(-1, heads * shape.dim(-1)))
      raise<ShapeError>("TrainingBatch: an output ", output, " for data ", shape, ", needed ",
                        heads == 1 ? "the same shape" : "[B, ..., C] and a channel for each head");
  }

  /// The factor of `reweight`.
  double factor(Index b) const {
    return factors_.empty() ? 1 : factors_[static_cast<std::size_t>(b)];
  }
  double weight(Index i) const {
    return options.weight ? static_cast<double>((*options.weight)[i]) : 1;
  }

  /// What each element counts for, level_weight * weight * factor, and 1 / sum(weight), or 0.
  struct Weights {
    Tensor<double> each;
    double scale;
  };
  Weights weights() const {
    Weights out{Tensor<double>(target.shape(), 1.0), 0};
    const Index n = target.row_size();
    double sum = 0;
    for (Index b = 0; b < target.dim(0); ++b) {
      const double at_level = options.level_weight ? options.level_weight(level(b)) : 1;
      if (!(at_level >= 0 && std::isfinite(at_level)))
        raise<NumericError>("TrainingBatch: weight ", at_level, " at ", level(b),
                            ", must be finite and not negative");
      for (Index i = b * n; i < (b + 1) * n; ++i) {
        const double w = weight(i);
        if (!(w >= 0 && std::isfinite(w)))
          raise<ArgumentError>("TrainingBatch: weight ", w, ", must be finite and not negative");
        sum += w;
        out.each[i] = at_level * factor(b) * w;
      }
    }
    out.scale = sum > 0 ? 1 / sum : 0;
    return out;
  }

  /// Tells options.samples the mean loss of each sample, from value(i) of element i.
  template <class F>
  void tell(const Tensor<double>& each, const F& value) const {
    if (!options.samples) return;
    *options.samples = {};
    const Index n = target.row_size();
    for (Index b = 0; b < target.dim(0); ++b) {
      double sum = 0, count = 0;
      for (Index i = b * n; i < (b + 1) * n; ++i) {
        count += weight(i);
        if (each[i] > 0) sum += each[i] * value(i);
      }
      if (!(count > 0)) continue;
      options.samples->time.push_back(level(b).t);
      options.samples->loss.push_back(sum / (count * factor(b)));
    }
  }

  void check(const Tensor<T>& x0) const {
    if (x0.rank() == 0 || x0.empty())
      raise<ShapeError>("TrainingBatch: data ", x0.shape(), ", needed [B, ...], not empty");
    if (options.weight && options.weight->shape() != x0.shape())
      raise<ShapeError>("TrainingBatch: weight ", options.weight->shape(), " for data ", x0.shape(),
                        "; the same shape is needed");
    if (options.noise && options.noise->shape() != x0.shape())
      raise<ShapeError>("TrainingBatch: noise ", options.noise->shape(), " for data ", x0.shape(),
                        "; the same shape is needed");
  }

  std::vector<double> scales_, factors_;  // of the input, and of `reweight`; empty: 1
};

}  // namespace foglift::inline v0
