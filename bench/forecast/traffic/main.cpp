// What does diffusion add to forecasts over a graph? ST-GCN on the roads of Los-loop and on a grid
// of simulated vessels, by itself and with each aid: windows that a diffusion model generates,
// training on attacks and on perturbations by diffusion, its features, frozen and tuned; and
// DiffSTG, by itself, with the errors of its samples fed back, and guided by the ST-GCN. Each is
// trained for so many seconds of one core: DiffSTG for five times as many, the model of windows,
// which all seeds share, for three times.
//
//   forecast_traffic --data DIR            DIR/los_loop/los_{speed,adj}.csv, see fetch.cmake
//   forecast_traffic --only vessels
//   forecast_traffic --data DIR --seconds 60 --seeds 3 --stride 1
//
// --first-seed N begins with another seed, --diffstg 0 leaves that model out.
// Every --stride-th test window is judged, by DiffSTG every eighth of these. With --page FILE the
// tables are written into a page too, between <!-- traffic --> and <!-- /traffic -->.
#include "bench/options.hpp"
#include "examples/support/marked_page.hpp"
#include "foglift/core/parallel.hpp"
#include "traffic.hpp"

#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

using namespace foglift;

namespace {

struct Asked {
  std::string data, page, only = "all";
  Index seconds = 8, seeds = 3, first = 1, stride = 4, diffstg = 1;
};

Asked asked(int count, char** words) {
  Asked out;
  read_options(count, words, 1,
               {{"--seconds", &out.seconds},
                {"--seeds", &out.seeds},
                {"--stride", &out.stride},
                {"--first-seed", &out.first},
                {"--diffstg", &out.diffstg}},
               {{"--data", &out.data}, {"--page", &out.page}, {"--only", &out.only}});
  if (out.seconds < 1 || out.seeds < 1 || out.stride < 1)
    raise<ArgumentError>("forecast_traffic: needed a second, a seed and a stride");
  if (out.only != "all" && out.only != "los-loop" && out.only != "vessels")
    raise<ArgumentError>("forecast_traffic: --only ", out.only, ", needed los-loop or vessels");
  if (out.data.empty() && out.only != "vessels")
    raise<ArgumentError>("forecast_traffic --data DIR; see the head of its source");
  return out;
}

std::vector<Result> results(const Task& task, const Features& generator, bool diffstg) {
  std::vector<Result> out = baselines(task);
  std::shared_ptr<External> plain;
  for (const Result& r : stgcn(task, generator, plain)) out.push_back(r);
  if (!diffstg) return out;
  for (const Result& r : diffusion(task, *plain)) out.push_back(r);
  return out;
}

/// A number of each seed: the mean, and from where to where they go.
std::string spread(const std::vector<Result>& seeds, double Result::*number) {
  double sum = 0, least = INFINITY, most = -INFINITY;
  for (const Result& r : seeds)
    sum += r.*number, least = std::min(least, r.*number), most = std::max(most, r.*number);
  char text[64];
  const char* const form = least == most ? "%.3f" : "%.3f (%.3f to %.3f)";
  std::snprintf(text, sizeof(text), form, sum / static_cast<double>(seeds.size()), least, most);
  return sum == 0 ? "" : text;
}

std::string table(const Traffic& traffic, const Asked& a) {
  std::vector<std::vector<Result>> rows;  // of a method, one of each seed
  Task task{.traffic = traffic, .seconds = static_cast<double>(a.seconds), .stride = a.stride};
  const Features generator = window_model(task);
  for (Index seed = a.first; seed < a.first + a.seeds; ++seed) {
    task.seed = static_cast<std::uint64_t>(seed);
    const std::vector<Result> all = results(task, generator, a.diffstg != 0);
    rows.resize(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      rows[i].push_back(all[i]);
      std::fprintf(stderr,
                   "%s, seed %td, %s: RMSE %.3f, %.3f, CRPS %.3f, %.1f %%, attacked %.3f, "
                   "%td steps\n",
                   traffic.name.c_str(), seed, all[i].method.c_str(), all[i].early, all[i].all,
                   all[i].crps, 100 * all[i].coverage, all[i].attacked, all[i].steps);
    }
  }
  std::string out =
      "| " + traffic.name + ", " + traffic.unit +
      " | RMSE, 3 steps | RMSE, 12 steps | CRPS, 12 steps | 80 % holds | RMSE attacked | steps |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const std::vector<Result>& r : rows) {
    char end[64];
    double coverage = 0;
    for (const Result& one : r) coverage += 100 * one.coverage / static_cast<double>(r.size());
    std::snprintf(end, sizeof(end), " | %.1f %% | ", coverage);
    out += "| " + r[0].method + " | " + spread(r, &Result::early) + " | " +
           spread(r, &Result::all) + " | " + spread(r, &Result::crps) + end +
           spread(r, &Result::attacked) + " | " + (r[0].steps ? std::to_string(r[0].steps) : "") +
           " |\n";
  }
  for (const std::string& other : traffic.others) out += other + "\n";
  return out + "\n";
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  set_threads(1);
  std::string out = "\n";
  if (a.only != "vessels") out += table(los_loop(a.data + "/los_loop"), a);
  if (a.only != "los-loop") out += table(vessels(), a);
  std::printf("%s", out.c_str());
  if (!a.page.empty()) write_marked(a.page, "traffic", out);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
