// Trains a teacher on points of the plane and every distiller's student of it, and shows what they
// draw in one, two and four evaluations. See --help.
#include "../support/command_line.hpp"
#include "../support/folders.hpp"
#include "figure.hpp"
#include "foglift/core/atomic_file.hpp"
#include "plane_data.hpp"
#include "students.hpp"

#include <filesystem>
#include <iostream>

using namespace foglift;

namespace {

struct Settings : RunOptions {
  std::string data = "moons";
  Index steps = 700, teacher = 3000, points = 10'000;
};

const PlaneData& chosen(const std::vector<PlaneData>& all, const std::string& name) {
  for (const PlaneData& data : all)
    if (data.name == name) return data;
  raise<ArgumentError>("no data '", name, "'; there are moons, checkerboard and bike hires");
}

int run(const Settings& s) {
  if (s.threads > 0) set_threads(s.threads);
  make_results_folder(s.out, {"distill.csv"}, s.force,
                      "add --force to overwrite it, or choose another --out");
  const std::string runs = s.out + "/runs";  // of the stages, each a checkpoint
  if (s.force) std::filesystem::remove_all(runs);
  std::filesystem::create_directories(runs);
  const auto all = plane_data(s.points, Rng(s.seed));
  const PlaneData& data = chosen(all, s.data);
  const train::Interrupt interrupt;
  const Budget budget{
      .teacher = s.teacher,
      .student = s.steps,
      .seed = s.seed,
      .folder = runs,
      .config = text("%s, %td points, %td and %td steps, seed %llu", s.data.c_str(), s.points,
                     s.teacher, s.steps, static_cast<unsigned long long>(s.seed)),
      .quiet = s.quiet,
      .interrupt = &interrupt};
  if (!s.quiet) std::cout << budget.config << ", " << threads() << " threads\n" << std::flush;
  const Net net = teacher_of_points(data.train, budget);
  auto samplers = teacher_samplers(net);
  for (Sampler& student : students(net, data.train, budget)) samplers.push_back(std::move(student));

  const auto noise = Rng(s.seed).stream(9).normal<float>({s.points, 2});
  const NetworkDenoiser teacher(net, predict::FlowVelocity{}, schedule::Flow{});
  const auto best = integrate(solver::Heun{}, teacher, noise, grid::uniform(teacher, 26));
  const Index shown = std::min<Index>(s.points, 1500);
  std::vector<distill_figure::Column> columns{
      {"data", std::vector(3, data.held_out.rows(0, shown))},
      {"teacher, Heun at 50", std::vector(3, best.rows(0, shown))}};
  std::string csv = "sampler,evaluations,sliced_wasserstein\n";
  const auto row = [&](const std::string& name, Index n, const Tensor<float>& x) {
    const double apart = distance_of(x, data.held_out);
    csv += text("\"%s\",%td,%.5f\n", name.c_str(), n, apart);
    return text("%9.3f", apart);
  };
  std::string table =
      text("%-30s        1        2        4  evaluations\n", "sliced Wasserstein distance");
  table +=
      text("%-30s", "training data") + row("training data", 0, data.train) + "  in each column\n";
  table += text("%-30s", "teacher, Heun") + row("teacher, Heun", 50, best) + "  at 50\n";
  for (const Sampler& sampler : samplers) {
    distill_figure::Column column{sampler.name, {}};
    table += text("%-30s", sampler.name.c_str());
    for (const Index n : {1, 2, 4}) {
      const bool has = std::ranges::count(sampler.evaluations, n) > 0;
      const Tensor<float> x = has ? sampler.draw(noise, n) : Tensor<float>({0, 2});
      table += has ? row(sampler.name, n, x) : "        -";
      column.rows.push_back(has ? x.rows(0, shown) : x);
    }
    table += '\n';
    columns.push_back(std::move(column));
  }
  std::cout << table;
  const bool drawn = distill_figure::draw(s.out, columns, {"1", "2", "4 evaluations"});
  write_file(s.out + "/distill.csv", csv);
  std::cout << (drawn ? "Picture: " + s.out + "/distill.png\n"
                      : "No gnuplot: run it on " + s.out + "/distill.gp\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  s.out = "distill";
  CLI::App app{
      "How good are samples in one, two or four evaluations of a network? Trains a flow on points "
      "of\n"
      "the plane and, from it, a student by every distiller of the library, and prints and draws\n"
      "what they make."};
  app.add_option("DATA", s.data, "moons, checkerboard, or \"bike hires\" of an hour and the next")
      ->capture_default_str();
  app.add_option("--steps", s.steps, "training steps of a student")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000000));
  app.add_option("--teacher", s.teacher, "training steps of the teacher")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000000));
  app.add_option("--points", s.points, "to train with, and to judge by")
      ->capture_default_str()
      ->check(CLI::Range(100, 1000000));
  add_run_options(app, s);
  app.get_option("--out")->description("folder for results and runs");
  app.get_option("--force")->description("begin anew, over the results and runs of before");
  app.footer(
      "A run that is stopped goes on from its last stage when it is called again.\n"
      "Examples:\n"
      "  distill                                  two minutes\n"
      "  distill checkerboard --out board\n"
      "  distill --steps 5000 --teacher 20000 --out better\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.");
  if (const int status = parse_command_line(app, argc, argv); status >= 0) return status;
  return run_program("distill", [&] {
    try {
      return run(s);
    } catch (const Interrupted& stop) {
      std::cerr << "Stopped; the same command goes on from here.\n";
      return 128 + stop.signal;
    }
  });
}
