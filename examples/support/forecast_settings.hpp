#pragma once

#include "foglift/core/shape.hpp"
#include "numbers.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

/// What the user asks of the forecast example; 0 and empty are found out or chosen.
struct Settings {
  std::string file, date, date_format, decimal, target, title, out = "foglift-out",
                                                               method = "diffusion";
  std::vector<double> quantiles{.025, .1, .25, .5, .75, .9, .975};
  foglift::Index horizon = 0, season = 0, samples = 100, steps = 0;
  double minutes = 1.5;
  std::uint64_t seed = 1;
  int threads = 0;
  bool resume = false, force = false, quiet = false;
};

/// Fills the settings from the command line. Returns the status to end with at once (0 after
/// --help, 2 for wrong usage), or -1 to go on.
inline int parse(int argc, char** argv, Settings& s) {
  CLI::App app{"Probabilistic forecast of a time series in a CSV file, by a model trained on it."};
  app.set_version_flag("--version", FOGLIFT_VERSION_STRING);
  app.add_option("FILE", s.file,
                 "CSV with a column of dates and one of numbers; without it, the "
                 "bicycles hired per hour in Washington, D.C.");
  app.add_option("--target", s.target, "column to forecast (default: the first that varies)");
  app.add_option("--date", s.date, "column of dates (default: the first)");
  app.add_option("--date-format", s.date_format,
                 "of the dates, like '%d.%m.%Y %H:%M' (default: found out)");
  app.add_option("--decimal", s.decimal, "point or comma in numbers (default: found out)")
      ->check(CLI::IsMember({"point", "comma"}));
  app.add_option("--horizon", s.horizon, "steps ahead (default: two of the shortest season)")
      ->check(CLI::Range(1, 1000));
  app.add_option("--season", s.season, "steps of the main season (default: found out)")
      ->check(CLI::Range(1, 100000));
  app.add_option("--method", s.method, "diffusion, or linear: seconds, and what to beat")
      ->capture_default_str()
      ->check(CLI::IsMember({"diffusion", "linear"}));
  app.add_option("--minutes", s.minutes, "most time to train for")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1e4));
  app.add_option("--steps", s.steps, "training steps, in place of --minutes: exact reruns")
      ->check(CLI::Range(1, 100000000));
  app.add_option("--samples", s.samples, "sample paths")
      ->capture_default_str()
      ->check(CLI::Range(10, 10000));
  app.add_option("--quantiles", s.quantiles, "levels in the CSV files, like 0.1,0.5,0.9")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", s.seed, "of everything random")->capture_default_str();
  app.add_option("--threads", s.threads, "no result depends on it (default: all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--title", s.title, "of the picture");
  app.add_option("--out", s.out, "folder for the results")->capture_default_str();
  app.add_flag("--force", s.force, "overwrite the results of an earlier run");
  app.add_flag("--resume", s.resume, "go on with the interrupted run in --out");
  app.add_flag("--quiet", s.quiet, "only the scores and the verdict");
  app.footer(
      "Examples:\n"
      "  forecast                                   the data that comes along, in two minutes\n"
      "  forecast sales.csv --target revenue        your own file\n"
      "  forecast load.csv --horizon 24 --minutes 5 --out tomorrow\n"
      "  forecast load.csv --out tomorrow --resume  after Ctrl-C\n"
      "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (resumable).");
  require_plain_numbers(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  std::sort(s.quantiles.begin(), s.quantiles.end());
  s.quantiles.erase(std::unique(s.quantiles.begin(), s.quantiles.end()), s.quantiles.end());
  return -1;
}
