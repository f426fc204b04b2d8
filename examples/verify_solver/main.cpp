// Measures the order of a solver: put yours in place of Mine and build. See --help.
#include "figure.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/parts/between.hpp"
#include "grid_tables.hpp"
#include "solvers.hpp"
#include "support/command_line.hpp"
#include "support/folders.hpp"
#include "support/marked_page.hpp"
#include "support/progress.hpp"

#include <iostream>
#include <optional>
#include <string>
#include <vector>

using namespace foglift;

/// Yours: one step of the probability-flow ODE from a level to a cleaner one. This one takes the
/// slope in the middle of s = sigma / alpha, where dz/ds = (z - x0) / s for z = x / alpha.
struct Mine {
  static constexpr const char* name = "mine";
  static constexpr int order = 2, weak_order = 0, evaluations = 2;

  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                 const StepRng& rng) const {
    const Tensor<T> x0 = denoise(x, from);
    if (from.alpha == 0 || to.sigma == 0)
      return solver::transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
    const double s = from.ratio(), t = to.ratio();
    const Level middle = solver::between(from, to, -std::log((s + t) / 2));
    const Tensor<T> x_middle = solver::transfer(x, x0, from, middle, middle.sigma, 0, rng);
    const Tensor<T> x0_middle = denoise(x_middle, middle);
    // z + (t - s) (z_m - x0_m) / s_m
    const double weight = (t - s) / middle.ratio();
    return affine(to.alpha / from.alpha, std::move(x), to.alpha * weight / middle.alpha, x_middle,
                  -to.alpha * weight, x0_middle);
  }
};

struct Settings {
  std::string solver = "mine", out = "verify-out", table, few_steps;
  bool list = false, force = false, quiet = false;
};

/// All solvers, measured, as a page of documentation. `short_of` gets the names of those whose
/// order is less than they state.
std::string catalogue_table(bool quiet, std::string& short_of) {
  const std::vector<Measurable> all = solvers();
  Progress bar("measuring", quiet);
  std::string clean, noisy;
  for (const Measurable& s : all) {
    const SolverReport r = s.measure();
    (r.noisy ? noisy : clean) += solver_report::table_row(r);
    if (!r.has_stated_order()) short_of += (short_of.empty() ? "" : ", ") + r.name;
    bar.update(&s - all.data() + 1, std::ssize(all), s.name);
  }
  return "# Measured orders\n\n"
         "Written by `verify_solver --table docs/solvers.md`; every number is measured in the run. "
         "Columns are slopes over the\n"
         "last doubling of the steps, starting as the solver starts by itself. \"identities\" are "
         "the rules of\n"
         "`verify::identities` that hold for a right solver of any order.\n\n"
         "## Deterministic: error against the exact probability-flow ODE\n\n"
         "Data: 0.3 N(-1, 0.4²) + 0.7 N(1.5, 0.6²); log-SNR/2 from -2.5 to 2.5; 20 to 160 steps; "
         "largest error of four starts.\n\n" +
         solver_report::table_head(false) + clean +
         "\n## With noise: relative error of the variance of the samples\n\n"
         "Data: N(0.7, 0.25); σ/α from 10 to 0.05; 40 to 320 steps; exact moments, no Monte "
         "Carlo.\n\n" +
         solver_report::table_head(true) + noisy + "\n" + grid_table();
}

int run(const Settings& s) {
  if (s.list) {
    for (const Measurable& m : solvers())
      std::printf("%-28s solver::%s\n", m.name.c_str(), m.code.c_str());
    return 0;
  }
  if (!s.few_steps.empty()) {
    write_marked(s.few_steps, "few-steps", few_steps_table());
    std::printf("wrote %s\n", s.few_steps.c_str());
    return 0;
  }
  if (!s.table.empty()) {
    std::string short_of;
    write_marked(s.table, "verify_solver", catalogue_table(s.quiet, short_of));
    std::printf("wrote %s\n", s.table.c_str());
    if (!short_of.empty()) std::printf("below the order they state: %s\n", short_of.c_str());
    return short_of.empty() ? 0 : 3;
  }
  std::optional<SolverReport> report;
  if (s.solver == "mine") report = solver_report::measure("mine", "Mine{}", Mine{});
  for (const Measurable& m : solvers())
    if (s.solver == m.name) report = m.measure();
  if (!report) raise<ArgumentError>("no solver is called \"", s.solver, "\"; --list names them");
  make_results_folder(s.out, {"convergence.gp"}, s.force,
                      "add --force to overwrite it, or choose another --out");
  std::cout << solver_report::page(*report);
  std::vector<SolverReport> shown{*report};
  if (!report->noisy) {
    shown.push_back(solver_report::measure("DDIM", "Ddim{}", solver::Ddim{}));
    shown.push_back(solver_report::measure("Heun", "Heun{}", solver::Heun{}));
  }
  const bool drawn = draw(shown, s.out);
  std::cout << "\n"
            << (report->holds() ? "It is what it says." : "It is NOT what it says.") << "\n"
            << (drawn ? "Picture: " + s.out + "/convergence.png\n"
                      : "No gnuplot: run it on " + s.out + "/convergence.gp\n");
  return report->holds() ? 0 : 3;
}

int main(int argc, char** argv) {
  Settings s;
  CLI::App app{
      "Does a solver have the order that it states? Measures it on problems whose solution is "
      "known,\n"
      "on variance-preserving, variance-exploding and flow processes, and checks identities that "
      "any\n"
      "right solver satisfies. Put your own in place of Mine in verify_solver/main.cpp."};
  app.add_option("SOLVER", s.solver, "\"mine\", or a name of --list")->capture_default_str();
  app.add_flag("--list", s.list, "name the solvers of the library");
  app.add_option("--table", s.table,
                 "measure all of them and the grids, and write the tables into this file, between\n"
                 "the lines <!-- verify_solver --> and <!-- /verify_solver -->");
  app.add_option("--few-steps", s.few_steps,
                 "write which solver to take on which grid at 5, 10 and 20 evaluations into this\n"
                 "file, between the lines <!-- few-steps --> and <!-- /few-steps -->");
  app.add_option("--out", s.out, "folder for the picture")->capture_default_str();
  app.add_flag("--force", s.force, "overwrite the picture of an earlier run");
  app.add_flag("--quiet", s.quiet, "no progress");
  app.footer(
      "Examples:\n"
      "  verify_solver                     the solver in verify_solver/main.cpp\n"
      "  verify_solver Heun --out heun\n"
      "  verify_solver --table solvers.md\n"
      "Exit status: 0 it is what it says, 1 failed, 2 wrong usage, 3 it is not.");
  if (const int status = parse_command_line(app, argc, argv); status >= 0) return status;
  return run_program("verify_solver", [&] { return run(s); });
}
