#pragma once

#include "foglift/diffusion/grid/chain.hpp"

#include <cmath>
#include <vector>

namespace foglift::inline v0::grid {

/// How the levels of FastDPM are spread.
enum class Spread { linear, quadratic };

/// Steps of a chain, i (T - 1) / (n - 1) or its square's share, rounded down, from noise to data,
/// then clean data (Kong & Ping 2021, "STEP"). Throws ArgumentError where two fall together.
template <Chain S>
TimeGrid fast_dpm_steps(const S& chain, Index steps, Spread spread = Spread::linear) {
  detail::check_steps(steps, "grid::fast_dpm_steps");
  std::vector<Index> at;
  for (Index i = steps - 1; i >= 0; --i) {
    const double u = steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 1;
    const double part = spread == Spread::linear ? u : u * u;
    // A ratio of whole numbers may fall a rounding short of one.
    at.push_back(static_cast<Index>(part * static_cast<double>(chain.steps() - 1) + 1e-9));
  }
  return at_steps(chain, at);
}

/// A shorter chain of n variances, from the chain's first beta in equal steps of themselves
/// (linear) or of their roots (quadratic), with the same signal left at its end; each of its levels
/// is asked of the network at the time where the chain has it (Kong & Ping 2021, "VAR"). Then clean
/// data. Throws ArgumentError if n variances of the chain's first beta leave less than the chain
/// does.
inline TimeGrid fast_dpm_variances(const DiscreteSchedule& chain, Index steps,
                                   Spread spread = Spread::linear) {
  detail::check_steps(steps, "grid::fast_dpm_variances");
  const double first = chain.beta(0), target = chain.log_alpha_bar(chain.steps() - 1);
  const auto variance = [&](Index i, double growth) {
    const double factor = 1 + growth * static_cast<double>(i);
    return first * (spread == Spread::linear ? factor : factor * factor);
  };
  const auto log_alpha_bar = [&](Index n, double growth) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += std::log1p(-variance(i, growth));
    return sum;
  };
  if (steps == 1) return at_steps(chain, {chain.steps() - 1});
  if (!(log_alpha_bar(steps, 0) > target))
    raise<ArgumentError>("grid::fast_dpm_variances: ", steps, " variances of ", first,
                         " leave less signal than the chain");
  // The growth at which the last variance is 1 leaves no signal at all.
  const double last = static_cast<double>(steps - 1);
  double low = 0, high = ((spread == Spread::linear ? 1 / first : 1 / std::sqrt(first)) - 1) / last;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (log_alpha_bar(steps, middle) > target ? low : high) = middle;
  }
  TimeGrid out;
  for (Index n = steps; n >= 1; --n) {
    const Level l = schedule::detail::level_of(0, -log_alpha_bar(n, low));
    out.push_back({chain.time(l.lambda()), l.alpha, l.sigma});
  }
  out.push_back(clean);
  check(out);
  return out;
}

}  // namespace foglift::inline v0::grid
