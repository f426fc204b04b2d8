#pragma once

#include "foglift/forecast/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace foglift::inline v0::forecast {

/// Of what an information criterion says of models, what each weighs: exp(-(criterion - least) /
/// 2), over their sum (Burnham & Anderson 2002, section 2.9). A forecast by all of them is better
/// than one by the first, whose lead may be chance (Kolassa 2011).
inline std::vector<double> akaike_weights(std::span<const double> criterion) {
  std::vector<double> out;
  if (criterion.empty()) return out;
  const double least = *std::min_element(criterion.begin(), criterion.end());
  for (const double c : criterion) out.push_back(c == least ? 1 : std::exp(0.5 * (least - c)));
  const double sum = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& w : out) w /= sum;
  return out;
}

namespace detail {
/// Models that lag further behind the best are worth less than one path in 150.
inline constexpr double akaike_reach = 10;

/// Leaves of fits, each with its `aicc`, those within akaike_reach of the least, which stands
/// first; one without a number counts as infinite.
template <class Fit>
void keep_likely(std::vector<Fit>& fits) {
  for (Fit& fit : fits)
    if (std::isnan(fit.aicc)) fit.aicc = std::numeric_limits<double>::infinity();
  std::stable_sort(fits.begin(), fits.end(),
                   [](const Fit& a, const Fit& b) { return a.aicc < b.aicc; });
  while (fits.size() > 1 && fits.back().aicc > fits.front().aicc + akaike_reach) fits.pop_back();
}

/// Paths [paths, horizon] of several models, each of as many as its akaike_weights() say, evenly
/// among any first ones: simulate(fit, path) makes of standard normals the values that follow, of
/// which the first `after` are of cells that were missing and left out.
template <class Fit, class Simulate>
Tensor<double> likely_paths(const std::vector<Fit>& fits, const BaselineOptions& o, const Rng& rng,
                            Index after, const Simulate& simulate) {
  std::vector<double> criterion;
  for (const Fit& fit : fits) criterion.push_back(fit.aicc);
  const std::vector<double> weights = akaike_weights(criterion);
  constexpr double golden = 0.6180339887498949;  // its multiples are spread evenly over [0, 1)
  Index p = 0;
  return simulated_paths(
      o, rng, after,
      [&](std::span<double> path) {
        double left = std::fmod(0.5 + golden * static_cast<double>(p++), 1.0);
        std::size_t k = 0;
        while (k + 1 < weights.size() && left >= weights[k]) left -= weights[k++];
        simulate(fits[k], path);
      },
      [](double v, Index) { return v; });
}
}  // namespace detail

}  // namespace foglift::inline v0::forecast
