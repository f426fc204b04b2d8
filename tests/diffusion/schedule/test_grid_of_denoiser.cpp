#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid.hpp"
#include "support/catch.hpp"

#include <vector>

using namespace foglift;

namespace {

const auto net = [](const auto& x, const auto&) { return x; };

}  // namespace

TEST_CASE("grid: of a denoiser are those of the schedule it was trained on", "[diffusion][grid]") {
  const schedule::Cosine s({.offset = 0.02});
  const NetworkDenoiser denoise(net, predict::Velocity{}, s);
  const auto grids = [](const auto& of) {
    return std::vector<TimeGrid>{
        grid::uniform(of, 7),
        grid::quadratic(of, 7),
        grid::beta(of, 7),
        grid::at_times(of, {0.9, 0.4, 0.1}),
        grid::karras(of, 7),
        grid::polyexponential(of, 7),
        grid::log_snr(of, 7),
        grid::kl_optimal(of, 7),
        grid::beta_ratios(of, 7),
        grid::at_ratios(of, {3.0, 1.0, 0.0}),
        grid::align_your_steps(of, 7, grid::AysModel::stable_diffusion_1_5)};
  };
  CHECK(grids(denoise) == grids(s));
  CHECK(grids(denoise) != grids(schedule::Cosine{}));
}

TEST_CASE("grid: of a denoiser of a chain are those of its steps", "[diffusion][grid]") {
  const auto chain = DiscreteSchedule::scaled_linear(50);
  const NetworkDenoiser denoise(net, predict::Epsilon{}, chain);
  static_assert(grid::Chain<decltype(denoise)>);
  static_assert(!grid::Chain<decltype(NetworkDenoiser(net, predict::X0{}, schedule::Cosine{}))>);
  const auto grids = [](const auto& of) {
    return std::vector<TimeGrid>{grid::uniform(of, 7),       grid::at_steps(of, {40, 20, 3}),
                                 grid::trailing(of, 7),      grid::linspace(of, 7),
                                 grid::leading(of, 7),       grid::sectioned(of, {3, 2}),
                                 grid::fast_dpm_steps(of, 7)};
  };
  CHECK(grids(denoise) == grids(chain));
}
