// Covers: outliers bounds recent_walk stopped
#include "foglift/forecast/baselines/recent_walk.hpp"
#include "foglift/forecast/bounds.hpp"
#include "foglift/forecast/ensemble/stopped.hpp"
#include "foglift/forecast/series/outliers.hpp"
#include "support/catch.hpp"

#include <set>

using namespace foglift;
using namespace foglift::forecast;

namespace {
std::vector<double> noise(Index n, double mean = 1000, double deviation = 50) {
  const auto z = Rng(3).normal<double>({n});
  std::vector<double> out;
  for (const double v : z) out.push_back(mean + deviation * v);
  return out;
}
}  // namespace

TEST_CASE("outliers: a slipped decimal point is found, in any unit", "[forecast][outliers]") {
  std::vector<double> x = noise(120);
  CHECK(find_outliers(x).empty());
  x[61] *= 1e6;
  x[62] = NAN;
  const auto found = find_outliers(x);
  REQUIRE(found.size() == 1);
  CHECK(found[0].cell == 61);
  CHECK(found[0].value == x[61]);
  CHECK_THAT(found[0].typical, WithinAbs(1000, 50));  // of 21 values, twice its standard error
  std::vector<double> other;
  for (const double v : x) other.push_back(-0.25 * v + 1024);
  const auto again = find_outliers(other);
  REQUIRE(again.size() == 1);
  CHECK(again[0].cell == 61);
}

TEST_CASE("outliers: what data are made of is kept", "[forecast][outliers]") {
  std::vector<double> level = noise(120);
  for (std::size_t t = 60; t < 63; ++t) level[t] = 1e6;  // three in a row are another level
  CHECK(find_outliers(level).empty());
  level[62] = 1000;
  CHECK(find_outliers(level).size() == 2);
  std::vector<double> rare(200, 0.0);  // sold now and then
  rare[30] = 1, rare[90] = 400, rare[150] = 2;
  CHECK(find_outliers(rare).empty());
  std::vector<double> few(19, 1.0);
  few[3] = 1e9;
  CHECK(find_outliers(few).empty());
}

TEST_CASE("bounds: whole, not negative, at most", "[forecast][bounds]") {
  CHECK(Bounds{.integer = true}(2.5) == 3);
  CHECK(Bounds{.non_negative = true}(-0.1) == 0);
  CHECK(Bounds{.cap = 100}(100.5) == 100);
  CHECK(Bounds{}(-7.25) == -7.25);
  const std::vector<double> counts = {3, 0, NAN, 5, 1, 2, 0, 4, 4, 1, 9};
  CHECK(propose_bounds(counts) == Bounds{.non_negative = true, .integer = true});
  std::vector<double> shares = {99.5, 100, 98, 97.5, 100, 99, 98, 96, 95, 97};
  CHECK(propose_bounds(shares) == Bounds{.non_negative = true, .cap = 100});
  shares[0] = -1;
  CHECK(propose_bounds(shares) == Bounds{});
  CHECK(propose_bounds(std::vector<double>(9, 1.0)) == Bounds{});
}

TEST_CASE("recent walk: only what happened of late widens it", "[forecast][baselines]") {
  std::vector<double> x = noise(200, 0, 100);
  for (std::size_t t = 160; t < 200; ++t) x[t] = t % 2 == 0 ? 1 : 2;
  // 31 values show changes of 1 and -1 alone, so step h stands h or less from the last value, 2.
  const Tensor<double> paths = recent_walk_bootstrap(x, {.horizon = 5, .paths = 50}, Rng(1));
  for (Index p = 0; p < 50; ++p)
    for (Index h = 0; h < 5; ++h) CHECK(std::abs(paths(p, h) - 2) <= static_cast<double>(h + 1));
  CHECK_THROWS_AS(recent_walk_bootstrap(x, {.paths = 0}, Rng(1)), ArgumentError);
}

TEST_CASE("standstill: a level that stopped moving is told from a pause", "[forecast][stopped]") {
  std::vector<double> x = noise(80);
  CHECK_FALSE(Standstill(x).stopped(6));
  for (int i = 0; i < 9; ++i) x.push_back(80);
  x.push_back(NAN);
  CHECK_FALSE(Standstill(x).stopped(6));  // nine known values
  x.push_back(80);
  CHECK(Standstill(x).stopped(6));
  CHECK_FALSE(Standstill(x).stopped(11));
  std::vector<double> nights;  // twelve hours of zeros each day
  for (int t = 0; t < 96; ++t) nights.push_back(t % 24 < 12 ? 0 : t);
  for (int t = 0; t < 12; ++t) nights.push_back(0);
  CHECK_FALSE(Standstill(nights).stopped(4));
  for (int t = 0; t < 13; ++t) nights.push_back(0);
  CHECK(Standstill(nights).stopped(4));
}

TEST_CASE("standstill: a step leaves the level by the rule of succession", "[forecast][stopped]") {
  std::vector<double> x = {1, 3, 2};
  for (int i = 0; i < 3; ++i) x.push_back(5);  // changes 2, -1, 3; leaves with chance 1 / 5
  const Tensor<double> paths = Standstill(x).paths(x, {.horizon = 1, .paths = 20'000}, Rng(1));
  double left = 0;
  std::set<double> seen;
  for (const double v : paths) left += v != 5, seen.insert(v);
  // Standard error sqrt(20000 / 5 * 0.8) = 56.6.
  CHECK_THAT(left, WithinAbs(4000, 3 * 56.6));
  CHECK(seen == std::set<double>{4, 5, 7, 8});
}
