#include "grid_tables.hpp"

#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/diffusion/verify.hpp"
#include "support/grid_list.hpp"
#include "support/text.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace foglift;

namespace {

/// The worst distance of the samples' law from the data's over three Gaussians, by exact moments.
template <class S>
double worst(const S& solver, const TimeGrid& grid) {
  double out = 0;
  for (const verify::Moments data : {verify::Moments{1, 0.25}, {0.3, 1}, {1, 0.04}})
    out = std::max(out, verify::law_error(solver, data, grid));
  return out;
}

/// The row of one grid: errors of all solvers, the least in bold. A rule of two evaluations a step
/// takes one in the step to clean data.
template <class F>
std::string row(Index evaluations, const std::string& name, const F& make) {
  using namespace foglift::solver;
  std::vector<double> errors;
  const auto add = [&](const auto& solver) {
    errors.push_back(
        worst(solver, make(solver.evaluations == 1 ? evaluations : (evaluations + 1) / 2)));
  };
  add(Euler{});
  add(DpmMulti<2>{.begin = Start::lower_order});
  add(UniPc<2>{.begin = Start::lower_order});
  add(DpmMulti<3>{.begin = Start::lower_order});
  add(Deis<3>{.begin = Start::lower_order});
  add(Lms<4>{.begin = Start::lower_order});
  add(Heun{});
  add(Dpm2{});
  add(SdeDpmMulti<2>{});
  const double least = *std::min_element(errors.begin(), errors.end());
  std::string out = "| " + std::to_string(evaluations) + " | " + name + " |";
  for (const double e : errors) out += text(e == least ? " **%.3f** |" : " %.3f |", e);
  return out + "\n";
}

}  // namespace

std::string few_steps_table() {
  std::string out =
      "## Few steps: which solver on which grid\n\n"
      "Written by `verify_solver --few-steps docs/solvers.md`. Distance of the samples' law from "
      "the "
      "data's, the worst of N(1, 0.25),\nN(0.3, 1) and N(1, 0.04), from exact moments; every "
      "column "
      "at the same number of evaluations (two-stage rules: half as many\nsteps, one evaluation "
      "less "
      "where it is even), multistep rules with `Start::lower_order`, which spends no extra "
      "ones.\n\n"
      "| evaluations | grid | DDIM | 2M | UniPC 2 | 3M | DEIS 3 | LMS 4 | Heun | DPM2 | 2M SDE |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Index n : {5, 10, 20}) {
    out += row(n, "uniform, cosine", [](Index k) { return grid::uniform(schedule::Cosine{}, k); });
    out += row(n, "uniform, flow", [](Index k) { return grid::uniform(schedule::Flow{}, k); });
    out += row(n, "Karras, EDM", [](Index k) { return grid::karras(schedule::Edm{}, k); });
    out += row(n, "uniform log-SNR, VP", [](Index k) {
      return grid::log_snr(schedule::Linear{}, k, {.min = 0.01, .max = 80});
    });
  }
  return out;
}

std::string grid_table() {
  std::string out =
      "## Grids: distance of the samples' law from the data's\n\n"
      "Data: N(0.5, 0.25), 2-Wasserstein distance from exact moments; s = "
      "`DiscreteSchedule::linear(1000)`; n steps to clean data.\n\n"
      "| grid | `grid::` | DDIM, n = 10 | 20 | 40 | DPM-Solver++ 2M, n = 10 | 20 | 40 |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for_each_grid(DiscreteSchedule::linear(1000), [&](const std::string& name,
                                                    const std::string& code, const auto& make) {
    out += "| " + name + " | `" + code + "` |";
    const auto errors = [&](const auto& solver) {
      for (const Index n : {10, 20, 40})
        out += text(" %.3f |", verify::law_error(solver, {.mean = 0.5, .variance = 0.25}, make(n)));
    };
    errors(solver::Euler{});
    errors(solver::DpmMulti<2>{});
    out += "\n";
  });
  return out;
}
