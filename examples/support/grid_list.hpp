#pragma once

#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid.hpp"

/// f(name, code, make) for every rule of the library that makes a grid from a number of steps, on
/// one chain; make(n) is the grid. Left out: tables of levels that a user brings.
template <class F>
void for_each_grid(const foglift::DiscreteSchedule& s, const F& f) {
  using namespace foglift::grid;
  using foglift::Index;
  f("uniform", "uniform(s, n)", [&](Index n) { return uniform(s, n); });
  f("quadratic", "quadratic(s, n)", [&](Index n) { return quadratic(s, n); });
  f("beta", "beta(s, n)", [&](Index n) { return beta(s, n); });
  f("trailing", "trailing(s, n)", [&](Index n) { return trailing(s, n); });
  f("linspace", "linspace(s, n)", [&](Index n) { return linspace(s, n); });
  f("leading", "leading(s, n)", [&](Index n) { return leading(s, n); });
  f("two sections", "sectioned(s, {n / 2, n / 2})",
    [&](Index n) { return sectioned(s, {n / 2, n / 2}); });
  f("FastDPM steps", "fast_dpm_steps(s, n)", [&](Index n) { return fast_dpm_steps(s, n); });
  f("FastDPM variances", "fast_dpm_variances(s, n)",
    [&](Index n) { return fast_dpm_variances(s, n); });
  f("Karras", "karras(s, n)", [&](Index n) { return karras(s, n); });
  f("uniform log-SNR", "log_snr(s, n)", [&](Index n) { return log_snr(s, n); });
  f("polyexponential", "polyexponential(s, n, {}, 1.3)",
    [&](Index n) { return polyexponential(s, n, {}, 1.3); });
  f("KL optimal", "kl_optimal(s, n)", [&](Index n) { return kl_optimal(s, n); });
  f("Align Your Steps", "align_your_steps(s, n, AysModel::stable_diffusion_1_5)",
    [&](Index n) { return align_your_steps(s, n, AysModel::stable_diffusion_1_5); });
  f("beta in ratios", "beta_ratios(s, n)", [&](Index n) { return beta_ratios(s, n); });
}
