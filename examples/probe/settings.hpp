#pragma once

#include "foglift/core/shape.hpp"
#include "support/run.hpp"

#include <string>

/// What the user asks of the probe example; 0 and empty are chosen.
struct Settings : RunOptions {
  std::string file;
  foglift::Index steps = 0, noises = 2, grid = 1;
  double minutes = 1.5;
};

/// Fills the settings from the command line. Returns the status to end with at once (0 after
/// --help, 2 for wrong usage), or -1 to go on.
int parse(int argc, char** argv, Settings&);
