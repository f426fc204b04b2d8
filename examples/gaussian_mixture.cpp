// Every solver on points of the plane, whose exact denoiser is known: what each costs and how far
// it is off. See --help.
#include "foglift/core/parallel.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "support/command_line.hpp"
#include "support/folders.hpp"
#include "support/plane_figure.hpp"
#include "support/progress.hpp"
#include "support/solver_list.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>

using namespace foglift;

struct Settings : RunOptions {
  std::string data = "spiral";
  Index samples = 300;
};

Scatter read(const Settings& s, const Rng& rng) {
  if (s.data == "spiral") return spiral(600, rng);
  if (s.data == "bikes") return commuters(shipped_file("bikes.csv"));
  return scatter_file(s.data);
}

PlaneRuns run_all(const Scatter& scatter, const Settings& s, const Rng& rng) {
  PlaneRuns out;
  int total = 3, done = 0;
  for_each_solver([&](auto&&...) { ++total; });
  Progress bar("sampling", s.quiet);
  const auto noise = plane::start(s.samples, rng.stream(1));
  // Heun's rule with a thousand steps is the exact flow to a picture's precision.
  const auto truth = integrate(solver::Heun{}, scatter.density, noise, plane::levels(1000));
  bar.update(done = 2, total, "exact paths");
  // Distances between distributions need more points; a denoiser of many components pays for each,
  // and a quick look makes do with fewer.
  const Index enough = std::clamp<Index>(400'000 / scatter.density.components(), 800, 4000);
  const Index many = std::max(s.samples, enough * std::min<Index>(s.samples, 300) / 300);
  const auto data = scatter.density.draw<double>({many, 2}, rng.stream(2));
  out.floor = std::sqrt(verify::sliced_wasserstein2(
      scatter.density.draw<double>({many, 2}, rng.stream(3)), data, 32, Rng(5)));
  const auto grid = plane::levels(60);
  out.paths = Tensor<double>({60, 24, 2});
  integrate(solver::Heun{}, scatter.density, noise.rows(0, 24), grid, {},
            [&](const StepView<double>& step) {
              for (Index i = 0; i < step.x.size(); ++i)
                out.paths[step.step * step.x.size() + i] = step.x[i] / step.level.alpha;
            });
  for_each_solver([&](const char* name, const char*, const auto& solver) {
    bar.update(++done, total, name);
    plane::run_solver(out, name, solver, scatter, noise, truth, data, rng.stream(4));
  });
  return out;
}

int run(const Settings& s) {
  if (s.threads > 0) set_threads(s.threads);
  make_results_folder(s.out, {"plane.gp", "plane.csv"}, s.force,
                      "add --force to overwrite it, or choose another --out");
  const Rng rng(s.seed);
  const Scatter scatter = read(s, rng);
  const PlaneRuns runs = run_all(scatter, s, rng);
  std::cout << plane_figure::table(runs);
  write_file(s.out + "/plane.csv", plane_figure::csv(runs));
  const bool drawn = draw(scatter, runs, s.out);
  std::cout << (drawn ? "\nPicture: " + s.out + "/plane.png\n"
                      : "\nNo gnuplot: run it on " + s.out + "/plane.gp\n");
  return 0;
}

int main(int argc, char** argv) {
  Settings s;
  s.out = "plane-out";
  CLI::App app{
      "How good is each solver for how many evaluations of the denoiser? Samples points of the "
      "plane,\n"
      "whose exact denoiser is known, with every solver of the library at 5 to 100 evaluations, "
      "and\n"
      "draws samples, paths, and errors."};
  app.add_option("DATA", s.data,
                 "\"spiral\": six Gaussians; \"bikes\": hires on 665 days, real; or a CSV file, "
                 "whose first "
                 "two columns of numbers are points")
      ->capture_default_str();
  app.add_option("--samples", s.samples, "points that each solver draws")
      ->capture_default_str()
      ->check(CLI::Range(30, 100000));
  add_run_options(app, s);
  app.footer(
      "Examples:\n"
      "  gaussian_mixture\n"
      "  gaussian_mixture bikes --out bikes\n"
      "  gaussian_mixture points.csv --samples 1000 --out mine\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage.");
  if (const int status = parse_command_line(app, argc, argv); status >= 0) return status;
  return run_program("gaussian_mixture", [&] { return run(s); });
}
