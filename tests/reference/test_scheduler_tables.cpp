#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/zero_terminal.hpp"
#include "golden.hpp"

using namespace foglift;

// Schedules and grids against the tables of diffusers 0.42.1 and k-diffusion 0.1.1 in double.

namespace {
Tensor<double> table(const std::string& name) {
  return golden::file("tables").tensor<double>(name);
}

/// The largest relative error of alpha_bar(step) over the kept steps.
template <class F>
double alpha_bar_error(const std::string& name, const F& alpha_bar) {
  const Tensor<double> index = table("index/index"), kept = table(name + "/alpha_bar");
  double error = 0;
  for (Index k = 0; k < index.size(); ++k)
    error = std::max(error, std::abs(alpha_bar(static_cast<Index>(index[k])) / kept[k] - 1));
  return error;
}

/// The largest relative difference of the grid's sigma / alpha from the kept ones, whose last is 0.
double ratio_error(const TimeGrid& ours, const Tensor<double>& kept) {
  REQUIRE(static_cast<Index>(ours.size()) == kept.size());
  CHECK(ours.back().sigma == 0);
  double error = 0;
  for (Index k = 0; k + 1 < kept.size(); ++k)
    error = std::max(error, std::abs(ours[static_cast<std::size_t>(k)].ratio() / kept[k] - 1));
  return error;
}

/// Whether the grid is the levels of the kept timesteps, then clean data.
void at_timesteps(const std::string& name, const TimeGrid& ours, const DiscreteSchedule& chain) {
  INFO(name);
  const Tensor<double> steps = table("grid." + name + "/timesteps");
  REQUIRE(ours.size() == static_cast<std::size_t>(steps.size()) + 1);
  for (Index k = 0; k < steps.size(); ++k)
    CHECK(ours[static_cast<std::size_t>(k)] == chain.step(static_cast<Index>(steps[k])));
  CHECK(ours.back() == grid::clean);
}

double square(double x) { return x * x; }
}  // namespace

// Products of 1000 factors round by some 1000 eps / sqrt(12); the kept ones are running products.
TEST_CASE("scheduler tables: alpha_bar of the beta schedules", "[reference][scheduler]") {
  const auto same = [](const std::string& name, const DiscreteSchedule& schedule) {
    INFO(name);
    CHECK(alpha_bar_error(name, [&](Index i) { return schedule.alpha_bar(i); }) < 1e-12);
  };
  same("linear", DiscreteSchedule::linear(1000, {1e-4, 0.02}));
  same("linear", DiscreteSchedule::linear(1000));
  same("scaled_linear", DiscreteSchedule::scaled_linear(1000));
  same("squaredcos_cap_v2", DiscreteSchedule::cosine(1000));
  same("sigmoid", DiscreteSchedule::sigmoid(1000));
  same("alpha_bar_exp", DiscreteSchedule::exponential(1000));
}

TEST_CASE("scheduler tables: betas stretched to no terminal signal", "[reference][scheduler]") {
  const auto check = [](const char* name, const DiscreteSchedule& base) {
    INFO(name);
    const schedule::ZeroTerminalSnr stretched(base);
    const Tensor<double> index = table("index/index"),
                         kept = table(std::string("zero_snr.") + name + "/alpha_bar");
    for (Index k = 0; k < index.size(); ++k) {
      const double alpha = stretched.step(static_cast<Index>(index[k])).alpha;
      CHECK(std::abs(alpha - std::sqrt(kept[k])) < 1e-13);
    }
    CHECK(stretched.at(1).alpha == 0);
  };
  check("linear", DiscreteSchedule::linear(1000));
  check("scaled_linear", DiscreteSchedule::scaled_linear(1000));
}

TEST_CASE("scheduler tables: shifts of the signal-to-noise ratio", "[reference][scheduler]") {
  const auto base = DiscreteSchedule::scaled_linear(1000);
  for (const double k : {1.0, 3.0}) {
    const schedule::Shifted shifted(base, std::sqrt(k));
    const auto alpha_bar = [&](Index i) {
      return square(shifted.at(static_cast<double>(i + 1) / 1000).alpha);
    };
    CHECK(alpha_bar_error(k == 1 ? "snr_shift.1.0" : "snr_shift.3.0", alpha_bar) < 1e-11);
  }
  // Flow shift by 3 of DPM-Solver's flow grid: 1 - sigma in equal steps from 1 / 1000.
  const schedule::Shifted flow(schedule::Flow{}, 3);
  const Tensor<double> kept = table("grid.dpm.flow_3/sigma");
  for (Index k = 0; k < 10; ++k) {
    const double u = 1e-3 + 0.0999 * static_cast<double>(k);
    CHECK(std::abs(flow.at(1 - u).sigma - kept[k]) < 1e-13);
  }
}

TEST_CASE("scheduler tables: flow shifts by the resolution", "[reference][scheduler]") {
  const auto check = [](const char* name, double factor) {
    const golden::Case c = golden::load("flow", name);
    const schedule::Shifted shifted(schedule::Flow{}, factor);
    for (std::size_t k = 0; k < 5; ++k)
      CHECK(std::abs(shifted.at(1 - 0.2 * static_cast<double>(k)).sigma - c.grid[k].sigma) < 1e-13);
  };
  check("euler.dynamic_exponential", std::exp(0.9));
  check("euler.dynamic_linear", 0.9);
}

TEST_CASE("scheduler tables: a flow is shifted once", "[reference][scheduler]") {
  // diffusers shifts the range's ends, from 1 to 1 / 1000, and then the steps between them again.
  const golden::Case c = golden::load("flow", "euler.shift");
  const schedule::Shifted once(schedule::Flow{}, 3);
  const double last = once.at(1e-3).sigma;
  for (std::size_t k = 0; k < 5; ++k) {
    const double u = 1 + (last - 1) * static_cast<double>(k) / 4;
    CHECK(std::abs(once.at(u).sigma - c.grid[k].sigma) < 1e-13);
  }
  CHECK(c.grid[4].sigma > 2.9 * last);
  // The stretch to a last level comes after.
  const golden::Case stretched = golden::load("flow", "euler.terminal");
  const schedule::Shifted two(schedule::Flow{}, 2);
  std::vector<double> times;
  for (int k = 0; k < 5; ++k) times.push_back(1 + (two.at(1e-3).sigma - 1) * k / 4);
  TimeGrid ours = grid::at_times(two, times);
  ours.push_back(grid::clean);
  ours = grid::terminal_stretch(ours, 0.1);
  for (std::size_t k = 0; k < 5; ++k)
    CHECK(std::abs(ours[k].sigma - stretched.grid[k].sigma) < 1e-13);
}

TEST_CASE("scheduler tables: continuous cosine", "[reference][scheduler]") {
  // Wuerstchen's alpha_bar, kept between 1e-4 and 1 - 1e-4.
  const Tensor<double> t = table("wuerstchen.1.0/t"), kept = table("wuerstchen.1.0/alpha_bar");
  const schedule::Cosine cosine;
  for (Index k = 1; k + 1 < t.size(); ++k)
    CHECK(std::abs(square(cosine.at(t[k]).alpha) - kept[k]) < 1e-13);
}

TEST_CASE("scheduler tables: Laplace noise has alpha_bar = SNR over 1 + SNR",
          "[reference][scheduler]") {
  // diffusers returns the root of that for alpha_bar, relative to its value at t = 0. It adds 1e-6
  // under the logarithm: within 2e-4 of the curve for t from 0.01 to 0.99.
  const Tensor<double> index = table("index/index"), kept = table("laplace/alpha_bar");
  const schedule::Laplace ours(schedule::LaplaceCurve({.scale = 0.5, .cut = 1e-9}));
  const double first = 1 / (1 + 1e-3);
  double root = 0, plain = 0;
  for (Index k = 0; k < index.size(); ++k) {
    const double t = (index[k] + 1) / 1000;
    if (t < 0.01 || t > 0.99) continue;
    const double alpha_bar = square(ours.at(t).alpha);
    root = std::max(root, std::abs(kept[k] - std::sqrt(alpha_bar / first)));
    plain = std::max(plain, std::abs(kept[k] - alpha_bar));
  }
  CHECK(root < 2e-4);
  CHECK(plain > 0.2);
}

TEST_CASE("scheduler tables: timesteps on a chain", "[reference][scheduler]") {
  const auto chain = DiscreteSchedule::scaled_linear(1000);
  using grid::Points;
  for (const char* name : {"ddim.trailing", "euler.trailing", "dpm.trailing", "deis.trailing"})
    at_timesteps(name, grid::trailing(chain, 10), chain);
  for (const char* name : {"ddim.linspace", "euler.linspace"})
    at_timesteps(name, grid::linspace(chain, 10), chain);
  for (const char* name : {"dpm.linspace", "deis.linspace"})
    at_timesteps(name, grid::linspace(chain, 10, Points::n_plus_1), chain);
  for (const char* name : {"ddim.leading", "euler.leading"})
    at_timesteps(name, grid::leading(chain, 10), chain);
  for (const char* name : {"dpm.leading", "deis.leading"})
    at_timesteps(name, grid::leading(chain, 10, Points::n_plus_1), chain);
  // Their sigmas are those of the steps; DEIS ends with the chain's first instead of clean data.
  CHECK(ratio_error(grid::trailing(chain, 10), table("grid.euler.trailing/sigma")) < 1e-12);
  const Tensor<double> deis = table("grid.deis.trailing/sigma");
  CHECK(std::abs(deis[10] / chain.step(0).ratio() - 1) < 1e-12);
}

TEST_CASE("scheduler tables: grids in sigma", "[reference][scheduler]") {
  const schedule::Geometric edm({.min = 0.002, .max = 80});
  CHECK(ratio_error(grid::karras(edm, 10), table("grid.edm.karras/sigma")) < 1e-12);
  CHECK(ratio_error(grid::karras(edm, 10), table("k.karras/sigma")) < 1e-12);
  CHECK(ratio_error(grid::log_snr(edm, 10), table("grid.edm.exponential/sigma")) < 1e-12);
  const grid::RatioRange range{.min = 0.03, .max = 14.6};
  CHECK(ratio_error(grid::log_snr(edm, 10, range), table("k.exponential/sigma")) < 1e-12);
  CHECK(ratio_error(grid::polyexponential(edm, 10, range, 1.7), table("k.polyexponential/sigma")) <
        1e-12);
  // k-diffusion's VP grid has equal steps of time from 1 to 1e-3.
  TimeGrid vp =
      grid::uniform(schedule::Linear{}, 9, {.first = 1, .last = 1e-3, .end = grid::Last::keep});
  vp.push_back(grid::clean);
  CHECK(ratio_error(vp, table("k.vp/sigma")) < 1e-10);  // sigma = 0.01 there is a root of 1e-4
}

TEST_CASE("scheduler tables: grids in sigma between the ends of a chain",
          "[reference][scheduler]") {
  // Levels come back from the time of their log SNR.
  const auto chain = DiscreteSchedule::scaled_linear(1000);
  const grid::RatioRange all{.min = chain.step(0).ratio(), .max = chain.step(999).ratio()};
  for (const char* of : {"euler", "dpm"}) {
    const auto kept = [&](const char* name) {
      return table(std::string("grid.") + of + '.' + name + "/sigma");
    };
    CHECK(ratio_error(grid::karras(chain, 10, all), kept("karras")) < 1e-10);
    CHECK(ratio_error(grid::log_snr(chain, 10, all), kept("exponential")) < 1e-10);
    CHECK(ratio_error(grid::beta_ratios(chain, 10, all), kept("beta")) < 1e-10);
  }
  CHECK(ratio_error(grid::log_snr(chain, 10, all), table("grid.dpm.lu/sigma")) < 1e-10);
}
