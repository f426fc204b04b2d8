// Do exact assignments of a batch's noise (OT-CFM) make a flow straighter than independent pairs
// (I-CFM)? Straightness of both, and the steps of Euler's rule that end within 0.05 of the flow's
// own end, on points of the plane.
//
//   quality_paths                              prints the table
//   quality_paths --page docs/acceleration.md  writes it between marks of the page
#include "bench/options.hpp"
#include "examples/distill/plane_data.hpp"
#include "examples/distill/stage.hpp"
#include "examples/support/marked_page.hpp"
#include "examples/support/text.hpp"

#include <cmath>
#include <cstdio>
#include <exception>

using namespace foglift;

namespace {

struct Asked {
  Index seeds = 3, steps = 3000, points = 4000;
  std::string page;
};

/// The least number of Euler's steps whose ends are within 0.05 of the exact ones, root mean
/// square.
Index steps_needed(const Net& net, const Tensor<float>& noise) {
  const auto end = integrate(solver::Heun{}, denoiser(net), noise, grid::uniform(flow, 100));
  for (Index n = 1; n < 100; ++n) {
    const auto x = integrate(solver::Euler{}, denoiser(net), noise, grid::uniform(flow, n));
    double square = 0;
    for (Index i = 0; i < x.size(); ++i)
      square += std::pow(double{x[i]} - double{end[i]}, 2) / static_cast<double>(x.size());
    if (std::sqrt(square) < 0.05) return n;
  }
  return 100;
}

std::string row(const PlaneData& data, bool assigned, const Asked& asked) {
  double straight = 0, needed = 0, apart = 0;
  for (Index seed = 1; seed <= asked.seeds; ++seed) {
    const Budget budget{.seed = static_cast<std::uint64_t>(seed)};
    Rng init(budget.seed);
    const Net net = trained(
        assigned ? "OT-CFM" : "I-CFM", Net({.in = 2}, init), data.train.dim(0), asked.steps, budget,
        [&](const Net& model, const Net&, Tape<float>& tape, const train::Examples& e) {
          return denoiser(model).loss(tape, data.train.rows(e.index), Rng(budget.seed), e.draws,
                                      {.assign_noise = assigned});
        });
    const auto noise = Rng(100 + budget.seed).normal<float>({asked.points, 2});
    const auto runs = static_cast<double>(asked.seeds);
    straight += distill::straightness(denoiser(net), noise, 100) / runs;
    needed += static_cast<double>(steps_needed(net, noise)) / runs;
    apart += distance_of(integrate(solver::Heun{}, denoiser(net), noise, grid::uniform(flow, 26)),
                         data.held_out) /
             runs;
  }
  return text("| %s | %s | %.4f | %.1f | %.3f |\n", data.name.c_str(),
              assigned ? "OT-CFM" : "I-CFM", straight, needed, apart);
}

}  // namespace

int main(int count, char** words) try {
  Asked a;
  read_options(count, words, 1,
               {{"--seeds", &a.seeds}, {"--steps", &a.steps}, {"--points", &a.points}},
               {{"--page", &a.page}});
  set_threads(1);
  std::string table =
      "| data | pairs | not straight | steps to 0.05 | distance, Heun at 50 |\n"
      "|---|---|---|---|---|\n";
  for (const PlaneData& data : plane_data(a.points, Rng(1)))
    for (const bool assigned : {false, true}) table += row(data, assigned, a);
  std::fputs(table.c_str(), stdout);
  if (!a.page.empty()) write_marked(a.page, "paths", table);
} catch (const std::exception& e) {
  std::fprintf(stderr, "quality_paths: %s\n", e.what());
  return 1;
}
