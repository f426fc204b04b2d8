#pragma once

#include "foglift/diffusion/solver/adaptive_dpm.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/churn.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_sde.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/er_sde.hpp"
#include "foglift/diffusion/solver/gradient_estimation.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/solver/lms.hpp"
#include "foglift/diffusion/solver/predictor_corrector.hpp"
#include "foglift/diffusion/solver/restart.hpp"
#include "foglift/diffusion/solver/reverse_sde.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"

/// f(name, code, solver) for every solver of the library that follows the probability-flow ODE, in
/// the order of docs/solvers.md.
template <class F>
void for_each_ode_solver(const F& f) {
  using namespace foglift::solver;
  constexpr auto noise = Prediction::noise;
  constexpr auto exact = Weights::exact, published = Weights::as_published;
  f("DDIM", "Ddim{}", Ddim{});
  f("Heun", "Heun{}", Heun{});
  f("midpoint in sigma", "Heun{.stage = 0.5}", Heun{.stage = 0.5});
  f("DPM2", "Dpm2{}", Dpm2{});
  f("gradient estimation", "GradientEstimation{}", GradientEstimation{});
  f("DPM-Solver++ 2S", "DpmSingle<2>{}", DpmSingle<2>{});
  f("DPM-Solver++ 2S, exact", "DpmSingle<2, Weights::exact>{}", DpmSingle<2, exact>{});
  f("DPM-Solver++ 3S", "DpmSingle<3>{}", DpmSingle<3>{});
  f("DPM-Solver++ 3S, exact", "DpmSingle<3, Weights::exact>{}", DpmSingle<3, exact>{});
  f("DPM-Solver 2S", "DpmSingle<2>{.prediction = Prediction::noise}",
    DpmSingle<2>{.prediction = noise});
  f("DPM-Solver 3S", "DpmSingle<3>{.prediction = Prediction::noise}",
    DpmSingle<3>{.prediction = noise});
  f("DPM-Solver++ 2M", "DpmMulti<2>{}", DpmMulti<2>{});
  f("DPM-Solver++ 2M, exact", "DpmMulti<2, Weights::exact>{}", DpmMulti<2, exact>{});
  f("DPM-Solver++ 3M", "DpmMulti<3, Weights::exact>{}", DpmMulti<3, exact>{});
  f("DPM-Solver++ 3M as published", "DpmMulti<3, Weights::as_published>{}",
    DpmMulti<3, published>{});
  f("DPM-Solver 2M", "DpmMulti<2>{.prediction = Prediction::noise}",
    DpmMulti<2>{.prediction = noise});
  f("UniPC 1", "UniPc<1>{}", UniPc<1>{});
  f("UniPC 2", "UniPc<2>{}", UniPc<2>{});
  f("UniPC 3", "UniPc<3>{}", UniPc<3>{});
  f("UniPC 2, bh1", "UniPc<2, Weights::bh1>{}", UniPc<2, Weights::bh1>{});
  f("UniP 2", "UniP<2>{}", UniP<2>{});
  f("UniP 3", "UniP<3>{}", UniP<3>{});
  f("DEIS 2", "Deis<2>{}", Deis<2>{});
  f("DEIS 3", "Deis<3>{}", Deis<3>{});
  f("LMS 4", "Lms<4>{}", Lms<4>{});
  f("PNDM", "Pndm{}", Pndm{});
  f("iPNDM", "Ipndm{}", Ipndm{});
}

/// The same for those that draw noise.
template <class F>
void for_each_noisy_solver(const F& f) {
  using namespace foglift::solver;
  constexpr auto exact = Weights::exact;
  f("DDPM", "Ddpm{}", Ddpm{});
  f("DDPM, large variance", "Ddpm{.variance = Ddpm::Variance::large}",
    Ddpm{.variance = Ddpm::Variance::large});
  f("DDIM, eta = 1", "Ddim{.eta = 1}", Ddim{.eta = 1});
  f("Euler ancestral", "EulerAncestral{}", EulerAncestral{});
  f("DPM2 ancestral", "Dpm2Ancestral{}", Dpm2Ancestral{});
  f("DPM-Solver++ 2S ancestral", "DpmSingleAncestral{}", DpmSingleAncestral{});
  f("Heun with churn", "Churn<Heun>{.noise_scale = 1}", Churn<Heun>{.noise_scale = 1});
  f("Restart", "Restart<>{}", Restart<>{});
  f("reverse diffusion", "ReverseDiffusion{}", ReverseDiffusion{});
  f("SDE-DPM-Solver++ 1", "SdeDpmMulti<1>{}", SdeDpmMulti<1>{});
  f("SDE-DPM-Solver++ 2M", "SdeDpmMulti<2>{}", SdeDpmMulti<2>{});
  f("SDE-DPM-Solver++ 3M", "SdeDpmMulti<3, Weights::exact>{}", SdeDpmMulti<3, exact>{});
  f("DPM-Solver++ SDE", "DpmSde<>{}", DpmSde<>{});
  f("SA-Solver P2 C2", "SaSolver<2, 2>{}", SaSolver<2, 2>{});
  f("SA-Solver P3 C4", "SaSolver<3, 4>{}", SaSolver<3, 4>{});
  f("ER-SDE 3", "ErSde<3>{}", ErSde<3>{});
}

/// All of them.
template <class F>
void for_each_solver(const F& f) {
  for_each_ode_solver(f);
  for_each_noisy_solver(f);
}
