#pragma once

#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/euler_ancestral.hpp"
#include "foglift/diffusion/solver/heun.hpp"

/// f(name, code, solver) for every solver of the library, in the order of docs/solvers.md: those
/// that follow the probability-flow ODE, then those that draw noise.
template <class F>
void for_each_solver(const F& f) {
  using namespace foglift::solver;
  f("DDIM", "Ddim{}", Ddim{});
  f("Heun", "Heun{}", Heun{});
  f("DDPM", "Ddpm{}", Ddpm{});
  f("DDPM, large variance", "Ddpm{.variance = Ddpm::Variance::large}",
    Ddpm{.variance = Ddpm::Variance::large});
  f("DDIM, eta = 1", "Ddim{.eta = 1}", Ddim{.eta = 1});
  f("Euler ancestral", "EulerAncestral{}", EulerAncestral{});
}
