#pragma once

#include "options.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace tool {

namespace forecast = foglift::forecast;
using foglift::Tensor;

/// The series of a file, and what was found out about it.
struct Input {
  std::string sha256;
  forecast::Reading read;
  std::vector<Index> seasons;  ///< that the first series shows, strongest first

  const std::vector<forecast::Series>& series() const { return read.series; }
  const std::string& path() const { return read.source; }
  std::string name() const { return std::filesystem::path(path()).filename().string(); }
  /// What the values are called.
  std::string unit() const { return read.target.size() == 1 ? read.target.front() : "value"; }
  /// The most cells of a series.
  Index longest() const {
    Index n = 0;
    for (const forecast::Series& s : series()) n = std::max(n, s.size());
    return n;
  }
  const forecast::Frequency& step() const { return series().front().time.frequency; }
};

/// Reads the file of the options, which name afterwards the columns that were found, where a
/// reading by those names gives the same series.
Input read_input(Options& o);

/// Appends the days of --holidays to the covariates of all series, up to `ahead` cells behind their
/// ends; in the columns that a model knows, if there are any. Returns the names of the columns.
std::vector<std::string> add_holidays(Input& in, const Options& o, Index ahead,
                                      const std::vector<std::string>& columns);

}  // namespace tool
