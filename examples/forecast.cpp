// Probabilistic forecast of a CSV file: trains a diffusion model (or a linear one), scores it on
// the last windows beside honest baselines, forecasts what comes next and draws it. See --help.
#include "foglift/forecast/baselines/list.hpp"
#include "foglift/io/checkpoint.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/pace.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/interrupt.hpp"
#include "support/folders.hpp"
#include "support/forecast_plan.hpp"
#include "support/forecast_report.hpp"
#include "support/forecast_settings.hpp"
#include "support/progress.hpp"

#include <filesystem>
#include <iostream>
#include <optional>

using namespace foglift;
using namespace foglift::forecast;
namespace fs = std::filesystem;

std::string checkpoint_path(const Settings& s) { return fs::path(s.out) / "model.safetensors"; }

/// Steps that fit into the time, from a trial of a few seconds on a copy of the model.
template <class M>
Index affordable_steps(Forecaster<M> model, const Panel& past, double minutes) {
  train::callback::Pace pace(seconds_now);
  model.fit(past, pace, train::callback::StopWhen([&] {
              return pace.steps() >= 3 && pace.seconds() > std::min(4.0, 6 * minutes);
            }));
  constexpr double validations = 1.05;  // their share of the time
  const double left = 60 * minutes - pace.seconds();
  return std::max(Index{50}, static_cast<Index>(left / (pace.each() * validations)));
}

/// Trains to the end, or to a signal, saving the state now and then and at last. Returns the
/// signal, 0 at the end.
template <class M>
int train_model(Forecaster<M>& model, const Panel& past, const Settings& s,
                const std::string& configuration) {
  const train::Interrupt interrupt;
  const auto save = [&](const auto& state) {
    io::save_checkpoint(checkpoint_path(s), state, configuration);
  };
  Progress bar("training", s.quiet);
  const Index before = model.state().step;
  const auto show = [&](const train::FitProgress& p) {
    const double best = model.state().best_metric;
    bar.update(p.step, p.steps,
               report::text(std::isinf(best) ? "loss %.4f" : "loss %.4f, validation %.4f",
                            p.smoothed_loss, best),
               before);
  };
  const train::FitEnd end = model.fit(past, show, train::callback::Every(200, save), interrupt);
  save(model.state());
  return end == train::FitEnd::stopped ? interrupt.signal() : 0;
}

/// Forecasts the backtest windows and what comes after the series, by the model and the baselines.
template <class M>
Results evaluate(const Forecaster<M>& model, const SeriesFile& file, const Plan& plan,
                 const Settings& s) {
  const std::vector<Series> all{file.series};
  const std::vector<Origin> now{{0, file.series.size()}};
  Results r{rolling_origins(file.series, plan.horizon, plan.windows), {}, {}, {}, {}};
  r.actual = actual_values(all, r.origins, plan.horizon);
  r.backtest = model.paths(all, r.origins, s.samples);
  r.future = model.paths(all, now, s.samples);
  const BaselineOptions options{
      .horizon = plan.horizon, .paths = s.samples, .seasons = plan.seasons};
  const Rng rng = Rng(s.seed).stream(0xBA5E);
  const auto judge = [&](const char* name, const Tensor<double>& paths) {
    r.scores.push_back(score(name, paths, all, r.origins, plan.season()));
  };
  judge((plan.method + " model").c_str(), r.backtest);
  for (const Baseline& b : baselines) {
    Tensor<double> paths = baseline_paths(
        all, r.origins, options, rng,
        [&](std::span<const double> past, const Rng& own) { return b.draw(past, options, own); });
    if (plan.training.non_negative)  // what the model is told, the baselines are told too
      for (double& v : paths) v = std::max(v, 0.0);
    judge(b.name, paths);
  }
  return r;
}

/// Trains, judges and draws a forecast by a method.
template <class M>
int run_method(const Settings& s, const SeriesFile& file, Plan plan,
               const typename M::Options& options, const std::optional<io::Checkpoint>& saved) {
  std::vector<Series> past{file.series};
  past[0].values.resize(past[0].values.size() -
                        static_cast<std::size_t>(plan.windows * plan.horizon));
  plan.training.steps =
      s.steps > 0
          ? s.steps
          : std::min(affordable_steps(Forecaster<M>(options, plan.training), past, s.minutes),
                     most_steps(file, plan));
  Forecaster<M> model(options, plan.training);
  const std::string configuration = config(file, plan).dump();
  if (saved && saved->config() != configuration)
    raise<ArgumentError>(checkpoint_path(s),
                         ": made from other data or settings: ", saved->config(), "; now ",
                         configuration);
  if (saved) saved->restore(model.state());
  if (!s.quiet)
    std::cout << (plan.method == "linear" ? "  Linear model of " : "  U-Net of ")
              << nn::parameter_count(model.state().model) << " weights, " << plan.training.steps
              << " steps, seed " << s.seed << ", " << threads() << " threads\n\n";

  if (const int signal = train_model(model, past, s, configuration)) {
    std::cerr << "Stopped after " << model.state().step << " of " << plan.training.steps
              << " steps. Go on with:\n  " << report::command(s) << " --out "
              << report::quoted(s.out) << " --resume\n";
    return 128 + signal;
  }
  const Results results = evaluate(model, file, plan, s);
  report::print(results.scores);
  const bool drawn = report::write(s, file, plan, results, config(file, plan));
  if (s.quiet) return 0;
  std::cout << "Wrote into " << s.out << ": forecast.csv, backtest.csv, report.json, "
            << (drawn ? "forecast.png, forecast.svg, " : "") << "model.safetensors\n";
  if (!drawn)
    std::cout << "No picture: install gnuplot, then  cd " << s.out << " && gnuplot forecast.gp\n";
  std::cout << "The same numbers again:  " << report::command(s) << " --steps "
            << plan.training.steps << " --seed " << s.seed << " --out " << report::quoted(s.out)
            << " --force\n";
  return 0;
}

int run(Settings s) {
  if (s.threads > 0) set_threads(s.threads);
  std::optional<io::Checkpoint> saved;
  if (s.resume) restore(s, saved.emplace(checkpoint_path(s)).config());
  if (s.file.empty()) {
    if (s.title.empty()) s.title = "Bicycles hired per hour in Washington, D.C.";
    s.file = shipped_file("bikes.csv");
  }
  const SeriesFile file = read_series(s.file, s.date, s.target, s.date_format,
                                      s.decimal.empty()      ? '\0'
                                      : s.decimal == "comma" ? ','
                                                             : '.');
  Plan plan = make_plan(file, s);
  make_results_folder(s.out, {"model.safetensors", "report.json", "forecast.csv"},
                      s.force || s.resume,
                      "add --force to overwrite it, --resume to go on with an interrupted run, or "
                      "choose another --out");
  if (!s.quiet) report::describe(file, plan);

  return plan.method == "linear"
             ? run_method<Linear>(s, file, plan, plan.linear(), saved)
             : run_method<HorizonDiffusion<>>(s, file, plan, plan.diffusion, saved);
}

int main(int argc, char** argv) {
  Settings settings;
  if (const int status = parse(argc, argv, settings); status >= 0) return status;
  try {
    return run(settings);
  } catch (const std::exception& e) {
    std::cerr << "forecast: " << e.what() << '\n';
    return 1;
  }
}
