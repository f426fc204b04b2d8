// Covers: chain grid/grid ratios
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/schedule/exploding.hpp"
#include "support/catch.hpp"

using namespace foglift;
using grid::Last;

namespace {

/// Every grid of one schedule, by name of its rule.
template <class S>
std::vector<TimeGrid> all(const S& s, Index n, Last end) {
  return {grid::uniform(s, n, {.first = 1, .last = end == Last::zero ? 0 : 1e-3, .end = end}),
          grid::karras(s, n, {.end = end}), grid::log_snr(s, n, {.end = end})};
}

}  // namespace

TEST_CASE("grid: n steps are n + 1 valid levels for every n and schedule", "[diffusion][grid]") {
  const auto check = [](const auto& s) {
    for (const Index n : {1, 2, 3, 10, 100})
      for (const Last end : {Last::zero, Last::keep})
        for (const TimeGrid& g : all(s, n, end)) {
          REQUIRE(static_cast<Index>(g.size()) == n + 1);
          grid::check(g);
          CHECK((g.back() == grid::clean) == (end == Last::zero));
        }
  };
  check(schedule::Linear{});
  check(schedule::ScaledLinear{});
  check(schedule::Cosine{});
  check(DiscreteSchedule::cosine(1000));
}

TEST_CASE("grid: uniform takes equal steps of time", "[diffusion][grid]") {
  const schedule::Linear s;
  const TimeGrid g = grid::uniform(s, 4);
  for (Index i = 0; i < 4; ++i)
    CHECK(g[static_cast<std::size_t>(i)] == s.at(1 - 0.25 * static_cast<double>(i)));
  CHECK(g[4] == grid::clean);
  const TimeGrid kept = grid::uniform(s, 2, {.first = 0.8, .last = 0.2, .end = Last::keep});
  CHECK(kept[0] == s.at(0.8));
  CHECK(kept[2] == s.at(0.2));
}

TEST_CASE("grid: trailing visits the steps of the published table", "[diffusion][grid]") {
  const auto s = DiscreteSchedule::linear(1000);
  const TimeGrid g = grid::trailing(s, 10);
  for (Index i = 0; i < 10; ++i) CHECK(g[static_cast<std::size_t>(i)] == s.step(999 - 100 * i));
  CHECK(g[10] == grid::clean);
  // n that does not divide T, against round(T - i T / n) - 1 in floating point
  for (const Index n : {3, 7, 300, 999, 1000}) {
    const TimeGrid each = grid::trailing(s, n);
    for (Index i = 0; i < n; ++i) {
      const double exact = 1000.0 - static_cast<double>(i) * 1000.0 / static_cast<double>(n);
      CHECK(std::abs(each[static_cast<std::size_t>(i)].t * 1000 - exact) <= 0.5 + 1e-9);
    }
  }
  CHECK(grid::trailing(s, 1).front() == s.step(999));
  CHECK(grid::trailing(s, 999, Last::keep).back() == s.step(0));
  CHECK_THROWS_AS(grid::trailing(s, 1001), ArgumentError);
  CHECK_THROWS_AS(grid::trailing(s, 1000, Last::keep), ArgumentError);
}

TEST_CASE("grid: karras has the published ratios", "[diffusion][grid]") {
  // n = 10, 0.002 to 80, rho = 7. The schedule reaches 80, so nothing is cut. time() and at() keep
  // lambda to about 1e-13; the published numbers have 10 digits.
  const double published[] = {80,          42.41518932, 21.10867674,  9.723201355,   4.066123603,
                              1.501741979, 0.469979058, 0.1166385635, 0.02043533455, 0.002};
  const TimeGrid g = grid::karras(schedule::Linear{}, 10);
  for (std::size_t i = 0; i < 10; ++i) CHECK_THAT(g[i].ratio(), WithinRel(published[i], 1e-9));
  const TimeGrid one = grid::karras(schedule::Linear{}, 1);
  CHECK_THAT(one[0].ratio(), WithinRel(80.0, 1e-12));
  CHECK(one[1] == grid::clean);
}

TEST_CASE("grid: log_snr takes equal steps of lambda", "[diffusion][grid]") {
  const TimeGrid g =
      grid::log_snr(schedule::Cosine{}, 8, {.min = 0.05, .max = 20, .end = Last::keep});
  for (std::size_t i = 0; i < 9; ++i)
    CHECK_THAT(g[i].lambda(),
               WithinAbs(-std::log(20.0) + 2 * std::log(20.0) * static_cast<double>(i) / 8, 1e-12));
}

TEST_CASE("grid: ranges are cut to what the schedule has", "[diffusion][grid]") {
  const schedule::ScaledLinear s;  // ratio at most 14.6
  CHECK_THAT(grid::karras(s, 5).front().t, WithinAbs(1, 1e-13));
  CHECK_THAT(grid::log_snr(s, 5).front().ratio(), WithinRel(s.at(1).ratio(), 1e-12));
}

TEST_CASE("grid: the least noise is the schedule's, where a range goes below",
          "[diffusion][grid]") {
  // VE from 0.01 to 50, asked for 80 to 0.002: every grid of ratios is the one that is asked for
  // from 50 to 0.01, and by its formula.
  const schedule::Geometric s;
  const double max = 50, min = 0.01;
  const auto same = [&](const auto& make, const auto& ratio) {
    const TimeGrid wide = make(grid::RatioRange{.end = Last::keep}),
                   own = make(grid::RatioRange{.min = min, .max = max, .end = Last::keep}),
                   cleaned = make(grid::RatioRange{});
    REQUIRE(wide.size() == 7);
    CHECK(wide == own);
    for (std::size_t i = 0; i < 7; ++i)
      CHECK_THAT(wide[i].sigma, WithinRel(ratio(static_cast<double>(i) / 6), 1e-10));
    CHECK(cleaned[6] == grid::clean);
    CHECK_THAT(cleaned[5].sigma, WithinRel(min, 1e-10));
  };
  const auto power = [&](double u) {
    return std::pow(std::pow(max, 1 / 7.0) + u * (std::pow(min, 1 / 7.0) - std::pow(max, 1 / 7.0)),
                    7);
  };
  same([&](auto r) { return grid::karras(s, 6, r); }, power);
  same([&](auto r) { return grid::log_snr(s, 6, r); },
       [&](double u) { return max * std::pow(min / max, u); });
  same([&](auto r) { return grid::polyexponential(s, 6, r, 2); },
       [&](double u) { return min * std::pow(max / min, (1 - u) * (1 - u)); });
  same([&](auto r) { return grid::kl_optimal(s, 6, r); },
       [&](double u) { return std::tan(std::atan(max) + u * (std::atan(min) - std::atan(max))); });
  same([&](auto r) { return grid::beta_ratios(s, 6, r); },
       [&](double u) { return min + (max - min) * grid::beta_quantile(1 - u); });
  // A range that does not meet the schedule's.
  CHECK_THROWS_AS(grid::karras(s, 6, {.min = 0.002, .max = 0.009}), ArgumentError);
  CHECK_THROWS_AS(grid::karras(s, 6, {.min = 60, .max = 90}), ArgumentError);
}

TEST_CASE("grid: more steps than memory has are refused at once", "[diffusion][grid]") {
  const schedule::Linear s;
  const auto chain = DiscreteSchedule::linear(1000);
  for (const Index n : {schedule::most_steps + 1, Index{1} << 40, Index{1} << 62}) {
    CHECK_THROWS_AS(grid::uniform(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::quadratic(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::beta(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::beta_ratios(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::karras(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::log_snr(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::polyexponential(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::kl_optimal(s, n), ArgumentError);
    CHECK_THROWS_AS(grid::align_your_steps(s, n, grid::AysModel::stable_diffusion_xl),
                    ArgumentError);
    CHECK_THROWS_AS(grid::trailing(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::linspace(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::leading(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::sectioned(chain, {n}), ArgumentError);
    CHECK_THROWS_AS(grid::fast_dpm_steps(chain, n), ArgumentError);
    CHECK_THROWS_AS(grid::fast_dpm_variances(chain, n), ArgumentError);
    CHECK_THROWS_AS(DiscreteSchedule::linear(n), ArgumentError);
    CHECK_THROWS_AS(DiscreteSchedule::cosine(n), ArgumentError);
    CHECK_THROWS_AS(DiscreteSchedule::laplace(n), ArgumentError);
  }
  CHECK_THROWS_WITH(grid::karras(s, Index{1} << 40),
                    "grid::karras: 1099511627776 steps, at most 1000000 are possible");
  CHECK(grid::uniform(s, schedule::most_steps).size() == schedule::most_steps + 1);
}

TEST_CASE("grid: refuses what is no grid", "[diffusion][grid]") {
  const schedule::Linear s;
  CHECK_THROWS_AS(grid::uniform(s, 0), ArgumentError);
  CHECK_THROWS_AS(grid::uniform(s, 5, {.first = 0.2, .last = 0.8}), ArgumentError);
  CHECK_THROWS_AS(grid::karras(s, 5, {.min = 0, .max = 1}), ArgumentError);
  CHECK_THROWS_AS(grid::karras(s, 5, {.min = 1, .max = 1}), ArgumentError);
  CHECK_THROWS_AS(grid::karras(s, 5, {}, 0.5), ArgumentError);
  CHECK_THROWS_AS(grid::log_snr(s, -1), ArgumentError);
  CHECK_THROWS_AS(grid::check({}), ArgumentError);
  CHECK_THROWS_AS(grid::check({s.at(1)}), ArgumentError);
  CHECK_THROWS_AS(grid::check({s.at(0.5), s.at(0.5)}), ArgumentError);
  CHECK_THROWS_AS(grid::check({s.at(0.5), s.at(0.7)}), ArgumentError);
  CHECK_THROWS_AS(grid::check({s.at(0), grid::clean}), ArgumentError);
  CHECK_THROWS_AS(grid::check({s.at(1), Level{0.5, std::nan(""), 1}}), ArgumentError);
  CHECK_THROWS_AS(grid::check({Level{1, 0, 0}, grid::clean}), ArgumentError);
  CHECK_NOTHROW(grid::check({Level{1, 0, 1}, grid::clean}));
}

TEST_CASE("trailing grid: a half is rounded as documented", "[diffusion][grid]") {
  // round(1000 - 1000 / 16) - 1 = round(937.5) - 1 = 937
  const auto chain = DiscreteSchedule::linear(1000);
  CHECK(grid::trailing(chain, 16)[1] == chain.step(937));
}
