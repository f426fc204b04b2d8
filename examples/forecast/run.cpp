#include "commands.hpp"
#include "console.hpp"
#include "foglift/forecast/ensemble/windows.hpp"
#include "report.hpp"
#include "session.hpp"
#include "sums.hpp"
#include "training_bar.hpp"

#include <iostream>

namespace tool {

namespace {

std::string run_toml(const Session& s, const std::string& command) {
  return "# " + command + " --config run.toml --force  here gives the same results.\n" +
         config::toml(s.config["options"]);
}

/// Trains the model of a session, all the way or to a signal, which is returned.
int trained(Session& s, const RunFolder& folder, std::unique_ptr<Model>& model) {
  model = make_model(s.plan);
  if (!s.o.from.empty()) model->begin_with(*open_model(s.o.from).file);
  if (s.o.steps == 0) {
    s.plan.steps = s.o.steps = model->affordable_steps(s.in.series(), s.o.minutes);
    model = make_model(s.plan);
    if (!s.o.from.empty()) model->begin_with(*open_model(s.o.from).file);
  }
  s.config["options"] = stored_options(s.o);
  if (s.saved) model->restore(*s.saved->file);
  if (!s.o.quiet)
    std::cout << "  " << model->description() << ", " << s.plan.steps << " steps, seed " << s.o.seed
              << ", " << foglift::threads() << " threads\n\n";
  TrainingBar bar(s.o.quiet, model->step());
  const auto show = [&](const Model::Progress& p) { bar(p); };
  return model->train(s.in.series(), s.config.dump(), show, [&](const std::string& checkpoint) {
    folder.write_now(unfinished_model, checkpoint);
  });
}

/// What is told, and done, after a training that a signal ended.
int stopped(const Session& s, const Model& model, int signal, const char* command) {
  std::cerr << "Stopped after " << model.step() << " of " << s.plan.steps
            << " steps. Go on with:\n  " << command << " --resume --out "
            << command_line::shell_word(s.o.out) << '\n';
  return 128 + signal;
}

/// Puts the files in place and says so.
int finish(const Session& s, const RunFolder& folder, const char* command, bool drawn) {
  std::vector<std::string> obsolete = result_files;
  obsolete.push_back(unfinished_model);
  const std::vector<std::string> names = folder.commit(obsolete);
  if (s.o.quiet) return 0;
  print_written(s.o.out, names);
  const std::string out = command_line::shell_word(s.o.out);
  if (!drawn)
    std::cout << "No picture: install gnuplot, then  cd " << out << " && gnuplot forecast.gp\n";
  std::cout << "The same numbers again:  " << command << " --config "
            << command_line::shell_word((std::filesystem::path(s.o.out) / "run.toml").string())
            << " --force\n";
  return 0;
}

}  // namespace

int run(const Words& words) {
  CLI::App app{"Probabilistic forecast of the series in a CSV file, by a model trained on them.",
               "forecast"};
  app.footer(
      "Examples:\n"
      "  forecast                                   the data that comes along, in two minutes\n"
      "  forecast sales.csv --target revenue        your own file\n"
      "  forecast load.csv --horizon 24 --minutes 5 --out tomorrow\n"
      "  forecast sales.csv --holidays days.csv --region BY   days that are known ahead\n"
      "  forecast --out tomorrow --resume           after Ctrl-C\n"
      "  forecast --config tomorrow/run.toml --force  the same numbers again\n"
      "Commands, each with --help:\n"
      "  check FILE                        shows what would be done, and trains nothing\n"
      "  train FILE                        trains and saves a model\n"
      "  backtest MODEL FILE               judges a saved model on the last windows\n"
      "  predict MODEL FILE                forecasts by a saved model, in a second\n"
      "  impute FILE                       fills missing values\n"
      "  stream FILE                       forecasts anew after every value\n"
      "  evaluate FORECAST.csv ACTUAL.csv  judges any forecast\n"
      "  info MODEL                        says what a model or a folder of results holds\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 results can not be written, 130 interrupted "
      "(resumable).");
  Session s = begin(app, words, true);
  if (!s.o.quiet) describe(s.in);
  const RunFolder folder(s.o.out);
  std::unique_ptr<Model> model;
  if (const int signal = trained(s, folder, model)) return stopped(s, *model, signal, "forecast");
  const Backtest past = model->report();
  const Future future = forecast_next(*model, s.in, s.o);
  const Sums sums = sums_of(s.in, &past, &future, s.plan.season());
  print(past, s.in);
  print(sums);
  folder.write(model_file, model->checkpoint(s.config.dump()));
  folder.write("run.toml", run_toml(s, "forecast"));
  const bool drawn = write(folder, {s.o, s.in, s.plan, s.config, &past, &future, &sums},
                           "forecast --config run.toml --force");
  return finish(s, folder, "forecast", drawn);
}

int train(const Words& words) {
  CLI::App app{
      "Trains a model on the series in a CSV file, for predict and backtest. The last "
      "windows of the series stay unseen, so that it can be judged on them.",
      "forecast train"};
  app.footer(
      "Examples:\n"
      "  forecast train load.csv --out load\n"
      "  forecast train load.csv --out load2 --from load/model.safetensors --minutes 0.2\n"
      "                                 rows were appended: begin with the weights of before\n"
      "  forecast train --out load --resume        after Ctrl-C");
  Session s = begin(app, words, true);
  if (!s.o.quiet) describe(s.in);
  const RunFolder folder(s.o.out);
  std::unique_ptr<Model> model;
  if (const int signal = trained(s, folder, model))
    return stopped(s, *model, signal, "forecast train");
  folder.write(model_file, model->checkpoint(s.config.dump()));
  folder.write("run.toml", run_toml(s, "forecast train"));
  return finish(s, folder, "forecast train", true);
}

int check(const Words& words) {
  CLI::App app{
      "Shows what a run would do: what is read from the file, what is guessed and why, how "
      "the series is split, what each result will be. Trains nothing, writes nothing; "
      "fails where a run would fail.",
      "forecast check"};
  app.footer(
      "Examples:\n"
      "  forecast check load.csv\n"
      "  forecast check load.csv --horizon 24 --out tomorrow   with the options of the run");
  Session s = begin(app, words, false);
  describe(s.in);
  const std::unique_ptr<Model> model = make_model(s.plan);
  std::cout << "  " << model->description() << ", "
            << (s.o.steps > 0 ? std::to_string(s.o.steps) + " steps"
                              : text("at most %g minutes", s.o.minutes))
            << "\n\nA run writes into " << s.o.out << ":\n";
  const Index rows = s.plan.horizon * std::ssize(s.in.series());
  const forecast::Series& first = s.in.series().front();
  const forecast::TrimmedPanel known(s.in.series());
  std::vector<forecast::Origin> origins;
  for (const forecast::Origin& o :
       forecast::Windows::of(known, s.plan.horizon, s.plan.windows).backtest)
    origins.push_back(known.there(o));
  std::cout << text("  %-18s %s: %s to %s, %zu quantiles\n", "forecast.csv",
                    counted(rows, "row").c_str(), first.time.text(first.size()).c_str(),
                    first.time.text(first.size() + s.plan.horizon - 1).c_str(),
                    s.o.quantiles.size())
            << text("  %-18s %s: %s, with what came\n", "backtest.csv",
                    counted(s.plan.horizon * std::ssize(origins), "row").c_str(),
                    counted(std::ssize(origins), "window").c_str());
  if (s.o.paths)
    std::cout << text("  %-18s the same rows as forecast.csv, %td paths\n", "paths.csv",
                      s.o.samples);
  if (s.in.series().size() > 1)
    std::cout << text("  %-18s the sum of the series, and of groups of them\n", "sums.csv");
  std::cout << text("  %-18s pictures and scores\n", "report.json, ...")
            << text("  %-18s all options, for the same numbers again\n", "run.toml")
            << text("  %-18s the model, for predict\n", model_file);
  if (origins.empty()) return 0;
  const Tensor<double> any({std::ssize(origins), 1, s.plan.horizon});
  const auto score = forecast::score("", any, s.in.series(), origins, s.plan.season());
  if (!score.undefined.empty()) std::cout << "  - " << score.undefined << '\n';
  return 0;
}

}  // namespace tool
