#pragma once

#include "model.hpp"
#include "report.hpp"

#include <string>

constexpr double probed_times[] = {0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7};

/// What each block of a network knows of the digits at each of the times.
foglift::probe::HeatMap map_of(const char* name, const Net&, const foglift::Tensor<float>& images,
                               const Examples&, const Settings&);
/// The features of the map's best cell, by logistic regression.
Result judge_best(const char* name, const Net&, const foglift::probe::HeatMap&,
                  const foglift::Tensor<float>& images, const Examples&, const Settings&);
