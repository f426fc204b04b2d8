#pragma once

#include "command_line.hpp"
#include "foglift/forecast/series/read/options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tool {

using config::Json;
using foglift::Index;

/// What the user asks of the forecast program; 0 and empty are found out or chosen.
struct Options {
  std::string file;
  foglift::forecast::ReadOptions read;
  std::string delimiter, decimal, resample, duplicates;
  std::string holidays, region;
  std::string method = "diffusion", non_negative, integer, outliers;
  std::vector<Index> season;
  Index horizon = 0, windows = 0, context = 0, steps = 0, samples = 100;
  double minutes = 1.5, cap = 0;
  std::uint64_t seed = 1;
  std::string from;
  std::vector<double> quantiles{.025, .1, .25, .5, .75, .9, .975};
  std::string title;
  bool paths = false;
  std::vector<std::string> found;  ///< what a run found, as its run.toml tells a rerun
  // Where and how, which changes no result.
  std::string out = "foglift-out";
  int threads = 0;
  bool resume = false, force = false, quiet = false;
};

/// The parts of the options. All but the last part decide what comes out, and stand in run.toml.
enum class Part { reading, holidays, modelling, drawing, where };

/// Adds the options of a part to an application.
void add(CLI::App& app, Options& o, Part part);

/// All options that decide what comes out, as they stand in a file: those that were neither given
/// nor found out are left out.
Json results_of(const Options& o);

}  // namespace tool
