#pragma once

#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/verify.hpp"
#include "scatter.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

/// What every solver makes of the points of a plane, at several costs.
struct PlaneRuns {
  struct Point {
    double evaluations, error;
  };
  struct Line {
    std::string name;
    bool noisy = false;  ///< its error is of the distribution, else of each end of a path
    std::vector<Point> points;
  };
  struct Panel {
    std::string name;
    foglift::Tensor<double> samples;  ///< [n, 2]
  };
  std::vector<Line> lines;
  std::vector<Panel> panels;  ///< of `shown` solvers, at `panel_evaluations`
  foglift::Index panel_evaluations = 10;
  foglift::Tensor<double> paths;  ///< [steps + 1, n, 2], x / alpha along the exact flow
  double floor = 0;               ///< what exact draws score as a noisy line's error
};

namespace plane {

using foglift::Index;
using foglift::Tensor;
namespace verify = foglift::verify;

/// Budgets of evaluations.
inline constexpr Index budgets[] = {5, 7, 10, 14, 20, 28, 40, 56, 80, 100};
/// Solvers of the scatter plots and of the coloured lines.
inline const std::vector<std::string> shown = {"DDIM",    "Heun", "DPM-Solver++ 2M",
                                               "UniPC 2", "DDPM", "SDE-DPM-Solver++ 2M"};

/// Noise from 100 times the spread of the data, about 3 units, down to 1/1000 of it, then clean
/// data.
inline foglift::TimeGrid levels(Index steps) {
  using verify::Family, verify::Spacing;
  if (steps == 1) return {verify::level(Family::variance_preserving, 100), foglift::grid::clean};
  auto out = verify::time_grid(Family::variance_preserving, Spacing::karras, steps - 1, 100, 2e-3);
  out.push_back(foglift::grid::clean);
  return out;
}

/// A denoiser that counts how often it is asked.
struct Counted {
  const foglift::analytic::Mixture& density;
  Index& calls;
  Tensor<double> operator()(const Tensor<double>& x, const foglift::Levels& l) const {
    ++calls;
    return density(x, l);
  }
};

/// The state at the grid's front, of the distribution that the data have there but for its mean.
inline Tensor<double> start(Index n, const foglift::Rng& rng) {
  auto x = rng.normal<double>({n, 2});
  const double sigma = levels(1).front().sigma;
  for (double& v : x) v *= sigma;
  return x;
}

inline double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  for (Index i = 0; i < a.dim(0); ++i) sum += std::hypot(a(i, 0) - b(i, 0), a(i, 1) - b(i, 1));
  return sum / static_cast<double>(a.dim(0));
}

/// Runs one solver at every budget. `truth`: the ends of the exact paths from `noise`; `data`:
/// exact draws, as many.
template <class S>
void run_solver(PlaneRuns& out, const char* name, const S& solver, const Scatter& scatter,
                const Tensor<double>& noise, const Tensor<double>& truth,
                const Tensor<double>& data, const foglift::Rng& rng) {
  PlaneRuns::Line line{name, false, {}};
  const foglift::detail::NoNoise none;
  // Does it draw noise, as it is set?
  try {
    sample_from(solver, scatter.density, noise.rows(0, 1), levels(4), rng, {.noise = &none});
  } catch (const foglift::ArgumentError&) {
    line.noisy = true;
  }
  const bool panel = std::find(shown.begin(), shown.end(), name) != shown.end();
  const auto from = line.noisy ? start(data.dim(0), rng.stream(1)) : noise;
  for (const Index budget : budgets) {
    Index calls = 0;
    const Index steps = std::max<Index>(1, budget / std::max(1, S::evaluations));
    const auto x = sample_from(solver, Counted{scatter.density, calls}, from, levels(steps), rng);
    const double error = line.noisy
                             ? std::sqrt(verify::sliced_wasserstein2(x, data, 32, foglift::Rng(5)))
                             : distance(x, truth);
    line.points.push_back({static_cast<double>(calls), error});
    if (panel && budget == out.panel_evaluations)
      out.panels.push_back({name, x.rows(0, noise.dim(0))});
  }
  out.lines.push_back(std::move(line));
}

}  // namespace plane
