#pragma once

#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/verify/problem.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace foglift::inline v0::verify {

/// One thing that holds for a right solver, whatever its order.
struct Finding {
  std::string name;
  bool holds = false;
  /// What was measured.
  std::string found;
};

namespace detail {

inline std::string in_digits(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", v);
  return text;
}

inline double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    worst = std::isnan(worst) || d <= worst ? worst : d;  // NaN stays
  }
  return worst;
}

/// The problem of the identities: data from two Gaussians, a coarse grid.
struct Trial {
  analytic::Mixture data{{{0.3, {-1, 0.5}, 0.16}, {0.7, {1.5, -0.2}, 0.36}}};
  Index batch = 5;
  Rng rng{9};
  TimeGrid grid(Family family, double scale = 1) const {
    return time_grid(family, Spacing::karras, 7, 6 * scale, 0.1 * scale);
  }
  /// z = x / alpha.
  Tensor<double> start() const {
    return affine(6, rng.normal<double>({batch, 2}, 100), 0, Tensor<double>({batch, 2}));
  }
};

/// z = x / alpha at the end, from z at the beginning.
template <class S, class D>
Tensor<double> run_in_ratios(const S& solver, const D& data, Tensor<double> z, const TimeGrid& grid,
                             const Rng& rng, std::uint64_t first = 0) {
  for (double& v : z) v *= grid.front().alpha;
  auto x = sample_from(solver, data, std::move(z), grid, rng,
                       {.first_sample = first, .check_finite = false});
  for (double& v : x) v /= grid.back().alpha;
  return x;
}

}  // namespace detail

/// Identities that a right solver of any order satisfies, noise included. A solver whose step
/// depends on a tolerance in absolute units does not scale with the data, and says so.
///
///   for (const verify::Finding& f : verify::identities(MySolver{})) ...
template <class S>
std::vector<Finding> identities(const S& solver) {
  const detail::Trial trial;
  const TimeGrid g = trial.grid(Family::variance_preserving);
  const Tensor<double> start = trial.start();
  const auto base = detail::run_in_ratios(solver, trial.data, start, g, trial.rng);
  std::vector<Finding> out;
  const auto compare = [&](const char* name, const Tensor<double>& found, double tolerance) {
    const double d = detail::distance(found, base);
    out.push_back({name, d <= tolerance, "differs by " + detail::in_digits(d)});
  };
  // Some thousand roundings of numbers of order 10: 1e-12 is well above, any slip far beyond.
  const double rounding = 1e-11;

  const auto flow = trial.grid(Family::flow), ve = trial.grid(Family::variance_exploding);
  compare("same on a flow-matching process",
          detail::run_in_ratios(solver, trial.data, start, flow, trial.rng), rounding);
  compare("same on a variance-exploding process",
          detail::run_in_ratios(solver, trial.data, start, ve, trial.rng), rounding);

  TimeGrid renamed = g;
  for (std::size_t i = 0; i < g.size(); ++i) renamed[i].t = 1 - 0.1 * static_cast<double>(i);
  compare("depends on levels alone, not on t",
          detail::run_in_ratios(solver, trial.data, start, renamed, trial.rng), 0);

  {
    auto apart = base;
    for (Index b = 0; b < trial.batch; ++b) {
      const auto row = detail::run_in_ratios(solver, trial.data, start.rows(b, 1), g, trial.rng,
                                             static_cast<std::uint64_t>(b));
      std::copy(row.begin(), row.end(), apart.data() + b * 2);
    }
    compare("a sample is the same alone and in a batch", apart, 0);
  }
  {
    // Data, states and noise levels multiplied by 4, a power of two.
    const analytic::Mixture wide({{0.3, {-4, 2}, 16 * 0.16}, {0.7, {6, -0.8}, 16 * 0.36}});
    auto z = start;
    for (double& v : z) v *= 4;
    z = detail::run_in_ratios(solver, wide, std::move(z), trial.grid(Family::variance_exploding, 4),
                              trial.rng);
    for (double& v : z) v /= 4;
    compare("scales with the data", z, rounding);
  }
  {
    const analytic::Mixture moved({{0.3, {9, 10.5}, 0.16}, {0.7, {11.5, 9.8}, 0.36}});
    auto z = start;
    for (double& v : z) v += 10;
    z = detail::run_in_ratios(solver, moved, std::move(z), g, trial.rng);
    for (double& v : z) v -= 10;
    compare("moves with the data", z, 10 * rounding);
  }
  {
    bool finite = true;
    double off = 0;
    for (const Index n : {1, 2, 3}) {
      TimeGrid ends = time_grid(Family::variance_preserving, Spacing::karras, n, 6, 0.3);
      ends.front() = {1, 0, 1};
      ends.back() = grid::clean;
      const auto x =
          sample_from(solver, trial.data, start, ends, trial.rng, {.check_finite = false});
      for (const double v : x) finite = finite && std::isfinite(v);
      off = std::max(off, detail::distance(x, Tensor<double>(x.shape())));
    }
    out.push_back({"finite from pure noise to clean data in 1 to 3 steps", finite,
                   "at most " + detail::in_digits(off)});
  }
  {
    // Data at one point: x0 is known, and the last step to clean data has to return it.
    const analytic::Mixture point({{1, {0.7, -2}, 0}});
    TimeGrid ends = g;
    ends.back() = grid::clean;
    const auto x = detail::run_in_ratios(solver, point, start, ends, trial.rng);
    double off = 0;
    for (Index b = 0; b < trial.batch; ++b)
      off = std::max({off, std::abs(x(b, 0) - 0.7), std::abs(x(b, 1) + 2)});
    out.push_back({"ends at the data where it is one point", off <= rounding,
                   "off by " + detail::in_digits(off)});
  }
  return out;
}

}  // namespace foglift::inline v0::verify
