#include "solvers.hpp"
#include "support/solver_list.hpp"

std::vector<Measurable> noisy_solvers() {
  std::vector<Measurable> out;
  for_each_noisy_solver(measurable(out));
  return out;
}
