#include "solvers.hpp"
#include "support/solver_list.hpp"

std::vector<Measurable> ode_solvers() {
  std::vector<Measurable> out;
  for_each_ode_solver(measurable(out));
  return out;
}
