#include "foglift/diffusion/guidance/threshold.hpp"
#include "foglift/diffusion/predict/learned_variance.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "golden.hpp"

using namespace foglift;

// Our solvers against runs of diffusers 0.42.1 and k-diffusion 0.1.1 in double precision. Both
// sides evaluate the same formulas in some ten operations a step over five to seven steps, which on
// this denoiser multiply an error by less than 100: 1e-12 would do; 1e-10 is asked.

namespace {
using golden::agrees;
using golden::apart;
using golden::load;
}  // namespace

TEST_CASE("schedulers: DDPM is ancestral sampling with the small variance",
          "[reference][scheduler]") {
  for (const char* name : {"epsilon", "sample", "v_prediction", "linspace", "cosine"})
    agrees("discrete", std::string("ddpm.") + name, solver::Ddpm{});
  agrees("discrete", "unclip", solver::Ddpm{});
  // diffusers clamps the variance of the last step at 1e-20: noise of 1e-10 is left in the sample.
  for (const char* name : {"trailing", "fixed_small_log", "zero_snr"})
    agrees(name, load("discrete", std::string("ddpm.") + name), solver::Ddpm{}, 1e-9);
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

TEST_CASE("schedulers: first order in sigma is the rule of Euler", "[reference][scheduler]") {
  for (const char* name :
       {"euler", "euler.v_prediction", "euler.sample", "euler.leading", "euler.trailing",
        "euler.karras", "euler.exponential", "euler.beta", "euler.sigma_min", "euler.log_linear",
        "euler.zero_snr", "edm_euler.epsilon", "edm_euler.v_prediction", "edm_euler.exponential"})
    agrees("sigma", name, solver::Euler{});
  agrees("sigma", "lms.order_1", solver::Euler{});
  agrees("kdiffusion", "euler", solver::Euler{});
  for (const char* name : {"euler", "euler.shift", "euler.dynamic_exponential",
                           "euler.dynamic_linear", "euler.terminal", "euler.karras",
                           "euler.exponential", "euler.beta", "flow_map", "minimax", "ltx.eta_0.0"})
    agrees("flow", name, solver::Euler{});
  agrees("multistep", "dpmsolver++.1", solver::Euler{});
}

TEST_CASE("schedulers: Heun in sigma", "[reference][scheduler]") {
  for (const char* name : {"heun", "heun.v", "heun.sample"})
    agrees("sigma", name, solver::Heun{}, 2);
  agrees("sigma", "karras_ve.ode", solver::Heun{});
  agrees("kdiffusion", "heun", solver::Heun{});
}

TEST_CASE("schedulers: Heun of flows is in sigma over alpha too", "[reference][scheduler]") {
  // diffusers integrates dx / dsigma = v = (x - x0) / sigma by the trapezoid in sigma; ours, like
  // Karras et al., x / alpha in sigma / alpha, for every process. Both are of second order.
  for (const char* name : {"heun", "heun.shift"}) {
    INFO(name);
    const golden::Case c = load("flow", name, 2);
    CHECK(apart(golden::run(c, solver::Heun{}), c.states) > 0.05);
    for (Index k = 0; k + 2 < c.states.dim(0); ++k) {
      const Level &from = c.grid[static_cast<std::size_t>(k)],
                  &to = c.grid[static_cast<std::size_t>(k + 1)];
      const double h = to.sigma - from.sigma;
      for (Index i = 0; i < c.states.dim(1); ++i) {
        const auto v = [](double x, const Level& l) {
          return (x - golden::Mixture::at(x, l.alpha, l.sigma)) / l.sigma;
        };
        const double x = c.states[k * c.states.dim(1) + i], slope = v(x, from);
        const double next = x + 0.5 * h * (slope + v(x + h * slope, to));
        CHECK(std::abs(next - c.states[(k + 1) * c.states.dim(1) + i]) < 1e-10);
      }
    }
  }
}

TEST_CASE("schedulers: DDPM with the large variance ends without noise", "[reference][scheduler]") {
  // diffusers adds noise of the last step's beta to the sample wherever that step's timestep is
  // above 0, as on grids that end with a long step.
  const golden::Case c = load("discrete", "ddpm.fixed_large");
  const Index steps = c.states.dim(0) - 1;
  const solver::Ddpm large{.variance = solver::Ddpm::Variance::large};
  agrees("before the last step", golden::head(c, steps - 1), large);
  CHECK(apart(golden::run(c, large), c.states) > 0.1);
  // Ours is the mean: what was added is sqrt(beta') z, beta' = sigma^2 (1 - 0).
  const Tensor<double> ours = golden::run(c, large);
  const double deviation = c.grid[static_cast<std::size_t>(steps - 1)].sigma;
  for (Index i = 0; i < c.states.dim(1); ++i) {
    const double z = c.noise[(steps - 1) * c.states.dim(1) + i];
    const Index at = steps * c.states.dim(1) + i;
    CHECK(std::abs(ours[at] + deviation * z - c.states[at]) < 1e-10);
  }
}

TEST_CASE("schedulers: continuous cosine steps of Wuerstchen", "[reference][scheduler]") {
  // Its grid ends at alpha_bar = 0.9999 without noise in the last step: ours adds it there.
  const golden::Case c = load("discrete", "wuerstchen");
  agrees("wuerstchen", golden::head(c, 4), solver::Ddpm{});
}

TEST_CASE("schedulers: clipped and thresholded samples", "[reference][scheduler]") {
  const golden::Mixture model;
  const auto clipped = model | guide::Clip{.lo = -1.2, .hi = 1.2};
  const auto dynamic =
      model | guide::DynamicThreshold{.percentile = 0.8, .floor = 1, .ceiling = 1.7};
  agrees("DDPM, clipped", load("discrete", "ddpm.clip"), solver::Ddpm{}, 1e-10, clipped);
  agrees("DDPM, thresholds", load("discrete", "ddpm.threshold"), solver::Ddpm{}, 1e-10, dynamic);
  agrees("DDIM, clipped", load("discrete", "ddim.clip_rederived"), solver::Ddim{}, 1e-10, clipped);
  // Without use_clipped_model_output DDIM goes on with the noise of the x0 before it was cut: x,
  // x0 and eps no longer fit together.
  const golden::Case torn = load("discrete", "ddim.clip");
  CHECK(apart(golden::run(torn, solver::Ddim{}, clipped), torn.states) > 0.05);
}

TEST_CASE("schedulers: DDIM goes to the next level of its grid", "[reference][scheduler]") {
  agrees("discrete", "ddim.leading_7", solver::Ddim{});
  // On a grid of "linspace", diffusers steps to t - T / N instead, a level that the model is not
  // asked at next.
  const golden::Case c = load("discrete", "ddim.linspace");
  CHECK(apart(golden::run(c, solver::Ddim{}), c.states) > 0.1);
  const Tensor<double> to = golden::file("discrete").tensor<double>("ddim.linspace/to");
  double error = 0, gap = 0;
  for (Index k = 0; k < to.dim(0); ++k) {
    const Level &from = c.grid[static_cast<std::size_t>(k)],
                &next = c.grid[static_cast<std::size_t>(k + 1)];
    const Level reached{next.t, to[2 * k], to[2 * k + 1]};
    gap = std::max(gap, std::abs(reached.sigma - next.sigma));
    const Tensor<double> x = solver::Ddim{}.step(golden::state(c.states, k), from, reached,
                                                 golden::Mixture{}, StepRng(Rng(1), 0, k));
    error = std::max(error, golden::distance(x, golden::state(c.states, k + 1)));
  }
  CHECK(gap > 0.02);
  CHECK(error < 1e-10);
}

TEST_CASE("schedulers: learned variances lie between the two of DDPM", "[reference][scheduler]") {
  // Eight more columns of the model's answer, -0.9 to 0.9, are the variance head's.
  for (const char* name : {"ddpm.learned_range", "unclip.learned_range"}) {
    INFO(name);
    golden::Case c = load("discrete", name);
    const Tensor<double> answer = golden::file("discrete")
                                      .tensor<double>(std::string(name) + "/epsilon"),
                         z = c.noise;
    const Index n = c.states.dim(1);
    REQUIRE(answer.dim(1) == 2 * n);
    for (Index k = 0; k + 1 < c.states.dim(0); ++k) {
      const Level &from = c.grid[static_cast<std::size_t>(k)],
                  &to = c.grid[static_cast<std::size_t>(k + 1)];
      const golden::Recorded quiet(Tensor<double>(Shape{1, n}));
      Tensor<double> x = solver::Ddpm{}.step(golden::state(c.states, k), from, to,
                                             golden::Mixture{}, StepRng(Rng(1), 0, k, &quiet));
      const predict::VarianceRange range(from, to);
      for (Index i = 0; i < n && to.sigma > 0; ++i)
        x[i] += std::exp(0.5 * range.log_variance(answer[k * 2 * n + n + i])) * z[k * n + i];
      CHECK(golden::distance(x, golden::state(c.states, k + 1)) < 1e-10);
    }
  }
}
