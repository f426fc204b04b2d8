// Covers: align_your_steps beta_quantile chain custom grid/times ratios terminal_stretch
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/zero_terminal.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <numbers>

using namespace foglift;
using grid::Last, grid::Points;

namespace {

/// The steps of a chain of 1000 that a grid visits.
std::vector<Index> visited(const TimeGrid& g) {
  std::vector<Index> out;
  for (const Level& l : g)
    if (l.sigma > 0) out.push_back(static_cast<Index>(std::lround(l.t * 1000)) - 1);
  return out;
}

using Steps = std::vector<Index>;
const auto chain = DiscreteSchedule::linear(1000);
const schedule::Edm edm;

}  // namespace

TEST_CASE("grids: steps of a chain as published", "[diffusion][grid]") {
  // Ten steps of a thousand; multistep families spread eleven points and leave out the last.
  CHECK(visited(grid::linspace(chain, 10)) ==
        Steps{999, 888, 777, 666, 555, 444, 333, 222, 111, 0});
  CHECK(visited(grid::linspace(chain, 10, Points::n_plus_1)) ==
        Steps{999, 899, 799, 699, 599, 500, 400, 300, 200, 100});
  CHECK(visited(grid::leading(chain, 10)) == Steps{900, 800, 700, 600, 500, 400, 300, 200, 100, 0});
  CHECK(visited(grid::leading(chain, 10, Points::n, 1)) ==
        Steps{901, 801, 701, 601, 501, 401, 301, 201, 101, 1});
  CHECK(visited(grid::leading(chain, 10, Points::n_plus_1)) ==
        Steps{900, 810, 720, 630, 540, 450, 360, 270, 180, 90});
  CHECK(visited(grid::trailing(chain, 10)) ==
        Steps{999, 899, 799, 699, 599, 499, 399, 299, 199, 99});
  // Sections of 334, 333 and 333 steps.
  CHECK(visited(grid::sectioned(chain, {2, 3, 1})) == Steps{667, 666, 500, 334, 333, 0});
  CHECK(visited(grid::at_steps(chain, {700, 31})) == Steps{700, 31});
  CHECK(grid::at_steps(chain, {700, 31}).back() == grid::clean);
  CHECK(grid::at_steps(chain, {700, 31}, Last::keep).size() == 2);
  // A chain that ends without signal is walked as any other.
  CHECK(grid::trailing(schedule::ZeroTerminalSnr(chain), 10).front().alpha == 0);
  CHECK_THROWS_AS(grid::leading(chain, 1000, Points::n, 1), ArgumentError);
  CHECK_THROWS_AS(grid::linspace(chain, 1001), ArgumentError);
  CHECK_THROWS_AS(grid::sectioned(chain, {400, 400, 400}), ArgumentError);
  CHECK_THROWS_AS(grid::sectioned(chain, {}), ArgumentError);
  CHECK_THROWS_AS(grid::at_steps(chain, {3, 3}), ArgumentError);
}

TEST_CASE("grids: signal left at the beginning", "[diffusion][grid]") {
  // sqrt(alpha_bar) of scaled-linear betas is 0.068 at step 999 and 0.119 at step 900.
  const auto scaled = DiscreteSchedule::scaled_linear(1000);
  const auto root = [](double bar) { return std::sqrt(bar / (1 - bar)); };
  CHECK_THAT(grid::signal_left(grid::trailing(scaled, 10)),
             WithinRel(root(scaled.alpha_bar(999)), 1e-12));
  CHECK_THAT(grid::signal_left(grid::leading(scaled, 10)), WithinAbs(0.119, 2e-3));
  CHECK(grid::signal_left(grid::uniform(schedule::Flow{}, 5)) == 0);
}

TEST_CASE("grids: formulas of the ratios", "[diffusion][grid]") {
  const auto u = [](std::size_t i) { return static_cast<double>(i) / 6; };
  const auto karras = grid::karras(edm, 10);
  const double published[] = {80,          42.41518932, 21.10867674,  9.723201355,   4.066123603,
                              1.501741979, 0.469979058, 0.1166385635, 0.02043533455, 0.002};
  for (std::size_t i = 0; i < 10; ++i) CHECK_THAT(karras[i].sigma, WithinRel(published[i], 1e-9));
  CHECK(karras[10] == grid::clean);
  const auto poly = grid::polyexponential(edm, 7, {}, 1.7), log_snr = grid::log_snr(edm, 7),
             kl = grid::kl_optimal(edm, 7), beta = grid::beta_ratios(edm, 7);
  const auto straight = grid::polyexponential(edm, 7);
  for (std::size_t i = 0; i < 7; ++i) {
    const double span = std::log(80 / 0.002);
    CHECK_THAT(poly[i].sigma, WithinRel(0.002 * std::exp(std::pow(1 - u(i), 1.7) * span), 1e-12));
    CHECK_THAT(log_snr[i].sigma, WithinRel(80 * std::pow(0.002 / 80, u(i)), 1e-12));
    CHECK_THAT(straight[i].sigma, WithinRel(log_snr[i].sigma, 1e-12));
    CHECK_THAT(kl[i].sigma,
               WithinRel(std::tan((1 - u(i)) * std::atan(80) + u(i) * std::atan(0.002)), 1e-11));
  }
  // Beta(0.6, 0.6) has its median in the middle.
  CHECK_THAT(beta[3].sigma, WithinRel(0.5 * (80 + 0.002), 1e-12));
  CHECK_THAT(beta[0].sigma, WithinRel(80, 1e-12));
  CHECK_THAT(beta[6].sigma, WithinRel(0.002, 1e-9));
  // Times in equal steps of t and of sqrt(t).
  const auto times = grid::uniform(schedule::Flow{}, 4),
             roots = grid::quadratic(schedule::Flow{}, 4,
                                     {.first = 1, .last = 0.04, .end = Last::keep});
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK_THAT(times[i].sigma, WithinAbs(1 - static_cast<double>(i) / 4, 1e-15));
    CHECK_THAT(std::sqrt(roots[i].sigma), WithinAbs(1 - 0.2 * static_cast<double>(i), 1e-15));
  }
}

TEST_CASE("grids: quantiles of beta distributions", "[diffusion][grid]") {
  // Closed forms: x^a, 1 - (1 - x)^b, the arcsine law, and a polynomial.
  for (const double x : {1e-9, 0.003, 0.2, 0.5, 0.77, 0.999}) {
    CHECK_THAT(grid::detail::beta_cdf(x, {2.5, 1}), WithinRel(std::pow(x, 2.5), 1e-13));
    CHECK_THAT(grid::detail::beta_cdf(x, {1, 0.7}),
               WithinRel(-std::expm1(0.7 * std::log1p(-x)), 1e-12));
    CHECK_THAT(grid::detail::beta_cdf(x, {0.5, 0.5}),
               WithinRel(2 / std::numbers::pi * std::asin(std::sqrt(x)), 1e-13));
    CHECK_THAT(grid::detail::beta_cdf(x, {2, 3}),
               WithinRel(x * x * (6 - 8 * x + 3 * x * x), 1e-12));
  }
  // Beta(0.6, 0.6) by Simpson's rule with x = v^5, whose integrand v^2 (1 - v^5)^-0.4 is smooth.
  const double x = 0.3, top = std::pow(x, 0.2);
  double sum = 0;
  const auto f = [](double v) { return 5 * v * v * std::pow(1 - std::pow(v, 5), -0.4); };
  for (int i = 0; i < 4000; ++i) {
    const double h = top / 4000, a = h * i;
    sum += h / 6 * (f(a) + 4 * f(a + h / 2) + f(a + h));
  }
  const double norm = std::exp(2 * std::lgamma(0.6) - std::lgamma(1.2));
  CHECK_THAT(grid::detail::beta_cdf(x, {0.6, 0.6}), WithinRel(sum / norm, 1e-11));
  for (const double p : {0.0, 1e-6, 0.1, 0.5, 0.93, 1.0})
    CHECK_THAT(grid::detail::beta_cdf(grid::beta_quantile(p, {0.6, 0.9}), {0.6, 0.9}),
               WithinAbs(p, 1e-12));
  CHECK_THROWS_AS(grid::beta_quantile(1.1), ArgumentError);
  CHECK_THROWS_AS(grid::beta_quantile(0.5, {0, 1}), ArgumentError);
}

TEST_CASE("grids: times at quantiles of a beta distribution", "[diffusion][grid]") {
  // Beta(1/2, 1/2) is the arcsine law: P(t) = 2 / pi asin(sqrt t), so t = sin^2(pi P / 2).
  const auto arcsine = grid::beta(schedule::Flow{}, 8, {}, {0.5, 0.5});
  const auto part =
      grid::beta(schedule::Flow{}, 8, {.first = 0.9, .last = 0.1, .end = Last::keep}, {0.5, 0.5});
  for (std::size_t i = 0; i <= 8; ++i) {
    const double sine = std::sin(std::numbers::pi / 2 * (1 - static_cast<double>(i) / 8));
    CHECK_THAT(arcsine[i].sigma, WithinAbs(sine * sine, 1e-14));
    CHECK_THAT(part[i].sigma, WithinAbs(0.1 + 0.8 * sine * sine, 1e-14));
  }
  // The published shape, symmetric: of five times the middle one is 1/2, the others 1 apart in sum.
  const auto five = grid::beta(schedule::Flow{}, 4);
  CHECK_THAT(five[2].t, WithinAbs(0.5, 1e-14));
  CHECK_THAT(five[1].t + five[3].t, WithinAbs(1, 1e-14));
  CHECK_THAT(grid::detail::beta_cdf(five[1].t, {0.6, 0.6}), WithinAbs(0.75, 1e-13));
  CHECK_THROWS_AS(grid::beta(schedule::Flow{}, 4, {}, {0, 1}), ArgumentError);
  CHECK_THROWS_AS(grid::beta(schedule::Flow{}, 4, {.first = 0.5, .last = 0.5}), ArgumentError);
  CHECK_THROWS_AS(grid::beta(schedule::Flow{}, 0), ArgumentError);
}

TEST_CASE("grids: published tables of ratios", "[diffusion][grid]") {
  const auto ten = grid::align_your_steps(schedule::Edm({.min = 0.001, .max = 1000}), 10,
                                          grid::AysModel::stable_diffusion_1_5, Last::keep);
  const auto& table = grid::ays_table(grid::AysModel::stable_diffusion_1_5);
  CHECK(ten.size() == 11);
  for (std::size_t i = 0; i < 11; ++i) CHECK_THAT(ten[i].sigma, WithinRel(table[i], 1e-12));
  // Four noisy levels of it, public to 9 digits: every 10/4-th entry in logarithms.
  const auto four = grid::align_your_steps(edm, 5, grid::AysModel::stable_diffusion_1_5);
  const double expected[] = {14.615, 3.22693616, 1.396, 0.51004706, 0.029, 0};
  for (std::size_t i = 0; i < 6; ++i) CHECK_THAT(four[i].sigma, WithinAbs(expected[i], 1e-7));
  // Clean data in place of the table's last level, or after a resampled one: how far apart.
  for (const auto& [model, apart] : {std::pair{grid::AysModel::stable_diffusion_1_5, 0.809},
                                     {grid::AysModel::stable_diffusion_xl, 0.743},
                                     {grid::AysModel::stable_video_diffusion, 0.941}}) {
    const schedule::Edm wide({.min = 0.001, .max = 1000});
    TimeGrid kept = grid::align_your_steps(wide, 10, model, Last::keep);
    const TimeGrid own = grid::align_your_steps(wide, 10, model);
    kept.back() = grid::clean;
    grid::check(kept);
    double worst = 0;
    for (std::size_t i = 0; i < 10; ++i) worst = std::max(worst, 1 - own[i].sigma / kept[i].sigma);
    CHECK_THAT(worst, WithinAbs(apart, 5e-4));
  }
  // Each table falls by some factor at every step, and ends where its model's training does.
  for (const auto model :
       {grid::AysModel::stable_diffusion_xl, grid::AysModel::stable_video_diffusion})
    CHECK(grid::align_your_steps(schedule::Edm({.min = 0.001, .max = 1000}), 10, model).size() ==
          11);
  // The same tables are public as steps of the chain of those two models: the ratios lie within a
  // step of theirs.
  const auto scaled = DiscreteSchedule::scaled_linear(1000);
  const auto ratio = [&](Index step) {
    return scaled.step(std::clamp<Index>(step, 0, 999)).ratio();
  };
  const auto near = [&](grid::AysModel model, const std::array<Index, 11>& steps) {
    for (std::size_t i = 0; i < 11; ++i) {
      const double gap = 0.5 * (ratio(steps[i] + 1) - ratio(steps[i] - 1));
      CHECK_THAT(grid::ays_table(model)[i], WithinAbs(ratio(steps[i]), gap));
    }
  };
  near(grid::AysModel::stable_diffusion_1_5, {999, 850, 736, 645, 545, 455, 343, 233, 124, 24, 0});
  near(grid::AysModel::stable_diffusion_xl, {999, 845, 730, 587, 443, 310, 193, 116, 53, 13, 0});
  const double rising[] = {1, 2};
  CHECK_THROWS_AS(grid::resampled(edm, 3, rising), ArgumentError);
}

TEST_CASE("grids: given times and ratios", "[diffusion][grid]") {
  const auto g = grid::at_ratios(schedule::Linear{}, {3.0, 0.2, 0.0});
  CHECK_THAT(g[0].ratio(), WithinRel(3, 1e-12));
  CHECK(g[2] == grid::clean);
  CHECK(grid::at_times(schedule::Flow{}, {0.9, 0.5, 0.1})[1] == Level{0.5, 0.5, 0.5});
  CHECK_THROWS_WITH(grid::at_ratios(edm, {100.0, 1.0}),
                    ContainsSubstring("no level of sigma / alpha = 100"));
  CHECK_THROWS_AS(grid::at_ratios(edm, {1.0, 2.0}), ArgumentError);
  CHECK_THROWS_AS(grid::at_ratios(edm, {1.0, -1.0}), ArgumentError);
  CHECK_THROWS_AS(grid::at_times(schedule::Flow{}, {0.5}), ArgumentError);
}

TEST_CASE("grids: a flow stretched to its terminal", "[diffusion][grid]") {
  const auto base = grid::uniform(schedule::Shifted(schedule::Flow{}, 2), 5);
  const auto g = grid::terminal_stretch(base, 0.1);
  CHECK(g.front() == base.front());
  CHECK_THAT(g[4].sigma, WithinAbs(0.1, 1e-15));
  for (std::size_t i = 0; i < 5; ++i)
    CHECK_THAT(1 - g[i].sigma, WithinAbs((1 - base[i].sigma) * 0.9 / (1 - base[4].sigma), 1e-14));
  CHECK(g.back() == grid::clean);
  const auto twice = grid::terminal_stretch(g, 0.1);
  for (std::size_t i = 0; i < 6; ++i) CHECK_THAT(twice[i].sigma, WithinAbs(g[i].sigma, 1e-14));
  CHECK(grid::terminal_stretch(grid::uniform(schedule::Flow{}, 1), 0.1).front() == Level{1, 0, 1});
  CHECK_THROWS_AS(grid::terminal_stretch(base, 1), ArgumentError);
  CHECK_THROWS_AS(grid::terminal_stretch(grid::karras(edm, 3), 0.1), ArgumentError);
}

TEST_CASE("grids: one and two steps of every kind", "[diffusion][grid]") {
  const schedule::Linear vp;
  const auto check = [](const auto& make, double first, double last) {
    // One step goes from the noisiest level to clean data; two pass the least noise on the way.
    const TimeGrid one = make(1), two = make(2);
    CHECK(one.size() == 2);
    CHECK(two.size() == 3);
    for (const TimeGrid& g : {one, two}) {
      grid::check(g);
      CHECK(g.back() == grid::clean);
      CHECK_THAT(g.front().ratio(), WithinRel(first, 1e-9));
    }
    CHECK_THAT(two[1].ratio(), WithinRel(last, 1e-9));
  };
  check([&](Index n) { return grid::karras(edm, n); }, 80, 0.002);
  check([&](Index n) { return grid::log_snr(edm, n); }, 80, 0.002);
  check([&](Index n) { return grid::polyexponential(edm, n, {}, 2); }, 80, 0.002);
  check([&](Index n) { return grid::kl_optimal(edm, n); }, 80, 0.002);
  check([&](Index n) { return grid::beta_ratios(edm, n); }, 80, 0.002);
  check([&](Index n) { return grid::beta(vp, n); }, vp.at(1).ratio(), vp.at(0.5).ratio());
  check(
      [&](Index n) { return grid::align_your_steps(edm, n, grid::AysModel::stable_diffusion_xl); },
      14.615, 0.029);
  check([&](Index n) { return grid::uniform(vp, n); }, vp.at(1).ratio(), vp.at(0.5).ratio());
  check([&](Index n) { return grid::quadratic(vp, n); }, vp.at(1).ratio(), vp.at(0.25).ratio());
  check([&](Index n) { return grid::linspace(chain, n); }, chain.step(999).ratio(),
        chain.step(0).ratio());
  check([&](Index n) { return grid::trailing(chain, n); }, chain.step(999).ratio(),
        chain.step(499).ratio());
  CHECK(visited(grid::linspace(chain, 1, Points::n_plus_1)) == Steps{999});
  CHECK(visited(grid::linspace(chain, 2, Points::n_plus_1)) == Steps{999, 500});
  CHECK(visited(grid::leading(chain, 1)) == Steps{0});
  CHECK(visited(grid::leading(chain, 2)) == Steps{500, 0});
  CHECK(visited(grid::leading(chain, 1, Points::n_plus_1)) == Steps{500});
  CHECK(visited(grid::sectioned(chain, {1})) == Steps{0});
  CHECK(visited(grid::sectioned(chain, {2})) == Steps{999, 0});
  // Steps of 999 / 4: 249.75 and 749.25 go to the nearest, 499.5 to the even one.
  CHECK(visited(grid::sectioned(chain, {5})) == Steps{999, 749, 500, 250, 0});
  for (const Index n : {0, -3}) {
    CHECK_THROWS_AS(grid::kl_optimal(edm, n), ArgumentError);
    CHECK_THROWS_AS(grid::linspace(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::leading(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::quadratic(vp, n), ArgumentError);
  }
}
