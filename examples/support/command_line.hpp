#pragma once

#include "foglift/version.hpp"
#include "numbers.hpp"
#include "run.hpp"

#include <CLI/CLI.hpp>

inline void add_run_options(CLI::App& app, RunOptions& o) {
  app.add_option("--seed", o.seed, "of everything random")->capture_default_str();
  app.add_option("--threads", o.threads, "no result depends on it (default: all cores)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--out", o.out, "folder for the results")->capture_default_str();
  app.add_flag("--force", o.force, "overwrite the results of an earlier run");
  app.add_flag("--quiet", o.quiet, "no progress");
}

/// Reads the command line. Returns the status to end with at once (0 after --help, 2 for wrong
/// usage), or -1 to go on.
inline int parse_command_line(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", FOGLIFT_VERSION_STRING);
  require_plain_numbers(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return -1;
}
