// Which published forecaster does what with the same series, in its small preset and as many
// training steps? Each is trained, draws 100 paths at later origins, and is judged beside the
// seasonal naive forecast.
//
//   forecast_methods                                  all methods on a built-in series, 1000 steps
//   forecast_methods --method time_grad --steps 300
//   forecast_methods --file traffic.tsf --season 24   the first series of a file of the Monash
//   archive
#include "bench/options.hpp"
#include "foglift/forecast/series/monash.hpp"
#include "methods.hpp"

#include <cmath>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

using namespace foglift;
using namespace foglift::forecast;

namespace {

/// Sixty days of an hourly load: days of two shapes, a level that wanders, noise that hangs
/// together and grows with the level, and a gap.
Series load() {
  Series s{.name = "load", .time = {0, {.seconds = 3600}}};
  const auto z = Rng(1).normal<double>({2, 24 * 60});
  double level = 0, noise = 0;
  for (Index t = 0; t < 24 * 60; ++t) {
    level = 0.999 * level + 0.02 * z(0, t);
    noise = 0.7 * noise + z(1, t);
    const double hour = static_cast<double>(t % 24) / 24, day = t / 24 % 7 < 5 ? 1 : 0.6;
    const double shape = std::sin(6.2832 * (hour - 0.3)) + 0.4 * std::sin(12.566 * hour);
    s.values.push_back(t % 211 < 3 ? NAN
                                   : 100 * std::exp(level) * (2 + day * shape) +
                                         6 * std::exp(level) * noise);
  }
  return s;
}

struct Asked {
  std::string method = "all", file;
  Index steps = 1000, season = 24, horizon = 24, windows = 7, series = 1;
};

Asked asked(int count, char** words) {
  Asked out;
  const std::map<std::string, Index*> numbers = {{"--steps", &out.steps},
                                                 {"--season", &out.season},
                                                 {"--horizon", &out.horizon},
                                                 {"--windows", &out.windows},
                                                 {"--series", &out.series}};
  read_options(count, words, 1, numbers, {{"--method", &out.method}, {"--file", &out.file}});
  return out;
}

Task task_of(const Asked& a) {
  Task task;
  if (a.file.empty()) {
    task.series = {load()};
  } else {
    task.series = series_of(data::read_tsf(a.file));
    task.series.resize(std::min(task.series.size(), static_cast<std::size_t>(a.series)));
  }
  task.frame = {.horizon = a.horizon,
                .context = 2 * std::max(a.horizon, a.season),
                .seasons = {a.season},
                .center = Center::location};
  if (const Frequency& f = task.series[0].time.frequency; f != Frequency{})
    task.frame.calendar = Calendar::of(f, task.series[0].size());
  task.origins = rolling_origins(task.series, a.horizon, a.windows);
  task.past = task.series;
  for (Series& s : task.past)
    s.values.resize(static_cast<std::size_t>(s.size() - a.horizon * a.windows));
  task.training = {.validation = 4 * a.horizon, .batch = 32, .steps = a.steps, .seed = 1};
  return task;
}

void show(const Result& r) {
  std::printf("%-18s %10lld %9.1f %9.1f %10.4g %9.0f %%\n", r.score.name.c_str(),
              static_cast<long long>(r.weights), r.training, r.drawing, r.score.crps,
              100 * r.score.coverage);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) try {
  const Asked a = asked(count, words);
  const Task task = task_of(a);
  const std::pair<const char*, Result (*)(const Task&)> methods[] = {
      {"linear", linear},
      {"horizon_diffusion", horizon_diffusion},
      {"csdi", csdi},
      {"time_grad", time_grad},
      {"tsdiff", tsdiff},
      {"time_diff", time_diff},
      {"sssd", sssd},
      {"tsflow", tsflow},
      {"nsdiff", nsdiff},
      {"tmdm", tmdm},
      {"diffusion_ts", diffusion_ts},
      {"mg_tsd", mg_tsd}};
  std::printf("%-18s %10s %9s %9s %10s %11s\n", "method", "weights", "train s", "draw s", "CRPS",
              "80 % holds");
  const BaselineOptions naive{.horizon = a.horizon, .paths = task.paths, .seasons = {a.season}};
  show({.score = score("seasonal naive",
                       baseline_paths(task.series, task.origins, naive, Rng(1),
                                      [&](std::span<const double> past, const Rng& rng) {
                                        return seasonal_naive_bootstrap(past, naive, rng);
                                      }),
                       task.series, task.origins, a.season)});
  bool any = false;
  for (const auto& [name, method] : methods)
    if (a.method == "all" || a.method == name) {
      show(method(task));
      any = true;
    }
  if (!any) raise<ArgumentError>("forecast_methods: no method ", a.method);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
