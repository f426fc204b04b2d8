#pragma once

#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/verify/problem.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::inline v0::verify {

/// Errors of a solver at several numbers of steps, each twice the one before.
struct Convergence {
  std::vector<Index> steps;
  std::vector<double> errors;
  /// log2 of the fall of the error over the last doubling: the measured order.
  double slope() const {
    const std::size_t n = errors.size();
    return std::log2(errors[n - 2] / errors[n - 1]);
  }
};

/// Who provides the first states of a run: the solver, or the exact solution, which is put in place
/// of the state after each of the first `exact_starts` steps (a multistep method then starts from
/// exact past outputs).
struct OrderOptions {
  Family family = Family::variance_preserving;
  Spacing spacing = Spacing::log_snr;
  /// lambda runs from -range to range.
  double range = 2.5;
  Index coarsest = 20;
  Index doublings = 3;
  Index exact_starts = 0;
};

/// The order of a solver, noise off, towards the solution of the probability-flow ODE: largest
/// error over four starts on a mixture of two Gaussians, 0.3 N(-1, 0.4^2) + 0.7 N(1.5, 0.6^2),
/// whose exact denoiser is not linear.
///
///   verify::order(solver::Heun{}).slope();  // 2.0
///
/// Throws ArgumentError if the solver draws noise, or if there is no doubling.
template <class S>
Convergence order(const S& solver, const OrderOptions& options = {}) {
  if (options.coarsest < 1 || options.doublings < 1)
    raise<ArgumentError>("verify::order: ", options.coarsest, " steps, ", options.doublings,
                         " doublings, needed at least 1");
  const analytic::Mixture data({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
  const Tensor<double> starts({4, 1}, {-1.8, -0.3, 0.4, 1.5});
  const double max = std::exp(options.range);
  const foglift::detail::NoNoise none;
  Convergence out;
  // Starts are states of the variance-preserving family; others are scaled to the same z.
  const auto scaled = [&](const Level& l) {
    const double scale = l.alpha / level(Family::variance_preserving, l.ratio()).alpha;
    return affine(scale, starts, 0, starts);
  };
  Tensor<double> reference;
  for (Index k = 0; k <= options.doublings; ++k) {
    const Index n = options.coarsest << k;
    const TimeGrid g = time_grid(options.family, options.spacing, n, max, 1 / max);
    if (reference.empty()) reference = exact_flow(data, scaled(g[0]), g.front(), g.back());
    Run<S, double> run(solver, g);
    Tensor<double> x = scaled(g[0]);
    for (std::size_t i = 0; i + 1 < g.size(); ++i) {
      const bool replaced = static_cast<Index>(i) < options.exact_starts;
      const Tensor<double> before = replaced ? x : Tensor<double>();
      x = run.step(std::move(x), g[i], g[i + 1], data,
                   StepRng(Rng(0), 0, static_cast<Index>(i), &none));
      if (replaced) x = exact_flow(data, before, g[i], g[i + 1]);
    }
    double worst = 0;
    for (Index i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - reference[i]));
    out.steps.push_back(n);
    out.errors.push_back(worst / g.back().alpha *
                         level(Family::variance_preserving, 1 / max).alpha);
  }
  return out;
}

}  // namespace foglift::inline v0::verify
