#include "exact_steps.hpp"
#include "foglift/diffusion/solver/adaptive_dpm.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_sde.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/euler.hpp"
#include "foglift/diffusion/solver/uni_pc.hpp"

using namespace foglift;
using solver::Ending;
using solver::Prediction;
using solver::Start;
using solver::Weights;

// DPM-Solver and its relatives against runs of diffusers 0.42.1 and k-diffusion 0.1.1, and, where
// those are not the formula that they are named after, against the formula's integrals.

namespace {
using golden::agrees;
using golden::apart;
using golden::differs;
using golden::load;

template <int Order, Weights weights>
auto multi(Prediction prediction = Prediction::data, Ending end = Ending::lower_order) {
  return solver::DpmMulti<Order, weights>{
      .prediction = prediction, .begin = Start::lower_order, .end = end};
}
template <int Order, Weights weights>
auto sde(double eta = 1, Prediction prediction = Prediction::data,
         Ending end = Ending::lower_order) {
  return solver::SdeDpmMulti<Order, weights>{.eta = eta, .prediction = prediction, .end = end};
}
}  // namespace

TEST_CASE("schedulers: DPM-Solver++ 2M", "[reference][scheduler]") {
  for (const char* name :
       {"2.midpoint", "sample", "v", "flow", "lu", "exponential", "beta", "leading", "zero_snr"})
    agrees("multistep", std::string("dpmsolver++.") + name, multi<2, Weights::midpoint>());
  agrees("multistep", "dpmsolver++.2.heun", multi<2, Weights::exact>());
  agrees("multistep", "edm_dpm.2", multi<2, Weights::midpoint>());
  agrees("multistep", "edm_dpm.exponential", multi<2, Weights::midpoint>());
  agrees("multistep", "edm_dpm.2.heun", multi<2, Weights::exact>());
  for (const char* name : {"dpmpp_2m", "dpmpp_2m_sde.eta_0"})
    agrees("kdiffusion", name, multi<2, Weights::midpoint>(Prediction::data, Ending::full_order));
}

TEST_CASE("schedulers: DPM-Solver in many steps", "[reference][scheduler]") {
  agrees("multistep", "dpmsolver.1", multi<1, Weights::midpoint>(Prediction::noise));
  agrees("multistep", "dpmsolver.2.midpoint", multi<2, Weights::midpoint>(Prediction::noise));
  agrees("multistep", "dpmsolver.2.heun", multi<2, Weights::exact>(Prediction::noise));
}

TEST_CASE("schedulers: third-order weights of DPM-Solver as published and exact",
          "[reference][scheduler]") {
  const auto compare = [](const std::string& name, Ending end, const auto& published,
                          const auto& exact, bool data, double least) {
    INFO(name);
    const golden::Case c = load("multistep", name);
    CHECK(apart(golden::run(c, published), c.states) < 1e-10);
    const Tensor<double> ours = golden::run(c, exact);
    CHECK(apart(ours, c.states) > least);
    const bool lower = end == Ending::lower_order;
    const golden::ExactSteps integrals{.outputs = 3, .data = data, .lower_at_end = lower};
    CHECK(apart(ours, integrals.run(c)) < 1e-10);
  };
  // The published weights are taken where the exact ones of two outputs are "midpoint" too.
  constexpr Weights old = Weights::as_published, right = Weights::exact;
  compare("edm_dpm.3", Ending::lower_order, multi<3, old>(), multi<3, right>(), true, 1e-2);
  compare("dpmsolver++.3", Ending::lower_order, multi<3, old>(), multi<3, right>(), true, 1e-3);
  compare("dpmsolver++.no_lowering", Ending::full_order,
          multi<3, old>(Prediction::data, Ending::full_order),
          multi<3, right>(Prediction::data, Ending::full_order), true, 1e-2);
  compare("dpmsolver.3", Ending::lower_order, multi<3, old>(Prediction::noise),
          multi<3, right>(Prediction::noise), false, 1e-3);
}

TEST_CASE("schedulers: SDE-DPM-Solver of orders 1 and 2", "[reference][scheduler]") {
  agrees("multistep", "sde-dpmsolver++.1", sde<1, Weights::midpoint>());
  for (const char* name : {"sde-dpmsolver++.2.midpoint", "sde-dpmsolver++.flow", "edm_dpm.sde.2",
                           "cosine_dpm.midpoint"})
    agrees("multistep", name, sde<2, Weights::midpoint>());
  for (const char* name : {"sde-dpmsolver++.2.heun", "cosine_dpm.heun"})
    agrees("multistep", name, sde<2, Weights::exact>());
  agrees("multistep", "sde-dpmsolver.1", sde<1, Weights::midpoint>(1, Prediction::noise));
  agrees("multistep", "sde-dpmsolver.2.midpoint", sde<2, Weights::midpoint>(1, Prediction::noise));
  agrees("multistep", "sde-dpmsolver.2.heun", sde<2, Weights::exact>(1, Prediction::noise));
  // CogVideoX draws twice in each inner step and takes the second.
  golden::Case video = load("discrete", "cogvideox_dpm");
  video.noise = golden::rows(video.noise, {0, 2, 4, 6});
  agrees("cogvideox_dpm", video, sde<2, Weights::midpoint>());
  const auto k = [](auto weights, double eta = 1) {
    return sde<2, decltype(weights)::value>(eta, Prediction::data, Ending::full_order);
  };
  using midpoint = std::integral_constant<Weights, Weights::midpoint>;
  using heun = std::integral_constant<Weights, Weights::exact>;
  agrees("kdiffusion", "dpmpp_2m_sde.midpoint", k(midpoint{}));
  agrees("kdiffusion", "dpmpp_2m_sde.heun", k(heun{}));
}

TEST_CASE("schedulers: third-order SDE weights of both libraries are other ones",
          "[reference][scheduler]") {
  const auto exact = [](const std::string& family, const std::string& name, double eta, Ending end,
                        double least) {
    INFO(name);
    const golden::Case c = load(family, name);
    const Tensor<double> ours = golden::run(c, sde<3, Weights::exact>(eta, Prediction::data, end));
    CHECK(apart(ours, c.states) > least);
    const golden::ExactSteps integrals{
        .outputs = 3, .eta = eta, .lower_at_end = end == Ending::lower_order};
    CHECK(apart(ours, integrals.run(c)) < 1e-10);
  };
  // diffusers: 1/2 with the wrong sign in the weight of the second difference.
  exact("multistep", "sde-dpmsolver++.3", 1, Ending::lower_order, 0.1);
  // k-diffusion: half of that weight; with eta = 0 as with eta = 1.
  exact("kdiffusion", "dpmpp_3m_sde", 1, Ending::full_order, 1e-2);
  exact("kdiffusion", "dpmpp_3m_sde.eta_0", 0, Ending::full_order, 1e-3);
  for (const double eta : {0.0, 1.0}) {
    const golden::Case c = load("kdiffusion", eta > 0 ? "dpmpp_3m_sde" : "dpmpp_3m_sde.eta_0");
    const golden::ExactSteps half{.outputs = 3, .eta = eta, .lower_at_end = false, .third = 0.5};
    CHECK(apart(half.run(c), c.states) < 1e-10);
  }
}

TEST_CASE("schedulers: DPM-Solver in single steps", "[reference][scheduler]") {
  // diffusers puts the stages of a step at the grid's nodes: on a grid even in lambda, at 1/2 or at
  // 1/3 and 2/3. Its last step is of order 1.
  const auto whole_steps = [](const char* name, Index order) {
    const std::string full = std::string("single.") + name;
    const std::vector<Index> nodes =
        order == 2 ? std::vector<Index>{0, 2, 4} : std::vector<Index>{0, 3, 6};
    return load("multistep", full, nodes);
  };
  constexpr Weights mid = Weights::midpoint, taylor = Weights::exact;
  agrees("single.dpmsolver++.1", load("multistep", "single.dpmsolver++.1"), solver::Ddim{});
  agrees("++ 2", whole_steps("dpmsolver++.2.midpoint", 2), solver::DpmSingle<2, mid>{});
  agrees("++ 2 heun", whole_steps("dpmsolver++.2.heun", 2), solver::DpmSingle<2, taylor>{});
  agrees("++ 3 heun", whole_steps("dpmsolver++.3.heun", 3), solver::DpmSingle<3, taylor>{});
  constexpr Prediction noise = Prediction::noise;
  agrees("2", whole_steps("dpmsolver.2.midpoint", 2), solver::DpmSingle<2, mid>{noise});
  agrees("2 heun", whole_steps("dpmsolver.2.heun", 2), solver::DpmSingle<2, taylor>{noise});
  agrees("3 heun", whole_steps("dpmsolver.3.heun", 3), solver::DpmSingle<3, taylor>{noise});
  // Where the last weights are of two outputs, diffusers takes midpoint weights for the second
  // stage too; the paper and k-diffusion (DPM-Solver-fast) take the integral's. Both are of
  // order 3.
  const auto other = [](const golden::Case& c, const auto& ours) {
    CHECK(apart(golden::run(c, ours), c.states) > 1e-2);
  };
  other(whole_steps("dpmsolver++.3.midpoint", 3), solver::DpmSingle<3, mid>{});
  other(whole_steps("dpmsolver.3.midpoint", 3), solver::DpmSingle<3, mid>{noise});
}

TEST_CASE("schedulers: DPM-Solver-fast", "[reference][scheduler]") {
  for (const Index budget : {6, 7, 8}) {
    const std::string name = "dpm_fast." + std::to_string(budget);
    agrees("kdiffusion", name, solver::DpmFast{.budget = budget, .prediction = Prediction::noise});
  }
}

TEST_CASE("schedulers: DPM-Solver++ SDE in single steps", "[reference][scheduler]") {
  // Both libraries take the noise of a stage and of the step from one path over sigma; what they
  // drew is given here as it comes.
  using solver::StageNoise;
  const solver::DpmSde<Weights::midpoint, StageNoise::independent> as_drawn;
  agrees("sigma", "dpm_sde", as_drawn, 2);
  agrees("sigma", "dpm_sde.karras", as_drawn, 2);
  agrees("kdiffusion", "dpmpp_sde", as_drawn);
  // diffusers' single-step scheduler draws them independently.
  const solver::DpmSde<Weights::exact, StageNoise::independent> heun;
  agrees("single SDE 2", load("multistep", "single.sde-dpmsolver++.2.midpoint", {0, 2, 4}),
         as_drawn);
  agrees("single SDE 2 heun", load("multistep", "single.sde-dpmsolver++.2.heun", {0, 2, 4}), heun);
}

TEST_CASE("schedulers: DPM-Solver++ SDE with one path is the same with the noise of that path",
          "[reference][scheduler]") {
  // The recorded z_a is of the first half of a step, z_b of all of it; ours are of the two halves.
  // With s the ratios, the noise of a step is s'^2 (1/s'^2 - 1/s^2)^(1/2) z in VE coordinates, and
  // the first half's, carried on, (s'/s_m)^2 of its own.
  golden::Case c = load("kdiffusion", "dpmpp_sde");
  const Index n = c.states.dim(1);
  for (Index i = 0; 2 * i + 1 < c.noise.dim(0); ++i) {
    const double s = c.grid[static_cast<std::size_t>(i)].sigma,
                 t = c.grid[static_cast<std::size_t>(i + 1)].sigma, m = std::sqrt(s * t);
    const auto of = [](double a, double b) { return b * std::sqrt(1 - b * b / (a * a)); };
    for (Index j = 0; j < n; ++j) {
      double *a = c.noise.data() + 2 * i * n + j, *b = a + n;
      *b = (of(s, t) * *b - (t / m) * (t / m) * of(s, m) * *a) / of(m, t);
    }
  }
  agrees("dpmpp_sde", c, solver::DpmSde<Weights::midpoint>{});
}

TEST_CASE("schedulers: eta between 0 and 1 means other SDEs elsewhere", "[reference][scheduler]") {
  // k-diffusion's 2M and 3M scale the noise's rate by eta, as ours do.
  golden::Case c = load("kdiffusion", "dpmpp_2m_sde.eta");
  for (double& z : c.noise) z *= 0.9;  // its s_noise
  agrees("2M", c, sde<2, Weights::midpoint>(0.6, Prediction::data, Ending::full_order));
  // Its single step takes eta as the part of the ancestral deviate.
  differs("kdiffusion", "dpmpp_sde.eta",
          solver::DpmSde<Weights::midpoint, solver::StageNoise::independent>{.eta = 0.6}, 1e-2);
}

TEST_CASE("schedulers: DEIS", "[reference][scheduler]") {
  const auto deis = [](auto order) {
    return solver::Deis<decltype(order)::value>{.begin = Start::lower_order,
                                                .end = Ending::lower_order};
  };
  using std::integral_constant;
  agrees("multistep", "deis.1", deis(integral_constant<int, 1>{}));
  agrees("multistep", "deis.2", deis(integral_constant<int, 2>{}));
  agrees("multistep", "deis.3", deis(integral_constant<int, 3>{}));
  agrees("multistep", "deis.karras", deis(integral_constant<int, 2>{}));
  agrees("multistep", "deis.flow", deis(integral_constant<int, 2>{}));
}

namespace {
template <int Order, Weights weights, bool corrector = true>
auto uni(Prediction prediction = Prediction::data) {
  return solver::UniPc<Order, weights, corrector>{
      .prediction = prediction, .begin = Start::lower_order, .end = Ending::lower_order};
}

/// The kept runs show the state on which a call was made, before the corrector; ours show the
/// same, since the corrector waits for the next step.
template <int Order>
void unipc() {
  const std::string name = "unipc." + std::to_string(Order);
  constexpr Prediction noise = Prediction::noise;
  agrees("multistep", name + ".bh2.data", uni<Order, Weights::bh2>());
  agrees("multistep", name + ".bh1.noise", uni<Order, Weights::bh1>(noise));
  if constexpr (Order > 1) {
    agrees("multistep", name + ".bh2.noise", uni<Order, Weights::bh2>(noise));
    agrees("multistep", name + ".bh1.data", uni<Order, Weights::bh1>());
  }
}
}  // namespace

TEST_CASE("schedulers: UniPC", "[reference][scheduler]") {
  unipc<1>();
  unipc<2>();
  unipc<3>();
  agrees("multistep", "unipc.predictor", uni<3, Weights::bh2, false>());
  agrees("multistep", "unipc.karras", uni<2, Weights::bh2>());
  agrees("multistep", "unipc.flow", uni<2, Weights::bh2>());
  // On a grid that ends with clean data diffusers' bh1, B(h) = h, is NaN; ours goes there by DDIM.
  const golden::Case clean = load("multistep", "unipc.2.bh2.data");
  REQUIRE(clean.grid.back().sigma == 0);
  CHECK(apart(golden::run(clean, uni<2, Weights::bh1>()), clean.states) < 0.1);
}

namespace {
template <int Order>
void as_good_as_adaptive(const char* name) {
  INFO(name);
  const golden::Case c = load("kdiffusion", name);
  const Tensor<double> flow =
      golden::state(golden::run(c, solver::AdaptiveRk45{.rtol = 1e-10, .atol = 1e-10}), 1);
  solver::StepReport report;
  const Tensor<double> ours =
      golden::run(c, solver::AdaptiveDpm<Order>{.rtol = 0.02, .atol = 0.005, .report = &report});
  const double theirs = golden::distance(golden::state(c.states, 1), flow);
  CHECK(theirs < 0.01);
  CHECK(golden::distance(golden::state(ours, 1), flow) < 1.5 * theirs);
  const auto calls = static_cast<double>(
      golden::file("kdiffusion").tensor<double>(std::string(name) + "/calls").size());
  CHECK(static_cast<double>(report.evaluations.at(0)) < 1.1 * calls);
}
}  // namespace

TEST_CASE("schedulers: adaptive DPM-Solver comes as near in as many evaluations",
          "[reference][scheduler]") {
  // k-diffusion interpolates eps and measures errors in variance-exploding units.
  as_good_as_adaptive<2>("dpm_adaptive.2");
  as_good_as_adaptive<3>("dpm_adaptive.3");
}

TEST_CASE("schedulers: inversion is a solver on the grid turned round", "[reference][scheduler]") {
  // Asked at the level of the state, which for DDIM is one timestep before the one that its
  // pipeline asks the model at.
  agrees("DDIM", load("discrete", "ddim_inverse", {1, 2, 3, 4, 5}), solver::Euler{});
  agrees("multistep", "inverse.dpmsolver++.1", multi<1, Weights::midpoint>());
  agrees("multistep", "inverse.dpmsolver++.2", multi<2, Weights::midpoint>());
  agrees("multistep", "inverse.dpmsolver++.3", multi<3, Weights::as_published>());
}
