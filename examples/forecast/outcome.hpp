#pragma once

#include "sums.hpp"

namespace tool {

/// What a run has found, for its report and pictures.
struct Outcome {
  const Options& o;
  const Input& in;
  const Plan& plan;
  const Json& config;
  const Backtest* backtest = nullptr;
  const Future* future = nullptr;
  const Sums* sums = nullptr;

  std::string title() const {
    return o.title.empty() ? in.unit() + " (" + in.name() + ')' : o.title;
  }
};

}  // namespace tool
