// Covers: corruption/batch loss/batch sample schedule/schedule
// A user's noise schedule, in this file alone: grids, processes, losses and samplers take it.
#include "foglift/autograd/ops.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/process.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

/// alpha = 1 - t^2, sigma = t: noise comes early, data last long.
struct Parabola {
  static constexpr bool zero_terminal_snr = true;

  Level at(double t) const { return {t, (1 - t) * (1 + t), t}; }
  LevelRate derivative(double t) const { return {-2 * t, 1}; }
  /// The root of t^2 + t e^lambda - 1 = 0 in [0, 1], without cancellation.
  double time(double lambda) const {
    const double q = std::exp(lambda);
    return std::isinf(q) ? 0 : 2 / (q + std::sqrt(q * q + 4));
  }
};
static_assert(DifferentiableSchedule<Parabola> && ForwardProcess<process::Affine<Parabola>>);

}  // namespace

TEST_CASE("extend: a user's schedule is a grid, a process and a training set",
          "[extend][schedule]") {
  const Parabola schedule;
  for (const double t : {1e-6, 0.2, 0.7, 0.999})
    CHECK_THAT(schedule.time(schedule.at(t).lambda()), Catch::Matchers::WithinRel(t, 1e-12));

  // sampled: N(2, 0.25) through first-order steps, which are exact in the limit
  const auto data = analytic::gaussian({.mean = 2, .variance = 0.25});
  const auto off = [&](Index steps) {
    const auto x = Rng(1).normal<double>({64, 1});
    const auto got = sample_from(solver::Ddim{}, data, x, grid::uniform(schedule, steps), Rng(1));
    const auto exact = data.flow(x, schedule.at(1), grid::clean);
    double worst = 0;
    for (Index i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(got[i] - exact[i]));
    return worst;
  };
  CHECK_THAT(std::log2(off(100) / off(200)), Catch::Matchers::WithinAbs(1, 0.1));

  // as an SDE: alpha' = f alpha, and sigma grows by g^2 = 2 sigma (sigma' - f sigma)
  const process::Affine<Parabola> sde(schedule);
  CHECK_THAT(sde.drift(0.5), Catch::Matchers::WithinRel(-1.0 / 0.75, 1e-14));
  CHECK_THAT(sde.diffusion_squared(0.5), Catch::Matchers::WithinRel(1 + 0.5 / 0.75, 1e-14));

  // trained: the network that says x0 = 0 has the loss of the data, E[x0^2]
  const NetworkDenoiser zero([](const auto& x, const auto&) { return 0.0 * x; }, predict::X0{},
                             schedule);
  const Tensor<double> ones({8, 2}, 1.0);
  CHECK(zero.loss(ones, Rng(1), {.step = 0}).item() == 1);
}
