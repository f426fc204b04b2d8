// Covers: solver/consistency
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/inverse/replacement.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/churn.hpp"
#include "foglift/diffusion/solver/consistency.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/predictor_corrector.hpp"
#include "foglift/diffusion/solver/reverse_sde.hpp"
#include "golden.hpp"

using namespace foglift;

// Solvers that draw noise, and the two-stage rules they wrap, against runs of diffusers 0.42.1 and
// k-diffusion 0.1.1.

namespace {
using golden::agrees;
using golden::apart;
using golden::load;

/// Rows of the noise of the steps that begin at a ratio between `least` and `most`.
golden::Case lifted(golden::Case c, double least, double most) {
  std::vector<Index> kept;
  for (Index i = 0; i + 1 < c.states.dim(0); ++i) {
    const double s = c.grid[static_cast<std::size_t>(i)].ratio();
    if (s >= least && s <= most) kept.push_back(i);
  }
  c.noise = golden::rows(c.noise, kept);
  return c;
}
}  // namespace

TEST_CASE("schedulers: DPM2", "[reference][scheduler]") {
  agrees("sigma", "dpm_2", solver::Dpm2{}, 2);
  agrees("sigma", "dpm_2.v", solver::Dpm2{}, 2);
  agrees("kdiffusion", "dpm_2", solver::Dpm2{});
}

TEST_CASE("schedulers: ancestral steps", "[reference][scheduler]") {
  agrees("sigma", "euler_ancestral", solver::EulerAncestral{});
  agrees("sigma", "euler_ancestral.v", solver::EulerAncestral{});
  agrees("sigma", "dpm_2_ancestral", solver::Dpm2Ancestral{}, 2);
  agrees("sigma", "dpm_2_ancestral.karras", solver::Dpm2Ancestral{}, 2);
  agrees("kdiffusion", "euler_ancestral", solver::EulerAncestral{});
  agrees("kdiffusion", "dpm_2_ancestral", solver::Dpm2Ancestral{});
  agrees("kdiffusion", "dpmpp_2s_ancestral", solver::DpmSingleAncestral{});
  const auto softly = [](auto solver) {
    solver.eta = 0.6;
    solver.noise_scale = 0.9;
    return solver;
  };
  agrees("kdiffusion", "euler_ancestral.eta", softly(solver::EulerAncestral{}));
  agrees("kdiffusion", "dpm_2_ancestral.eta", softly(solver::Dpm2Ancestral{}));
  agrees("kdiffusion", "dpmpp_2s_ancestral.eta", softly(solver::DpmSingleAncestral{}));
}

TEST_CASE("schedulers: ancestral steps of flows", "[reference][scheduler]") {
  solver::EulerAncestral flow{.rule = solver::AncestralRule::flow};
  for (const char* name : {"ltx.eta_0.5", "ltx.eta_1.0"}) {
    flow.eta = name == std::string("ltx.eta_0.5") ? 0.5 : 1;
    // diffusers adds 1e-12 to what it divides by.
    agrees(name, load("flow", name), flow, 1e-10);
  }
}

TEST_CASE("schedulers: churn", "[reference][scheduler]") {
  // k-diffusion and KarrasVe draw in every step; ours where the state is lifted.
  const auto churned = [](auto inner) {
    return solver::Churn<decltype(inner)>{
        .churn = 1.5, .min_ratio = 0.05, .max_ratio = 15, .noise_scale = 1.003};
  };
  const auto k = [](const char* name) { return lifted(load("kdiffusion", name), 0.05, 15); };
  agrees("euler", k("euler.churn"), churned(solver::Euler{}));
  agrees("heun", k("heun.churn"), churned(solver::Heun{}));
  agrees("dpm_2", k("dpm_2.churn"), churned(solver::Dpm2{}));
  agrees("KarrasVe", lifted(load("sigma", "karras_ve"), 0.05, 50),
         solver::Churn<solver::Heun>{
             .churn = 2, .min_ratio = 0.05, .max_ratio = 50, .noise_scale = 1.007});
}

TEST_CASE("schedulers: churn asks the model at the churned state", "[reference][scheduler]") {
  // EulerDiscrete and EDMEuler take the model's answer, given before the noise is added.
  const auto differs = [](const golden::Case& c, const solver::Churn<solver::Euler>& ours,
                          double least) { CHECK(apart(golden::run(c, ours), c.states) > least); };
  differs(load("sigma", "euler.churn"),
          {.churn = 1, .min_ratio = 0.1, .max_ratio = 10, .noise_scale = 1.003}, 0.05);
  differs(load("sigma", "edm_euler.churn"),
          {.churn = 1, .min_ratio = 0, .max_ratio = 50, .noise_scale = 1}, 0.05);
}

TEST_CASE("schedulers: consistency models jump to the data and back", "[reference][scheduler]") {
  agrees("flow", "euler.stochastic", solver::Lcm{});
  agrees("flow", "lcm", solver::Lcm{});
  // TrigFlow's state has the data's deviation of 1/2: the noise is drawn with it.
  agrees("flow", "scm", solver::Lcm{});
  // Song et al.: with the boundary condition at the least noise. Its answers are of x0 here.
  const auto boundary = [](const Tensor<double>& x, const Level& level) {
    const double s = level.ratio(), d = 0.5, above = s - 0.002,
                 skip = d * d / (above * above + d * d);
    return affine(skip, x, above * d / std::hypot(s, d), golden::Mixture{}(x, level));
  };
  // The last step's noise has deviation 0: sigma is 0.002 there.
  const golden::Case c = load("sigma", "consistency");
  agrees("consistency", c, solver::Consistency{.min_ratio = c.grid.back().ratio()}, 1e-10,
         boundary);
}

TEST_CASE("schedulers: latent consistency models", "[reference][scheduler]") {
  // f = c_skip x + c_out x0 of the timestep times ten, with sigma_data = 1/2.
  for (const char* name : {"lcm", "lcm.v"}) {
    const golden::Case c = load("discrete", name);
    const auto f = [&](const Tensor<double>& x, const Level& level) {
      std::size_t k = 0;
      while (!(c.grid[k] == level)) ++k;
      const double t = 10 * c.timesteps[k], d = 0.5;
      return affine(d * d / (t * t + d * d), x, t / std::hypot(t, d), golden::Mixture{}(x, level));
    };
    agrees(name, c, solver::Lcm{}, 1e-10, f);
  }
}

namespace {
/// A chain asked at whole steps alone: time u is step floor(T u).
struct WholeSteps {
  DiscreteSchedule chain = DiscreteSchedule::scaled_linear(1000);
  Level at(double u) const { return chain.step(static_cast<Index>(std::floor(1000 * u + 1e-9))); }
  double time(double lambda) const { return chain.time(lambda); }
};
}  // namespace

TEST_CASE("schedulers: trajectory consistency", "[reference][scheduler]") {
  // The last step goes down to timestep 0, where diffusers draws no noise: a row of zeros.
  const auto with_quiet_end = [](const char* name) {
    golden::Case c = load("discrete", name);
    Tensor<double> noise(Shape{c.noise.dim(0) + 1, c.states.dim(1)});
    std::copy(c.noise.begin(), c.noise.end(), noise.begin());
    c.noise = std::move(noise);
    for (std::size_t k = 0; k < c.grid.size(); ++k)
      c.grid[k].t = std::max(0.0, c.timesteps[k]) / 1000;
    return c;
  };
  agrees("tcd", with_quiet_end("tcd.gamma_0.3"), solver::Tcd(WholeSteps{}, 0.3));
  agrees("gamma = 0", load("discrete", "tcd.gamma_0.0"), solver::Euler{});
  // gamma = 1 is a jump to the data; diffusers' goes to the table's first level, alpha_bar = 0.999.
  const golden::Case one = with_quiet_end("tcd.gamma_1.0");
  const double difference = apart(golden::run(one, solver::Tcd(WholeSteps{}, 1)), one.states);
  CHECK(difference > 1e-4);
  CHECK(difference < 0.1);
}

TEST_CASE("schedulers: reverse diffusion with a Langevin corrector", "[reference][scheduler]") {
  // The kept batch is one sample, so its mean norm is that sample's. Of the last step diffusers
  // returns the mean beside the state; ours is the mean.
  const golden::Case c = load("flow", "sde_ve");
  const solver::PredictorCorrector<> ours{
      .corrections = 1, .snr = 0.15, .rule = solver::LangevinStep::norms};
  agrees("sde_ve", golden::head(c, 4), ours);
}

namespace {
/// The linear VP process with its rates at the kept times, and steps of time 1 / N between them.
struct EqualSteps : process::VariancePreserving<schedule::Linear> {
  std::vector<double> times;
  explicit EqualSteps(std::vector<double> kept)
      : process::VariancePreserving<schedule::Linear>(schedule::Linear{}), times(std::move(kept)) {}
  double at_step(double t) const {
    const auto steps = static_cast<double>(times.size());
    return times[static_cast<std::size_t>(std::lround((1 - t) * steps))];
  }
  double drift(double t) const {
    return process::VariancePreserving<schedule::Linear>::drift(at_step(t));
  }
  double diffusion(double t) const {
    return process::VariancePreserving<schedule::Linear>::diffusion(at_step(t));
  }
};
}  // namespace

TEST_CASE("schedulers: Euler and Maruyama steps are as long as those of the grid",
          "[reference][scheduler]") {
  const golden::Case c = load("flow", "sde_vp");
  const Index steps = c.states.dim(0) - 1;
  const std::vector<double> times(c.timesteps.begin(), c.timesteps.end() - 1);
  // With 1 / N for each step, as there, the same run (ours would end in the mean's x0).
  agrees("step 1 / N", golden::head(c, steps - 1), solver::EulerMaruyama(EqualSteps(times)));
  golden::Case own = golden::head(c, steps - 1);
  for (std::size_t k = 0; k < own.grid.size(); ++k) own.grid[k].t = times[k];
  const process::VariancePreserving vp(schedule::Linear{});
  CHECK(apart(golden::run(own, solver::EulerMaruyama(vp)), own.states) > 0.05);
}

namespace {
/// Row k of the deviates in step k, for everything that is drawn there.
class OneRowAStep : public NoiseSource {
 public:
  explicit OneRowAStep(Tensor<double> rows) : rows_(std::move(rows)) {}
  void fill(std::span<double> out, const NoiseRequest& request) const override {
    std::copy_n(rows_.data() + static_cast<Index>(request.step * out.size()), out.size(),
                out.begin());
  }

 private:
  Tensor<double> rows_;
};
}  // namespace

TEST_CASE("schedulers: known parts are put back with the noise of the level",
          "[reference][scheduler]") {
  // RePaint without repetitions. diffusers gives the known and the unknown part one deviate.
  for (const double eta : {0.0, 1.0}) {
    const std::string name = eta == 0 ? "repaint.eta_0.0" : "repaint.eta_1.0";
    INFO(name);
    const golden::Case c = load("discrete", name);
    const auto row = [&](const char* of) {
      return golden::file("discrete").tensor<double>(name + of).reshaped({1, c.states.dim(1)});
    };
    const solver::Replacement ours(solver::Ddim{.eta = eta},
                                   solver::Known<double>{row("/known"), row("/mask")});
    const Tensor<double> states =
        golden::run_with(c, ours, golden::Mixture{}, OneRowAStep(c.noise));
    CHECK(apart(states, c.states) < 1e-10);
  }
}
