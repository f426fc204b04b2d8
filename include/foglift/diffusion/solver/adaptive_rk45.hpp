#pragma once

#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/solver/parts/dormand_prince.hpp"
#include "foglift/diffusion/solver/parts/flow_slope.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

namespace foglift::inline v0::solver {

/// The probability-flow ODE by Dormand & Prince's pair of orders 5 and 4 (Song et al. 2021, section
/// D.2, used it as "RK45"), each sample with error norm, step size and evaluations of its own: what
/// comes out does not depend on its companions. A step of the grid is integrated to the tolerance
/// in as many steps as that takes; a grid of two levels is fully adaptive:
///
///   solver::StepReport report;
///   auto x = integrate(solver::AdaptiveRk45{.rtol = 1e-6, .report = &report}, denoise, noise,
///                      {process.at(1), process.at(1e-3)});
///   const Index calls = report.evaluations[0];  // of the first sample
///
/// The variable is asinh(alpha / sigma) and the state x / sqrt(alpha^2 + sigma^2), see Arc: a grid
/// may start at alpha = 0, and the tolerances mean the same for every process. Clean data is
/// infinitely far: a step to sigma = 0 goes to sigma / alpha = clean_ratio and ends with the
/// denoiser's x0, which adds an error of clean_ratio^2 / 2 times the score. Computed in double
/// whatever the state is. Needs a denoiser that takes one level a sample. It is asked about the
/// samples on their way, or, where it does not know its rows (KnowsRows: a lambda), about the whole
/// batch each time.
struct AdaptiveRk45 {
  double rtol = 1e-5, atol = 1e-5;
  double clean_ratio = 1e-3;
  /// For each sample, between two levels of the grid.
  Index max_evaluations = 100000;
  /// Where what the run took is written after each step; nullptr: nowhere.
  StepReport* report = nullptr;

  static constexpr const char* name = "adaptive rk45";
  static constexpr int order = 5, weak_order = no_noise, evaluations = as_needed;

  template <Scalar T>
  AdaptiveState start(const TimeGrid&) const {
    return {};
  }

  /// Throws ArgumentError for tolerances that are not positive and for `from` without noise,
  /// NumericError where the tolerance can not be met.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise, const StepRng&,
                 AdaptiveState& state) const {
    static_assert(BatchDenoiser<D, T>,
                  "AdaptiveRk45: samples are at noise levels of their own; needed a denoiser "
                  "callable as (const Tensor<T>&, const Levels&) -> Tensor<T>");
    const Tolerance tolerance{rtol, atol, max_evaluations};
    tolerance.check(name);
    detail::check_noise(from, name);
    if (!(clean_ratio > 0))
      raise<ArgumentError>(name, ": clean_ratio = ", clean_ratio, ", must be positive");
    if (x.empty()) return x;
    state.begin(x.dim(0));
    const Level last = detail::last_noisy(from, to, clean_ratio);
    if (!(last == from)) {
      const Arc arc(from, last);
      std::vector<Level>& levels = state.work.levels;
      foglift::detail::AskedOfFewer asked(denoise, x.dim(0));
      const auto slope = [&](std::span<const Index> samples, std::span<const double> at,
                             const Tensor<double>& u) {
        detail::levels_on(arc, at, levels);
        const Tensor<T> x0 = asked.of(samples, [&](const auto& left) {
          return ask(left, detail::states<T>(u, x.shape(), levels), Levels(levels));
        });
        auto out = Tensor<double>::uninitialized(u.shape());
        detail::flow_slopes(u, x0, at, out);
        return out;
      };
      const Tensor<double> u =
          dormand_prince(detail::on_arc(x, from), arc.first(), arc.last(), slope, tolerance, state);
      x = detail::states<T>(u, x.shape(), last);
    }
    if (to.sigma == 0) {
      x = affine(to.alpha, ask(denoise, x, last), 0, x);
      for (Index& n : state.counts.evaluations) ++n;
    }
    if (report) *report = state.counts;
    return x;
  }
};

}  // namespace foglift::inline v0::solver
