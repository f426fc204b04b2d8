#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/diffusion/loss/assignment.hpp"
#include "foglift/diffusion/loss/options.hpp"
#include "foglift/diffusion/predict/convert.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace detail {

/// The noise of a batch of shape `shape`, [B, ...]: standard normals, and one more for each
/// channel.
template <Scalar T>
Tensor<T> training_noise(Shape shape, const Rng& rng, const Draws& draws, double offset) {
  if (!(offset >= 0 && std::isfinite(offset)))
    raise<ArgumentError>("diffusion_loss: offset_noise ", offset, ", needed at least 0");
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
  if (!(expected > 0)) raise<ArgumentError>("diffusion_loss: data_scale must be positive");
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
    raise<ArgumentError>("diffusion_loss: ", beyond, " of ", B, " samples have values beyond ",
                         far * expected, " (up to ", largest, "), for data of deviation ", expected,
                         "; bring the data to about [-1, 1] or unit variance and scale samples "
                         "back, or say LossOptions::data_scale");
}

/// One draw of a training batch.
template <Scalar T>
struct NoisyBatch {
  std::vector<Level> levels;
  std::vector<double> factors;  // of `reweight`; empty: 1
  Tensor<T> x, time, target;    // [B, ...], [B], [B, ...]

  template <NoiseSchedule S, Parameterization P>
  NoisyBatch(Tensor<T> x0, const S& schedule, const P& parameterization, const Rng& rng,
             const Draws& draws, const LossOptions<T>& options) {
    check(x0, options);
    draws.check(x0.dim(0), "diffusion_loss");
    draw_levels(schedule, rng, x0.dim(0), draws, options);
    time = Tensor<T>(Shape{x0.dim(0)});
    for (Index b = 0; b < x0.dim(0); ++b)
      time[b] = static_cast<T>(predict::condition(parameterization, level(b)));
    auto eps = training_noise<T>(x0.shape(), rng, draws, options.offset_noise);
    if (options.weight)
      for (Index i = 0; i < x0.size(); ++i)
        if ((*options.weight)[i] == 0 && !std::isfinite(x0[i])) x0[i] = 0;
    check_scale(x0, options.weight,
                options.data_scale == 0 ? data_scale_of(parameterization) : options.data_scale);
    if (options.assign_noise) eps = foglift::assign_noise(x0, eps);
    x = affine(x0, eps, [&](Index b) { return Mix{level(b).alpha, level(b).sigma}; });
    target = predict::target(parameterization, std::move(x0), eps, levels);
  }

  template <class P>
  static double data_scale_of(const P& parameterization) {
    if constexpr (requires { parameterization.sigma_data(); })
      return parameterization.sigma_data();
    else
      return 1;
  }

  const Level& level(Index b) const { return levels[static_cast<std::size_t>(b)]; }

  /// x as the parameterization's network is shown it.
  template <Parameterization P>
  Tensor<T> input(const P& parameterization) const {
    if constexpr (requires { parameterization.scale(levels[0]); })
      return scale(x, x.dim(0), [&](Index b) { return parameterization.scale(level(b)); });
    else
      return x;
  }

  /// What each element counts for, level_weight * weight * factor, and 1 / sum(weight), or 0.
  struct Weights {
    Tensor<double> each;
    double scale;
  };
  Weights weights(const LossOptions<T>& options) const {
    Weights out{Tensor<double>(target.shape(), 1.0), 0};
    const Index n = target.row_size();
    double sum = 0;
    for (Index b = 0; b < target.dim(0); ++b) {
      const double at_level = options.level_weight ? options.level_weight(level(b)) : 1;
      if (!(at_level >= 0 && std::isfinite(at_level)))
        raise<NumericError>("diffusion_loss: weight ", at_level, " at ", level(b),
                            ", must be finite and not negative");
      const double f = at_level * (factors.empty() ? 1 : factors[static_cast<std::size_t>(b)]);
      for (Index i = b * n; i < (b + 1) * n; ++i) {
        const double w = options.weight ? static_cast<double>((*options.weight)[i]) : 1;
        if (!(w >= 0 && std::isfinite(w)))
          raise<ArgumentError>("diffusion_loss: weight ", w, ", must be finite and not negative");
        sum += w;
        out.each[i] = f * w;
      }
    }
    out.scale = sum > 0 ? 1 / sum : 0;
    return out;
  }

  /// Tells options.samples the mean loss of each sample, from value(i), the loss of element i, of
  /// weight each[i] in the whole.
  template <class F>
  void tell(const LossOptions<T>& options, const Tensor<double>& each, const F& value) const {
    if (!options.samples) return;
    *options.samples = {};
    const Index n = target.row_size();
    for (Index b = 0; b < target.dim(0); ++b) {
      double sum = 0, count = 0;
      for (Index i = b * n; i < (b + 1) * n; ++i) {
        const double w = options.weight ? static_cast<double>((*options.weight)[i]) : 1;
        count += w;
        if (w > 0) sum += each[i] * value(i);
      }
      if (!(count > 0)) continue;
      const double f = factors.empty() ? 1 : factors[static_cast<std::size_t>(b)];
      options.samples->time.push_back(level(b).t);
      options.samples->loss.push_back(sum / (count * f));
    }
  }

 private:
  static void check(const Tensor<T>& x0, const LossOptions<T>& options) {
    if (x0.rank() == 0 || x0.empty())
      raise<ShapeError>("diffusion_loss: data ", x0.shape(), ", needed [B, ...], not empty");
    if (!(options.t_min >= 0 && options.t_min <= options.t_max && options.t_max <= 1))
      raise<ArgumentError>("diffusion_loss: times from ", options.t_min, " to ", options.t_max,
                           ", needed 0 <= t_min <= t_max <= 1");
    if (options.weight && options.weight->shape() != x0.shape())
      raise<ShapeError>("diffusion_loss: weight ", options.weight->shape(), " for data ",
                        x0.shape(), "; the same shape is needed");
  }

  template <NoiseSchedule S>
  void draw_levels(const S& schedule, const Rng& rng, Index batch, const Draws& draws,
                   const LossOptions<T>& options) {
    const double width = options.t_max - options.t_min;
    const auto drawn = draw_times(options.times, rng.stream(0), batch, draws);
    if (!options.density) {
      for (const double u : drawn) levels.push_back(schedule.at(options.t_min + width * u));
      return;
    }
    const density::Truncated density(options.density, options.t_min, options.t_max);
    for (const double u : drawn) {
      const double t = density.quantile(u);
      levels.push_back(schedule.at(t));
      if (!options.reweight) continue;
      const double pdf = density.pdf(t);
      if (!(pdf > 0))
        raise<NumericError>("diffusion_loss: density ", pdf, " at a time drawn from it, ", t);
      factors.push_back(1 / (pdf * width));
    }
  }
};

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
}  // namespace v0
}  // namespace foglift
