#pragma once

#include "plan.hpp"
#include "saved_model.hpp"
#include "support/run_folder.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tool {

/// Ends the program at once: after --help, or wrong usage that was told.
struct Done {
  int status;
};

inline constexpr const char* unfinished_model = "unfinished.safetensors";
inline constexpr const char* model_file = "model.safetensors";

/// All that a run may write, and the next run replaces.
inline const std::vector<std::string> result_files = {
    "forecast.csv", "backtest.csv", "paths.csv", "sums.csv",    "filled.csv",
    "report.json",  "report.html",  "chart.dat", "forecast.gp", "forecast.png",
    "forecast.svg", "run.toml",     model_file};

/// "Wrote into OUT: a.csv, b.png"
void print_written(const std::string& out, const std::vector<std::string>& names);

/// parse() that prints the help and ends with Done where CLI11 throws.
void parse_or_done(CLI::App& app, const std::vector<std::string>& words);
void parse_or_done(CLI::App& app, const std::vector<std::string>& words, const Json& layer,
                   const std::string& source);

/// The options of a file, with its paths as they are from here.
Json with_paths_from(const std::string& file, Json options);

/// A run that is about to train: what was asked, found and planned.
struct Session {
  Options o;
  Input in;
  Plan plan;
  Json config;                      ///< what its model file keeps
  std::optional<SavedModel> saved;  ///< to go on from
};

/// The options of a run as they stand in its files, which lie in `out`.
Json stored_options(const Options& o);

/// Adds the options of a run, and says what is common to the sub-commands.
void describe_app(CLI::App& app, Options& o, std::string& config);

/// Reads words, and beneath them the file of --config. A run.toml belongs to its folder, where a
/// rerun writes too. True if no word chooses what comes out, so that it is the run of the file.
bool parse_with_config(CLI::App& app, const std::vector<std::string>& words,
                       const std::string& config);

/// Everything before training: options, file, plan, folder. Writes nothing.
Session begin(CLI::App& app, const std::vector<std::string>& words, bool resumable);

/// The plan that a model was trained by.
Plan stored_plan(const Options& o, const Json& config, const forecast::Columns& columns);

}  // namespace tool
