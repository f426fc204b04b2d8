#pragma once

#include "report.hpp"

#include <string>
#include <vector>

/// The picture of the probe example: both maps, the test accuracies, digits that were drawn.
struct ProbeFigure {
  const foglift::probe::HeatMap& trained;
  const foglift::probe::HeatMap& untrained;
  const std::vector<Result>& results;
  const Examples& examples;
  const foglift::Tensor<float>& drawn;  ///< [rows * 10, 8, 8, 1], -1 to 1
};

/// Writes probe.gp, data included, into a folder and lets gnuplot draw probe.svg and probe.png
/// there. False if there is no gnuplot, or it failed: the script is there then.
bool draw(const ProbeFigure&, const std::string& folder);
