#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/euler_ancestral.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "golden.hpp"

using namespace foglift;

// Our solvers against runs of diffusers 0.42.1 and k-diffusion 0.1.1 in double precision. Both
// sides evaluate the same formulas in some ten operations a step over five to seven steps, which on
// this denoiser multiply an error by less than 100: 1e-12 would do; 1e-10 is asked.

namespace {
using golden::agrees;
}

TEST_CASE("schedulers: DDPM is ancestral sampling with the small variance",
          "[reference][scheduler]") {
  for (const char* name : {"epsilon", "sample", "v_prediction", "linspace", "cosine"})
    agrees("discrete", std::string("ddpm.") + name, solver::Ddpm{});
  agrees("discrete", "unclip", solver::Ddpm{});
  // diffusers clamps the variance of the last step at 1e-20: noise of 1e-10 is left in the sample.
  for (const char* name : {"trailing", "fixed_small_log", "zero_snr"})
    agrees(name, golden::load("discrete", std::string("ddpm.") + name), solver::Ddpm{}, 1e-9);
}

TEST_CASE("schedulers: DDIM with and without noise", "[reference][scheduler]") {
  for (const char* name : {"eta_0.0", "sample", "v", "trailing", "zero_snr"})
    agrees("discrete", std::string("ddim.") + name, solver::Ddim{});
  agrees("discrete", "cogvideox_ddim", solver::Ddim{});
  agrees("discrete", "ddim.eta_0.5", solver::Ddim{.eta = 0.5});
  agrees("discrete", "ddim.eta_1.0", solver::Ddim{.eta = 1});
  agrees("discrete", "ddim.first_level", solver::Ddim{.eta = 0.5});
  agrees("discrete", "tcd.gamma_0.0", solver::Ddim{});
}

TEST_CASE("schedulers: first order in sigma is DDIM", "[reference][scheduler]") {
  for (const char* name :
       {"euler", "euler.v_prediction", "euler.sample", "euler.leading", "euler.trailing",
        "euler.karras", "euler.exponential", "euler.beta", "euler.sigma_min", "euler.log_linear",
        "euler.zero_snr", "edm_euler.epsilon", "edm_euler.v_prediction", "edm_euler.exponential"})
    agrees("sigma", name, solver::Ddim{});
  agrees("sigma", "lms.order_1", solver::Ddim{});
  agrees("kdiffusion", "euler", solver::Ddim{});
  for (const char* name : {"euler", "euler.shift", "euler.dynamic_exponential",
                           "euler.dynamic_linear", "euler.terminal", "euler.karras",
                           "euler.exponential", "euler.beta", "flow_map", "minimax", "ltx.eta_0.0"})
    agrees("flow", name, solver::Ddim{});
  agrees("multistep", "dpmsolver++.1", solver::Ddim{});
}

TEST_CASE("schedulers: Euler ancestral", "[reference][scheduler]") {
  agrees("sigma", "euler_ancestral", solver::EulerAncestral{});
  agrees("sigma", "euler_ancestral.v", solver::EulerAncestral{});
  agrees("kdiffusion", "euler_ancestral", solver::EulerAncestral{});
  agrees("kdiffusion", "euler_ancestral.eta",
         solver::EulerAncestral{.eta = 0.6, .noise_scale = 0.9});
}

TEST_CASE("schedulers: Heun in sigma", "[reference][scheduler]") {
  for (const char* name : {"heun", "heun.v", "heun.sample"})
    agrees("sigma", name, solver::Heun{}, 2);
  agrees("sigma", "karras_ve.ode", solver::Heun{});
  agrees("kdiffusion", "heun", solver::Heun{});
}
