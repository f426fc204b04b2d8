// What students of few evaluations are worth on points of the plane: bicycle hires, moons and a
// checkerboard. Sliced Wasserstein distance of samples to held-out data, of every distiller at 1, 2
// and 4 evaluations beside the teacher's own, over seeds.
//
//   quality_plane                                   prints the table
//   quality_plane --page docs/acceleration.md       writes it between marks of the page
//   quality_plane --seeds 1 --students 500          a quick look
#include "bench/options.hpp"
#include "examples/distill/plane_data.hpp"
#include "examples/distill/students.hpp"
#include "examples/support/marked_page.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

using namespace foglift;

namespace {

constexpr Index few[] = {1, 2, 4};

struct Asked {
  Index seeds = 3, teacher = 6000, student = 3000, points = 10'000, threads = 1;
  std::string page, data = "all";
};

/// Distances by row and number of evaluations (0: what has none), one a seed.
using Distances = std::map<std::string, std::map<Index, std::vector<double>>>;

/// One data set and seed; `order` collects the names of rows as they come.
void measure(const PlaneData& data, const Asked& asked, std::uint64_t seed, Distances& out,
             std::vector<std::string>& order) {
  const Budget budget{.teacher = asked.teacher, .student = asked.student, .seed = seed};
  const Net net = teacher_of_points(data.train, budget);
  const auto noise = Rng(1000 + seed).normal<float>({asked.points, 2});
  const auto add = [&](const std::string& name, Index n, const Tensor<float>& x) {
    if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
    out[name][n].push_back(distance_of(x, data.held_out));
    std::fprintf(stderr, "  %s, %td: %.4f\n", name.c_str(), n, out[name][n].back());
  };
  add("training data", 0, data.train);
  const NetworkDenoiser teacher(net, predict::FlowVelocity{}, schedule::Flow{});
  // 26 steps: one evaluation in the first and the last, which have no second slope
  add("teacher, Heun at 50", 0,
      integrate(solver::Heun{}, teacher, noise, grid::uniform(teacher, 26)));
  auto all = teacher_samplers(net);
  for (Sampler& student : students(net, data.train, budget)) all.push_back(std::move(student));
  for (const Sampler& sampler : all)
    for (const Index n : sampler.evaluations) add(sampler.name, n, sampler.draw(noise, n));
}

/// Mean and half of the range over seeds.
std::string cell(const std::vector<double>& of, double beside) {
  double mean = 0;
  for (const double v : of) mean += v / static_cast<double>(of.size());
  const auto [low, high] = std::minmax_element(of.begin(), of.end());
  char text[96];
  if (beside > 0)
    std::snprintf(text, sizeof text, " %.3f ± %.3f (%.2fx) |", mean, (*high - *low) / 2,
                  mean / beside);
  else
    std::snprintf(text, sizeof text, " %.3f ± %.3f |", mean, (*high - *low) / 2);
  return text;
}

double mean_of(const std::vector<double>& of) {
  double mean = 0;
  for (const double v : of) mean += v / static_cast<double>(of.size());
  return mean;
}

std::string table(const PlaneData& data, const Distances& found,
                  const std::vector<std::string>& order) {
  const double control = mean_of(found.at("teacher, Heun at 50").at(0));
  std::string out = "**" + data.name + "**\n\n| | 1 evaluation | 2 | 4 |\n|---|---|---|---|\n";
  for (const std::string& name : order) {
    const auto& row = found.at(name);
    out += "| " + name + " |";
    if (row.contains(0)) {
      out += cell(row.at(0), 0) + " | |\n";
      continue;
    }
    for (const Index n : few) out += row.contains(n) ? cell(row.at(n), control) : " |";
    out += "\n";
  }
  return out + "\n";
}

Asked asked(int count, char** words) {
  Asked a;
  read_options(count, words, 1,
               {{"--seeds", &a.seeds},
                {"--teacher", &a.teacher},
                {"--students", &a.student},
                {"--points", &a.points},
                {"--threads", &a.threads}},
               {{"--page", &a.page}, {"--data", &a.data}});
  return a;
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  set_threads(static_cast<int>(a.threads));
  std::string text;
  for (const PlaneData& data : plane_data(a.points, Rng(1))) {
    if (a.data != "all" && a.data != data.name) continue;
    Distances found;
    std::vector<std::string> order;
    for (Index seed = 1; seed <= a.seeds; ++seed) {
      std::fprintf(stderr, "%s, seed %td\n", data.name.c_str(), seed);
      measure(data, a, static_cast<std::uint64_t>(seed), found, order);
    }
    text += table(data, found, order);
  }
  std::fputs(text.c_str(), stdout);
  if (!a.page.empty()) write_marked(a.page, "plane", text);
} catch (const std::exception& e) {
  std::fprintf(stderr, "quality_plane: %s\n", e.what());
  return 1;
}
