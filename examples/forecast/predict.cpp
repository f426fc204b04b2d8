#include "commands.hpp"
#include "console.hpp"
#include "report.hpp"
#include "session.hpp"
#include "sums.hpp"
#include "training_bar.hpp"

#include <iostream>

namespace tool {

namespace {

/// A saved model, and the rows that it is used on.
struct Use {
  std::string path;
  Options o;
  Input in;
  Plan plan;
  Json config;
  std::unique_ptr<Model> model;
};

/// Reads words, beneath them the file of --config, and beneath it the options in the model.
Use begin_use(CLI::App& app, const std::string& out, const Words& words) {
  Use u;
  u.o.out = out;
  std::string config;
  app.add_option("model", u.path, "model.safetensors of a run, or its folder")->required();
  app.add_option("file", u.o.file, "CSV with the rows up to now")->required();
  add(app, u.o, Part::reading);
  add(app, u.o, Part::holidays);
  add(app, u.o, Part::drawing);
  describe_app(app, u.o, config);
  const std::vector<CLI::Option*> before = app.get_options();
  add(app, u.o, Part::modelling);
  std::vector<CLI::Option*> fixed;
  for (CLI::Option* option : app.get_options())
    if (std::find(before.begin(), before.end(), option) == before.end()) fixed.push_back(option);
  for (CLI::Option* option : fixed) option->group("");
  parse_with_config(app, words, config);
  for (const CLI::Option* option : fixed)
    if (option->count() > 0)
      throw command_line::Wrong("--" + option->get_lnames().front() +
                                " was chosen when the model was trained; train another");

  if (std::filesystem::is_directory(u.path))
    u.path = (std::filesystem::path(u.path) / model_file).string();
  const SavedModel saved = open_model(u.path);
  u.config = saved.config;
  Json layer = with_paths_from(u.path, u.config["options"]);
  for (const char* name : {"file", "from", "future", "found"}) layer.erase(name);
  if (!config.empty()) layer.update(with_paths_from(config, config::read(config)));
  parse_or_done(app, words, layer, u.path);
  if (u.o.threads > 0) foglift::set_threads(u.o.threads);

  const Options own = u.o;
  u.in = read_input(u.o);
  u.o.read = own.read;
  add_holidays(u.in, u.o, u.o.horizon,
               u.config["plan"].value("events", std::vector<std::string>()));
  const std::string step = u.config["plan"]["frequency"];
  if (u.in.step().name() != step)
    foglift::raise<foglift::ArgumentError>(u.in.path(), ": steps are ", u.in.step().name(),
                                           ", the model was trained for ", step, " ones");
  u.plan = stored_plan(u.o, u.config, forecast::Columns::of(u.in.series().front()));
  u.model = make_model(u.plan);
  u.model->restore(*saved.file);
  RunFolder::require(u.o.out, result_files, u.o.force,
                     "add --force to overwrite it, or choose another --out");
  if (!u.o.quiet) {
    describe(u.in);
    std::cout << "  by " << u.path << ": " << u.model->description() << ", trained for "
              << u.model->step() << " steps on "
              << (u.config["sha256"] == u.in.sha256 ? "the same rows\n" : "other rows\n") << '\n';
  }
  return u;
}

/// How to repeat a use of a model.
std::string again(const Use& u, const char* command) {
  return std::string("forecast ") + command + ' ' + command_line::shell_word(u.path) + ' ' +
         command_line::shell_word(u.o.file) + " --out " + command_line::shell_word(u.o.out) +
         " --force";
}

int finish(const Use& u, const RunFolder& folder) {
  std::vector<std::string> obsolete = result_files;
  std::erase(obsolete, std::string(model_file));
  const std::vector<std::string> names = folder.commit(obsolete);
  if (u.o.quiet) return 0;
  print_written(u.o.out, names);
  return 0;
}

}  // namespace

int predict(const Words& words) {
  CLI::App app{
      "Forecasts what comes after the rows of a file by a model that was trained before. "
      "On the rows that it was trained for, it is the forecast of that run.",
      "forecast predict"};
  app.footer(
      "Examples:\n"
      "  forecast predict foglift-out load.csv --out monday    rows were appended to load.csv\n"
      "  forecast predict load/model.safetensors load.csv --samples 1000 --paths");
  Use u = begin_use(app, "foglift-predict", words);
  const RunFolder folder(u.o.out);
  const Future future = forecast_next(*u.model, u.in, u.o);
  const Sums sums = sums_of(u.in, nullptr, &future, u.plan.season());
  write(folder, {u.o, u.in, u.plan, u.config, nullptr, &future, &sums}, again(u, "predict"));
  return finish(u, folder);
}

int backtest(const Words& words) {
  CLI::App app{
      "Judges a model that was trained before on the last windows of a file, beside the "
      "baselines. Rows that it has learned from flatter it: it had seen all but the last "
      "windows of its file.",
      "forecast backtest"};
  app.footer(
      "Examples:\n"
      "  forecast backtest load load.csv --out judged      a folder of  forecast train\n"
      "  forecast backtest load/model.safetensors load.csv --samples 500");
  Use u = begin_use(app, "foglift-backtest", words);
  const RunFolder folder(u.o.out);
  Backtest past;
  if (u.config["sha256"] == u.in.sha256) {  // what the run said
    TrainingBar bar(u.o.quiet);
    u.model->train(
        u.in.series(), "", [&](const Model::Progress& p) { bar(p); }, [](const std::string&) {});
    past = u.model->report();
  } else {
    past = u.model->judge(u.in.series());
  }
  const Sums sums = sums_of(u.in, &past, nullptr, u.plan.season());
  print(past, u.in);
  print(sums);
  write(folder, {u.o, u.in, u.plan, u.config, &past, nullptr, &sums}, again(u, "backtest"));
  return finish(u, folder);
}

}  // namespace tool
