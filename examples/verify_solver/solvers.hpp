#pragma once

#include "report.hpp"

#include <functional>
#include <string>
#include <vector>

/// A solver of the library, to be measured.
struct Measurable {
  std::string name, code;
  std::function<SolverReport()> measure;
};

/// Those of support/solver_list.hpp. Each half is compiled in a file of its own.
std::vector<Measurable> ode_solvers();
std::vector<Measurable> noisy_solvers();

/// All of them.
inline std::vector<Measurable> solvers() {
  std::vector<Measurable> out = ode_solvers();
  for (Measurable& s : noisy_solvers()) out.push_back(std::move(s));
  return out;
}

/// A function for for_each_..._solver that puts into `to` what it is given.
inline auto measurable(std::vector<Measurable>& to) {
  return [&to](const char* name, const char* code, const auto& solver) {
    to.push_back({name, code, [=] { return solver_report::measure(name, code, solver); }});
  };
}
