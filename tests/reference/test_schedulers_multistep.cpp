#include "exact_steps.hpp"
#include "foglift/diffusion/solver/lms.hpp"
#include "foglift/diffusion/solver/sa_solver.hpp"

using namespace foglift;
using solver::Ending;
using solver::Start;

// Linear multistep rules in sigma, and SA-Solver, against runs of diffusers 0.42.1 and k-diffusion
// 0.1.1.

namespace {
using golden::agrees;
using golden::apart;
using golden::load;

template <int Order>
solver::Lms<Order> lms() {
  return {.begin = Start::lower_order, .end = Ending::full_order};
}
}  // namespace

TEST_CASE("schedulers: LMS", "[reference][scheduler]") {
  agrees("sigma", "lms.order_1", lms<1>());
  agrees("sigma", "lms.order_2", lms<2>());
  agrees("sigma", "lms.order_3", lms<3>());
  agrees("sigma", "lms.order_4", lms<4>());
  agrees("sigma", "lms.karras", lms<4>());
  agrees("kdiffusion", "lms.1", lms<1>());
  agrees("kdiffusion", "lms.2", lms<2>());
  agrees("kdiffusion", "lms.3", lms<3>());
  agrees("kdiffusion", "lms.4", lms<4>());
}

namespace {
/// Adams & Bashforth's weights of equal steps on the eps of the outputs so far, in DDIM's step.
/// `skip` outputs at the start are not kept.
Tensor<double> fixed_weights(const golden::Case& c, Index skip) {
  constexpr std::array<std::array<double, 4>, 4> weights = {
      {{1, 0, 0, 0},
       {3. / 2, -1. / 2, 0, 0},
       {23. / 12, -16. / 12, 5. / 12, 0},
       {55. / 24, -59. / 24, 37. / 24, -9. / 24}}};
  const Index n = c.states.dim(1);
  Tensor<double> out(c.states.shape());
  std::copy_n(c.states.data(), n, out.data());
  std::vector<std::vector<double>> past;
  for (Index i = 0; i + 1 < c.states.dim(0); ++i) {
    const Level &from = c.grid[static_cast<std::size_t>(i)],
                &to = c.grid[static_cast<std::size_t>(i + 1)];
    std::vector<double> eps;
    for (Index j = 0; j < n; ++j) {
      const double x = out[i * n + j], x0 = golden::Mixture::at(x, from.alpha, from.sigma);
      eps.push_back((x - from.alpha * x0) / from.sigma);
    }
    if (i >= skip) past.insert(past.begin(), eps);
    const std::size_t count = std::clamp<std::size_t>(past.size(), 1, 4);
    for (Index j = 0; j < n; ++j) {
      const auto e = static_cast<std::size_t>(j);
      double mean = past.empty() ? eps[e] : 0;
      for (std::size_t k = 0; k < std::min(past.size(), count); ++k)
        mean += weights[count - 1][k] * past[k][e];
      const double x = out[i * n + j];
      const double x0 = from.alpha > 0 ? (x - from.sigma * mean) / from.alpha
                                       : golden::Mixture::at(x, from.alpha, from.sigma);
      out[(i + 1) * n + j] = to.alpha * x0 + to.sigma * mean;
    }
  }
  return out;
}
}  // namespace

TEST_CASE("schedulers: iPNDM keeps no output of pure noise", "[reference][scheduler]") {
  // diffusers' first level has alpha = 0 and its eps = x enters the averages of the next three
  // steps (with x0 = 0 there: it divides by max(alpha, 1e-8)); ours begins to average after it.
  const golden::Case c = load("sigma", "ipndm");
  REQUIRE(c.grid.front().alpha == 0);
  const Tensor<double> ours = golden::run(c, solver::Ipndm{});
  CHECK(apart(ours, c.states) > 1e-2);
  CHECK(apart(ours, fixed_weights(c, 1)) < 1e-10);
  // From a level with signal the two are one rule.
  const golden::Case ve = load("sigma", "lms.order_4");
  CHECK(apart(golden::run(ve, solver::Ipndm{}), fixed_weights(ve, 0)) < 1e-10);
}

TEST_CASE("schedulers: PNDM starts otherwise and goes on with the same weights",
          "[reference][scheduler]") {
  // diffusers begins with a Runge-Kutta rule whose middle is halfway in time, or with Euler's rule
  // done twice; ours is halfway in sigma / alpha.
  for (const char* name : {"pndm.prk", "pndm.plms"}) {
    INFO(name);
    const golden::Case c =
        load("discrete", name,
             std::string(name) == "pndm.prk" ? std::vector<Index>{0, 4, 8, 12, 13, 14}
                                             : std::vector<Index>{0, 2, 3, 4, 5, 6});
    CHECK(apart(golden::run(c, solver::Pndm{}), c.states) > 1e-3);
  }
}

namespace {
template <int P, int C>
auto sa(double tau) {
  return solver::SaSolver<P, C>{.tau = {.inside = tau, .outside = tau},
                                .begin = Start::lower_order,
                                .end = Ending::lower_order};
}
}  // namespace

TEST_CASE("schedulers: SA-Solver has the exact weights of two outputs", "[reference][scheduler]") {
  // diffusers moves two of two weights by a term of second order in the step. Every run with P or C
  // of 2 or more passes a step of two outputs, in its start or at its end; ours has the integrals.
  const auto ours_are_exact = [](const char* name, const auto& solver, std::size_t predictor,
                                 std::size_t corrector, double tau, double least) {
    INFO(name);
    const golden::Case c = load("multistep", name);
    const Tensor<double> ours = golden::run(c, solver);
    CHECK(apart(ours, c.states) > least);
    const golden::ExactSteps integrals{
        .outputs = predictor, .eta = tau * tau, .corrector = corrector};
    CHECK(apart(ours, integrals.run(c)) < 1e-10);
  };
  ours_are_exact("sa.p2c2.tau_1", sa<2, 2>(1), 2, 2, 1, 0.1);
  ours_are_exact("sa.p2c2.tau_0", sa<2, 2>(0), 2, 2, 0, 0.01);
  ours_are_exact("sa.p2c3.tau_1", sa<2, 3>(1), 2, 3, 1, 0.05);
  ours_are_exact("sa.p2c3.tau_0", sa<2, 3>(0), 2, 3, 0, 0.01);
  ours_are_exact("sa.p3c3.tau_1", sa<3, 3>(1), 3, 3, 1, 0.05);
  ours_are_exact("sa.p3c4.tau_1", sa<3, 4>(1), 3, 4, 1, 0.05);
  ours_are_exact("sa.p3c4.tau_0.7", sa<3, 4>(0.7), 3, 4, 0.7, 0.01);
  ours_are_exact("sa.p3c4.tau_0", sa<3, 4>(0), 3, 4, 0, 0.01);
}

TEST_CASE("schedulers: SA-Solver of one output is the first order of the SDE",
          "[reference][scheduler]") {
  // With P = C = 1 diffusers' corrector takes the output at the end of a step alone; ours has no
  // such corrector, and as a predictor is SDE-DPM-Solver++ of order 1.
  const golden::Case sde = load("multistep", "sde-dpmsolver++.1");
  agrees("P1", sde, sa<1, 0>(1));
}
