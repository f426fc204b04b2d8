#include "session.hpp"

#include "foglift/core/parallel.hpp"
#include "support/folders.hpp"
#include "support/numbers.hpp"

#include <algorithm>
#include <cstdio>

namespace tool {

namespace {

/// A path as it stands in a file of a folder: from there, unless it is absolute.
std::string path_from(const std::string& folder, const std::string& path) {
  const std::filesystem::path p(path);
  return p.empty() || p.is_absolute() ? path : std::filesystem::relative(p, folder).string();
}

/// Options that name files.
constexpr const char* path_options[] = {"file", "from", "future", "holidays"};

/// Guesses as lines of a file, and back.
std::vector<std::string> to_lines(const std::vector<forecast::Guess>& guesses) {
  std::vector<std::string> out;
  for (const forecast::Guess& g : guesses)
    out.push_back(g.text + " | " + g.reason + " | " + g.option);
  return out;
}

std::vector<forecast::Guess> from_lines(const std::vector<std::string>& lines) {
  std::vector<forecast::Guess> out;
  for (const std::string& line : lines) {
    const std::size_t last = line.rfind(" | ");
    const std::size_t middle = last == line.npos ? last : line.rfind(" | ", last - 1);
    if (middle == line.npos)
      out.push_back({line});
    else
      out.push_back({line.substr(0, middle), line.substr(middle + 3, last - middle - 3),
                     line.substr(last + 3)});
  }
  return out;
}

/// Refuses options that are given and are not those of the run that is resumed.
void require_unchanged(const CLI::App& app, const Json& now, const Json& run,
                       const std::string& out) {
  for (const auto& [name, value] : run.items()) {
    const CLI::Option* option = app.get_option_no_throw("--" + name);
    if (name == "file" || !option || option->count() == 0) continue;
    if (!now.contains(name) || now[name] != value)
      throw command_line::Wrong("--" + name + " is " +
                                (now.contains(name) ? now[name].dump() : "not set") +
                                ", and the run in " + out + " has " + value.dump() +
                                "; --resume keeps the options of its run");
  }
  for (const auto& [name, value] : now.items())
    if (const CLI::Option* option = app.get_option_no_throw("--" + name);
        name != "file" && !run.contains(name) && option && option->count() > 0)
      throw command_line::Wrong("--" + name + " is not set in the run in " + out +
                                "; --resume keeps the options of its run");
}

template <class... Layer>
void parse_layers(CLI::App& app, const std::vector<std::string>& words, const Layer&... layer) {
  try {
    command_line::parse(app, words, layer...);
  } catch (const CLI::ParseError& error) {
    throw Done{app.exit(error) == 0 ? 0 : 2};
  }
}

}  // namespace

void parse_or_done(CLI::App& app, const std::vector<std::string>& words) {
  parse_layers(app, words);
}

void parse_or_done(CLI::App& app, const std::vector<std::string>& words, const Json& layer,
                   const std::string& source) {
  parse_layers(app, words, layer, source);
}

void print_written(const std::string& out, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? " " : ", ") + name;
  std::printf("Wrote into %s:%s\n", out.c_str(), list.c_str());
  std::fflush(stdout);
}

Json with_paths_from(const std::string& file, Json options) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  for (const char* name : path_options)
    if (options.contains(name) && options[name].is_string() && !options[name].empty()) {
      const std::filesystem::path path(options[name].get<std::string>());
      options[name] = (path.is_absolute() ? path : folder / path).lexically_normal().string();
    }
  return options;
}

Json stored_options(const Options& o) {
  Json out = results_of(o);
  if (o.steps > 0) out.erase("minutes");
  for (const char* name : path_options)
    if (out.contains(name)) out[name] = path_from(o.out, out[name].get<std::string>());
  out["found"] = o.found;
  return out;
}

void describe_app(CLI::App& app, Options& o, std::string& config) {
  app.set_version_flag("--version", FOGLIFT_VERSION_STRING);
  app.add_option("--config", config,
                 "options in a file, TOML or JSON, like the run.toml of a run; words of the "
                 "command line stand above it");
  add(app, o, Part::where);
}

bool parse_with_config(CLI::App& app, const std::vector<std::string>& words,
                       const std::string& config) {
  require_plain_numbers(app);
  parse_or_done(app, words);
  if (config.empty()) return false;
  bool same = true;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      same = same && (option->count() == 0 || name == "config" || name == "out" ||
                      name == "threads" || name == "force" || name == "quiet");
  const CLI::Option* file = app.get_option_no_throw("file");
  same = same && !(file && file->count() > 0);
  Json layer = with_paths_from(config, config::read(config));
  const std::filesystem::path path(config);
  if (path.filename() == "run.toml" && !layer.contains("out"))
    layer["out"] = path.has_parent_path() ? path.parent_path().string() : ".";
  parse_or_done(app, words, layer, config);
  return same;
}

Session begin(CLI::App& app, const std::vector<std::string>& words, bool resumable) {
  Session s;
  std::string config;
  app.add_option("file", s.o.file,
                 "CSV with a column of dates and one of numbers; without it, the bicycles hired "
                 "per hour in Washington, D.C.");
  add(app, s.o, Part::reading);
  add(app, s.o, Part::holidays);
  add(app, s.o, Part::modelling);
  add(app, s.o, Part::drawing);
  describe_app(app, s.o, config);
  app.add_option("--found", s.o.found)->allow_extra_args(false)->group("");
  if (resumable) app.add_flag("--resume", s.o.resume, "go on with the interrupted run in --out");
  bool same = parse_with_config(app, words, config);

  const std::filesystem::path out(s.o.out);
  if (s.o.resume) {
    if (!config.empty())
      throw command_line::Wrong("--resume keeps the options of its run; leave --config out");
    const bool begun = std::filesystem::exists(out / unfinished_model);
    s.saved = open_model((out / (begun ? unfinished_model : model_file)).string());
    const Json run = with_paths_from(s.saved->path, s.saved->config["options"]);
    require_unchanged(app, results_of(s.o), run, s.o.out);
    parse_or_done(app, words, run, s.o.out);
    same = true;
  }
  std::sort(s.o.quantiles.begin(), s.o.quantiles.end());
  s.o.quantiles.erase(std::unique(s.o.quantiles.begin(), s.o.quantiles.end()), s.o.quantiles.end());
  if (s.o.threads > 0) foglift::set_threads(s.o.threads);
  if (s.o.file.empty()) {
    if (s.o.title.empty()) s.o.title = "Bicycles hired per hour in Washington, D.C.";
    s.o.file = shipped_file("bikes.csv");
  }
  s.in = read_input(s.o);
  choose(s.in, s.o);
  const std::vector<std::string> events = add_holidays(s.in, s.o, s.o.horizon, {});
  if (same && !s.o.found.empty()) s.in.read.guesses = from_lines(s.o.found);
  s.o.found = to_lines(s.in.read.guesses);
  const auto calendar =
      forecast::Calendar::of(s.in.step(), s.in.longest() - 2 * s.o.windows * s.o.horizon);
  s.plan = make_plan(s.o, forecast::Columns::of(s.in.series().front()), calendar);
  s.config = {{"program", "foglift forecast"},
              {"version", FOGLIFT_VERSION_STRING},
              {"sha256", s.in.sha256},
              {"options", {}},
              {"plan",
               {{"frequency", s.in.step().name()},
                {"cells", s.in.longest()},
                {"calendar", {calendar.day, calendar.week, calendar.year}}}}};
  if (!events.empty()) s.config["plan"]["events"] = events;
  if (s.saved && s.saved->config["sha256"] != s.in.sha256)
    foglift::raise<foglift::ArgumentError>(
        s.in.path(), " is not the file of the run in ", s.o.out,
        "; forecast from its rows by  forecast predict, or train on by  forecast train --from");
  RunFolder::require(s.o.out, result_files, s.o.force || s.o.resume,
                     "add --force to overwrite it, --resume to go on with an interrupted run, or "
                     "choose another --out");
  return s;
}

Plan stored_plan(const Options& o, const Json& config, const forecast::Columns& columns) {
  const std::vector<int> calendar = config.at("plan").at("calendar");
  return make_plan(o, columns,
                   {.day = calendar.at(0), .week = calendar.at(1), .year = calendar.at(2)});
}

}  // namespace tool
