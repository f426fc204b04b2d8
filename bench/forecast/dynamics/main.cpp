// Does DYffusion forecast simulated systems better than its baselines, at equal training time? Each
// method trains networks of one kind for so many seconds of one core, draws ensembles on courses
// that it has not seen, and is judged beside persistence; scores are means over seeds.
//
//   forecast_dynamics            4 systems, 3 seeds, 3 seconds: some 4 minutes of one core
//   forecast_dynamics --system wave --method dyffusion --seconds 20
//
// With --page FILE the table is written into a page too, between the lines <!-- dynamics --> and
// <!-- /dynamics -->.
#include "bench/options.hpp"
#include "dynamics.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/core/parallel.hpp"

#include <cstdio>
#include <exception>
#include <map>

using namespace foglift;

namespace {

struct Asked {
  std::string system = "all", method = "all", page;
  Index seconds = 3, seeds = 3, members = 10, horizon = 8, dropout_permille = 5, first_percent = 40,
        extra = 0, look_ahead_percent = 50;
};

Asked asked(int count, char** words) {
  Asked out;
  const std::map<std::string, Index*> numbers = {{"--seconds", &out.seconds},
                                                 {"--seeds", &out.seeds},
                                                 {"--members", &out.members},
                                                 {"--horizon", &out.horizon},
                                                 {"--dropout-permille", &out.dropout_permille},
                                                 {"--first-percent", &out.first_percent},
                                                 {"--extra", &out.extra},
                                                 {"--look-ahead-percent", &out.look_ahead_percent}};
  read_options(count, words, 1, numbers,
               {{"--system", &out.system}, {"--method", &out.method}, {"--page", &out.page}});
  if (out.seconds < 1 || out.seeds < 1 || out.members < 2)
    raise<ArgumentError>("forecast_dynamics: needed a second, a seed and two members");
  return out;
}

/// What was asked for on a system, in the order of the table.
std::vector<Result> results(const Task& task, const std::string& method) {
  std::vector<Result> out{persistence(task)};
  const std::pair<const char*, std::vector<Result> (*)(const Task&)> methods[] = {
      {"dropout", dropout}, {"ddpm", ddpm}, {"video", video}, {"dyffusion", dyffusion}};
  for (const auto& [name, run] : methods)
    if (method == "all" || method == name)
      for (const Result& r : run(task)) out.push_back(r);
  if (out.size() == 1) raise<ArgumentError>("forecast_dynamics: no method ", method);
  return out;
}

void add(Result& sum, const Result& r) {
  sum.crps += r.crps, sum.square += r.square, sum.spread_skill += r.spread_skill;
  sum.drawing += r.drawing, sum.steps += r.steps;
}

/// The rows of a system.
std::string rows(const System& system, const Asked& a) {
  std::vector<Result> sums;
  std::vector<double> least, most;
  for (Index seed = 1; seed <= a.seeds; ++seed) {
    const Task task{.system = system,
                    .horizon = a.horizon,
                    .members = a.members,
                    .seconds = static_cast<double>(a.seconds),
                    .seed = static_cast<std::uint64_t>(seed),
                    .dropout = static_cast<double>(a.dropout_permille) / 1000,
                    .first_stage = static_cast<double>(a.first_percent) / 100,
                    .extra = a.extra,
                    .look_ahead = static_cast<double>(a.look_ahead_percent) / 100};
    const std::vector<Result> all = results(task, a.method);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::fprintf(stderr, "%s, seed %td, %s: CRPS %.4f, MSE %.5f, SSR %.2f, %td steps, %.1f s\n",
                   system.name.c_str(), seed, all[i].method.c_str(), all[i].crps, all[i].square,
                   all[i].spread_skill, all[i].steps, all[i].drawing);
      if (seed == 1) {
        sums.push_back(all[i]), least.push_back(all[i].crps), most.push_back(all[i].crps);
        continue;
      }
      add(sums[i], all[i]);
      least[i] = std::min(least[i], all[i].crps), most[i] = std::max(most[i], all[i].crps);
    }
  }
  std::string out;
  const auto n = static_cast<double>(a.seeds);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const Result& r = sums[i];
    char line[256];
    std::snprintf(line, sizeof line, "| %s | %s | %.4f (%.4f to %.4f) | %.5f | %s | %td | %.2f |\n",
                  i == 0 ? system.name.c_str() : "", r.method.c_str(), r.crps / n, least[i],
                  most[i], r.square / n,
                  i == 0 ? "" : std::to_string(r.spread_skill / n).substr(0, 4).c_str(),
                  r.evaluations, r.drawing / n);
    out += line;
  }
  return out;
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  set_threads(1);
  std::string table =
      "| system | method | CRPS (of seeds) | MSE | SSR | evaluations | draw s |\n"
      "|---|---|---|---|---|---|---|\n";
  bool any = false;
  for (const System& system : systems())
    if (a.system == "all" || a.system == system.name) {
      table += rows(system, a);
      any = true;
    }
  if (!any) raise<ArgumentError>("forecast_dynamics: no system ", a.system);
  std::printf("%s", table.c_str());
  if (!a.page.empty()) write_marked(a.page, "dynamics", table);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
