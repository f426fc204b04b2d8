// What does a forecast after every observation cost, and what is lost where the last one is used
// again? A whole-horizon model by all steps of its solver and by a few from the last paths, and a
// recurrent one by its kept state and by the context anew; CRPS and coverage over 24 hours ahead of
// the hourly bicycle hires that the library ships.
//
//   forecast_stream                        prints the table (five minutes on 2 cores)
//   forecast_stream docs/forecasting.md    writes it between <!-- stream --> and <!-- /stream -->
#include "examples/support/marked_page.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "foglift/forecast/series/read.hpp"
#include "foglift/forecast/stream/recurrent_stream.hpp"
#include "foglift/forecast/stream/rolling_score.hpp"
#include "foglift/forecast/stream/warm_stream.hpp"
#include "foglift/train/callbacks/every.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr Index horizon = 24, updates = 168, paths = 100;

template <class M>
Forecaster<M> trained(const char* name, const typename M::Options& method, const Series& past,
                      Index steps) {
  Forecaster<M> model(method, {.validation = 336, .batch = 32, .steps = steps, .seed = 1});
  model.fit(std::vector<Series>{past}, train::callback::Every(50, [&](const train::FitProgress& p) {
              std::fprintf(stderr, "\r%s: step %td of %td, loss %.3f ", name, p.step, p.steps,
                           p.smoothed_loss);
            }));
  std::fprintf(stderr, "\n");
  return model;
}

struct Table {
  const Series& all;
  Index begin;  // the cell of the first forecast
  std::string text =
      "| forecast after each hour | evaluations | ms | CRPS | 80 % holds "
      "|\n|---|---|---|---|---|\n";

  /// draw(series so far) -> [paths, horizon]; observe(value) takes in what came.
  template <class Draw, class Observe>
  void row(const std::string& name, Index evaluations, const Draw& draw, const Observe& observe) {
    RollingScore score(updates * horizon);
    double seconds = 0;
    for (Index t = begin; t < begin + updates; ++t) {
      const auto start = std::chrono::steady_clock::now();
      const Tensor<double> drawn = draw(t);
      if (t > begin)  // the first one has nothing to go on from
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      for (Index h = 0; h < horizon; ++h) {
        std::vector<double> members;
        for (Index p = 0; p < paths; ++p) members.push_back(drawn[p * horizon + h]);
        score.add(std::move(members), all.value(t + h));
      }
      const auto again = std::chrono::steady_clock::now();
      observe(all.value(t));
      if (t > begin)
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - again).count();
    }
    char line[160];
    std::snprintf(line, sizeof(line), "| %s | %td | %.1f | %.2f | %.1f %% |\n", name.c_str(),
                  evaluations, 1e3 * seconds / (updates - 1), score.crps_mean(),
                  100 * score.coverage());
    text += line;
    std::fprintf(stderr, "%s", line);
  }
};

}  // namespace

int main(int count, char** words) try {
  const Series all = read_panel(FOGLIFT_EXAMPLE_DATA "/bikes.csv").series.at(0);
  Table table{all, all.size() - updates - horizon};
  Series past = all;
  past.values.resize(static_cast<std::size_t>(table.begin));
  const auto until = [&](Index t) {
    std::vector<Series> series = {all};
    series[0].values.resize(static_cast<std::size_t>(t));
    return series;
  };
  const auto anew = [&](const auto& model) {
    return [&](Index t) {
      return model.paths(until(t), std::vector<Origin>{{0, t}}, paths).reshaped({paths, horizon});
    };
  };
  const auto nothing = [](double) {};

  const auto whole = trained<HorizonDiffusion<>>(
      "whole horizon",
      {.frame = {.horizon = horizon, .context = 168, .seasons = {24, 168}},
       .net = {.width = 24, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false}},
      past, 800);
  table.row("whole horizon, DDIM anew", 16, anew(whole), nothing);
  for (const auto& [steps, from] :
       {std::pair<Index, double>{8, 0.7}, {4, 0.7}, {4, 0.5}, {2, 0.5}, {2, 0.3}}) {
    WarmStream stream(whole, past, {.steps = steps, .from = from});
    char name[80];
    std::snprintf(name, sizeof(name), "from the last paths, noised to time %.1f", from);
    table.row(
        name, steps, [&](Index) { return stream.paths(paths); },
        [&](double v) { stream.observe(v); });
  }

  auto options = TimeGrad::Options::small(
      {.horizon = horizon, .context = 168, .seasons = {24, 168}, .scaling = Scaling::panel});
  options.steps = options.sampling_steps = 16;
  const auto recurrent = trained<TimeGrad>("recurrent", options, past, 400);
  table.row("recurrent, context anew", 16 * horizon, anew(recurrent), nothing);
  RecurrentStream stream(recurrent, past);
  table.row(
      "recurrent, state kept", 16 * horizon, [&](Index) { return stream.paths(paths); },
      [&](double v) { stream.observe(v); });

  if (count > 1)
    write_marked(words[1], "stream", table.text);
  else
    std::printf("%s", table.text.c_str());
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
