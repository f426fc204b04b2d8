#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/loss/penalty.hpp"
#include "foglift/probe/noise_policy.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

/// At which levels a denoiser's error is measured, and how much each of them counts, in an order of
/// which every beginning covers the whole range, so that a race may stop early.
struct ErrorPlan {
  std::vector<Level> levels;
  std::vector<double> weights;

  /// The middles of `count` parts of [low, high], equal in lambda = ln(alpha / sigma), each with
  /// the width of its part: weighted errors of noise sum to -log p(x) up to a constant, exactly for
  /// the exact denoiser as the parts become many and the range wide (Kingma et al. 2021, eq. 13;
  /// Kong et al. 2023). Throws ArgumentError unless low < high are finite and count > 0.
  template <NoiseSchedule S>
  static ErrorPlan uniform_lambda(const S& schedule, double low, double high, Index count) {
    if (!(low < high && std::isfinite(low) && std::isfinite(high)))
      raise<ArgumentError>("ErrorPlan: lambda from ", low, " to ", high);
    const double width = (high - low) / static_cast<double>(count);
    return made(count, width,
                [&](double part) { return schedule.at(schedule.time(low + part * (high - low))); });
  }
  /// The middles of `count` equal parts of the schedule's time, of one weight: what published
  /// diffusion classifiers take, and no likelihood. Throws ArgumentError unless count > 0.
  template <NoiseSchedule S>
  static ErrorPlan uniform_time(const S& schedule, Index count) {
    return made(count, 1 / static_cast<double>(count),
                [&](double part) { return schedule.at(part); });
  }

 private:
  template <class F>
  static ErrorPlan made(Index count, double weight, const F& level) {
    if (count < 1) raise<ArgumentError>("ErrorPlan: ", count, " levels, needed at least 1");
    ErrorPlan plan;
    for (const Index i : spread_order(count)) {
      plan.levels.push_back(level((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
      plan.weights.push_back(weight);
    }
    return plan;
  }
  /// 0 .. count - 1 by their bits in reverse (van der Corput 1935).
  static std::vector<Index> spread_order(Index count) {
    std::vector<Index> order;
    Index size = 1;
    while (size < count) size *= 2;
    for (Index i = 0; i < size; ++i) {
      Index reversed = 0;
      for (Index bit = 1; bit < size; bit *= 2) reversed = 2 * reversed + (i / bit) % 2;
      if (reversed < count) order.push_back(reversed);
    }
    return order;
  }
};

struct ErrorOptions {
  Index batch = 256;  ///< in one call of the denoiser; no result depends on it
  std::uint64_t first_sample = 0;
  Penalty penalty = {};  ///< of each element's error of noise
};

namespace detail {

/// For each row of x0 [B, ...], example `samples[b]`: the sum over elements of the penalty of eps -
/// eps_hat at a level, its position in the plan being `place`; the mean over the policy's draws.
/// eps - eps_hat = alpha (x0_hat - x0) / sigma, whatever the network predicts.
template <class D, Scalar T, NoisePolicy P>
std::vector<double> noise_errors(const D& denoise, const Tensor<T>& x0,
                                 std::span<const std::uint64_t> samples, const Level& level,
                                 Index place, const P& policy, const Penalty& penalty) {
  const Index B = x0.dim(0), n = x0.row_size(), draws = policy.draws();
  const T alpha = static_cast<T>(level.alpha), sigma = static_cast<T>(level.sigma);
  std::vector<double> errors(samples.size());
  for (Index k = 0; k < draws; ++k) {
    auto x = Tensor<T>::uninitialized(x0.shape());
    for (Index b = 0; b < B; ++b)
      policy.fill(std::span<T>(x.data() + b * n, static_cast<std::size_t>(n)),
                  samples[static_cast<std::size_t>(b)], place, k);
    for (Index i = 0; i < x.size(); ++i) x[i] = alpha * x0[i] + sigma * x[i];
    const Tensor<T> said = ask(denoise, x, level);
    for (Index b = 0; b < B; ++b) {
      double sum = 0;
      for (Index i = b * n; i < (b + 1) * n; ++i)
        sum += penalty.value((static_cast<double>(said[i]) - static_cast<double>(x0[i])) *
                             level.alpha / level.sigma);
      errors[static_cast<std::size_t>(b)] += sum / static_cast<double>(draws);
    }
  }
  return errors;
}

inline void check_plan(const char* where, const ErrorPlan& plan) {
  if (plan.levels.empty() || plan.levels.size() != plan.weights.size())
    raise<ArgumentError>(where, ": ", plan.levels.size(), " levels and ", plan.weights.size(),
                         " weights, needed as many, at least one");
  for (const Level& l : plan.levels)
    if (!(l.sigma > 0)) raise<ArgumentError>(where, ": no noise at ", l);
}

}  // namespace detail

/// The error of noise of each example x0 [n, ...] at each level of a plan, without its weight: [n,
/// levels]. One call of the denoiser each, no chain. The noise is the policy's: with noise::Fixed
/// examples are compared at all levels on the noise that is their own. Throws ShapeError for x0
/// without a batch axis, ArgumentError for a batch below 1, a plan without levels or a level
/// without noise.
template <class D, Scalar T, NoisePolicy P>
Tensor<double> noise_error(const D& denoise, const Tensor<T>& x0, const ErrorPlan& plan,
                           const P& policy, const ErrorOptions& o = {}) {
  if (x0.rank() < 2) raise<ShapeError>("noise_error: x0 ", x0.shape(), ", expected [n, ...]");
  if (o.batch < 1) raise<ArgumentError>("noise_error: batch = ", o.batch);
  detail::check_plan("noise_error", plan);
  const auto L = static_cast<Index>(plan.levels.size());
  Tensor<double> out({x0.dim(0), L});
  for (Index first = 0; first < x0.dim(0); first += o.batch) {
    const Index count = std::min(o.batch, x0.dim(0) - first);
    std::vector<std::uint64_t> samples(static_cast<std::size_t>(count));
    std::iota(samples.begin(), samples.end(), o.first_sample + static_cast<std::uint64_t>(first));
    const Tensor<T> rows = x0.rows(first, count);
    for (Index l = 0; l < L; ++l) {
      const auto errors = detail::noise_errors(
          denoise, rows, samples, plan.levels[static_cast<std::size_t>(l)], l, policy, o.penalty);
      for (Index b = 0; b < count; ++b) out(first + b, l) = errors[static_cast<std::size_t>(b)];
    }
  }
  return out;
}

/// errors [n, levels] times the plan's weights, summed: one number an example. Throws ShapeError
/// for another number of levels.
inline std::vector<double> weighted(const Tensor<double>& errors, const ErrorPlan& plan) {
  if (errors.rank() != 2 || errors.dim(1) != static_cast<Index>(plan.weights.size()))
    raise<ShapeError>("weighted: errors ", errors.shape(), " for ", plan.weights.size(), " levels");
  std::vector<double> out(static_cast<std::size_t>(errors.dim(0)));
  for (Index i = 0; i < errors.dim(0); ++i)
    for (Index l = 0; l < errors.dim(1); ++l)
      out[static_cast<std::size_t>(i)] += errors(i, l) * plan.weights[static_cast<std::size_t>(l)];
  return out;
}

}  // namespace foglift::inline v0::probe
