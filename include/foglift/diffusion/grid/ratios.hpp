#pragma once

#include "foglift/diffusion/grid/beta_quantile.hpp"
#include "foglift/diffusion/grid/grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0::grid {

/// Range of a grid in the noise-to-signal ratio sigma / alpha, cut to what the schedule has. The
/// defaults are those of Karras et al. 2022, table 1.
struct RatioRange {
  double min = 0.002, max = 80;
  Last end = Last::zero;
};

namespace detail {
/// Throws ArgumentError unless min < max remain positive after the cut to the schedule.
template <NoiseSchedule S>
RatioRange cut(const S& schedule, RatioRange range, const char* where) {
  const Level noisiest = schedule.at(1);
  const double most =
      noisiest.alpha > 0 ? noisiest.ratio() : std::numeric_limits<double>::infinity();
  const double max = std::min(range.max, most);
  const double min = std::max(range.min, schedule.at(0).ratio());
  if (!(range.min > 0 && min < max && std::isfinite(max)))
    raise<ArgumentError>(where, ": sigma / alpha from ", range.max, " to ", range.min, ", cut to ",
                         max, " and ", min, " by the schedule; needed max > min > 0, finite");
  return {min, max, range.end};
}

template <NoiseSchedule S>
Level level_at(const S& schedule, double lambda) {
  return schedule.at(schedule.time(lambda));
}
}  // namespace detail

/// Ratios (max^(1/rho) + u (min^(1/rho) - max^(1/rho)))^rho, u in equal steps (Karras et al. 2022,
/// eq. 5). Throws ArgumentError for steps < 1, rho < 1 or an empty range.
template <NoiseSchedule S>
TimeGrid karras(const S& schedule, Index steps, RatioRange range = {}, double rho = 7) {
  detail::check_steps(steps, "grid::karras");
  if (!(rho >= 1)) raise<ArgumentError>("grid::karras: rho = ", rho, ", must be at least 1");
  const RatioRange r = detail::cut(schedule, range, "grid::karras");
  const double first = std::pow(r.max, 1 / rho), last = std::pow(r.min, 1 / rho);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule, -rho * std::log(first + u * (last - first)));
  });
}

/// ln(sigma / alpha) = ln(min) + (1 - u)^rho ln(max / min), u in equal steps ("polyexponential").
/// Throws as karras does, for rho <= 0 too.
template <NoiseSchedule S>
TimeGrid polyexponential(const S& schedule, Index steps, RatioRange range = {}, double rho = 1) {
  detail::check_steps(steps, "grid::polyexponential");
  if (!(rho > 0)) raise<ArgumentError>("grid::polyexponential: rho = ", rho, ", must be positive");
  const RatioRange r = detail::cut(schedule, range, "grid::polyexponential");
  const double first = -std::log(r.max), last = -std::log(r.min);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule,
                            u == 0 ? first : last + std::pow(1 - u, rho) * (first - last));
  });
}

/// lambda in equal steps between -ln(max) and -ln(min), that is sigma / alpha in equal ratios: the
/// "exponential" and the "uniform log-SNR" grid (Lu et al. 2022). Throws as karras does.
template <NoiseSchedule S>
TimeGrid log_snr(const S& schedule, Index steps, RatioRange range = {}) {
  detail::check_steps(steps, "grid::log_snr");
  const RatioRange r = detail::cut(schedule, range, "grid::log_snr");
  const double first = -std::log(r.max), last = -std::log(r.min);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule, first + u * (last - first));
  });
}

/// atan(sigma / alpha) in equal steps (the optimum of Sabour et al. 2024, appendix, for Gaussian
/// data: "KL optimal"). Throws as karras does.
template <NoiseSchedule S>
TimeGrid kl_optimal(const S& schedule, Index steps, RatioRange range = {}) {
  detail::check_steps(steps, "grid::kl_optimal");
  const RatioRange r = detail::cut(schedule, range, "grid::kl_optimal");
  const double first = std::atan(r.max), last = std::atan(r.min);
  return detail::build(steps, r.end, [&](double u) {
    return detail::level_at(schedule, -std::log(std::tan(first + u * (last - first))));
  });
}

/// sigma / alpha = min + (max - min) Q(1 - u), u in equal steps, Q the quantiles of Beta(a, b):
/// diffusers' `use_beta_sigmas`. Lee et al. 2024 mean the time (grid::beta); in ratios half of the
/// levels lie above max / 2, and few between it and min, so that on a wide range 40 steps are no
/// better than 10. Throws as karras does, for a or b <= 0 too.
template <NoiseSchedule S>
TimeGrid beta_ratios(const S& schedule, Index steps, RatioRange range = {}, BetaShape shape = {}) {
  detail::check_steps(steps, "grid::beta_ratios");
  const RatioRange r = detail::cut(schedule, range, "grid::beta_ratios");
  return detail::build(steps, r.end, [&](double u) {
    const double q = beta_quantile(1 - u, shape);
    return detail::level_at(schedule, -std::log(r.min + (r.max - r.min) * q));
  });
}

/// The levels at given noise-to-signal ratios, falling; a last ratio of 0 is clean data. Throws
/// ArgumentError for a ratio that is negative or beyond the schedule's, or does not fall.
template <NoiseSchedule S>
TimeGrid at_ratios(const S& schedule, std::span<const double> ratios) {
  TimeGrid out;
  for (const double s : ratios) {
    if (!(s >= 0))
      raise<ArgumentError>("grid::at_ratios: sigma / alpha = ", s, ", needed at least 0");
    out.push_back(s == 0 ? clean : detail::level_at(schedule, -std::log(s)));
    if (s > 0 && !(std::abs(out.back().lambda() + std::log(s)) < 1e-6))
      raise<ArgumentError>("grid::at_ratios: the schedule has no level of sigma / alpha = ", s,
                           ", the closest is ", out.back());
  }
  check(out);
  return out;
}
template <NoiseSchedule S>
TimeGrid at_ratios(const S& schedule, std::initializer_list<double> ratios) {
  return at_ratios(schedule, std::span<const double>(ratios.begin(), ratios.size()));
}

}  // namespace foglift::inline v0::grid
