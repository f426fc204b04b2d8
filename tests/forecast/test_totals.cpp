// Covers: totals
#include "foglift/core/rng.hpp"
#include "foglift/forecast/totals.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

Series days(const char* name, Time first_day, std::vector<double> values) {
  return {.name = name,
          .time = {first_day * day_seconds, {.seconds = day_seconds}},
          .values = std::move(values)};
}

}  // namespace

TEST_CASE("totals: groups by what stands before the last slash", "[forecast][totals]") {
  const auto of = [](std::vector<const char*> names) {
    std::vector<Series> series;
    for (const char* name : names) series.push_back(days(name, 0, {1}));
    std::string out;
    for (const Total& t : totals_of(series)) {
      out += t.name + ':';
      for (const Index m : t.members) out += std::to_string(m);
      out += ' ';
    }
    return out;
  };
  CHECK(of({"north/1", "south/1", "north/2", "south / x/2"}) == "north:02 all series:0123 ");
  CHECK(of({"a/x", "a/y"}) == "all series:01 ");  // one group is all
  CHECK(of({"x", "y", "z"}) == "all series:012 ");
  CHECK(of({"x"}).empty());
  CHECK(of({"DE / a", "DE / b", "FR / a", "FR / b"}) == "DE:01 FR:23 all series:0123 ");
}

TEST_CASE("totals: the sum stands where all members have cells", "[forecast][totals]") {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Series> series{days("a", 10, {1, 2, 3, 4, 5}),
                                   days("b", 11, {10, missing, 30, 40, 50, 60}), days("c", 2, {7})};
  const Series sum = sum_of(series, {"a+b", {0, 1}});
  CHECK(sum.time.text(0) == "1970-01-12");
  REQUIRE(sum.size() == 4);
  CHECK(sum.value(0) == 12);
  CHECK(std::isnan(sum.value(1)));
  CHECK(sum.value(3) == 45);
  CHECK_THROWS_AS(sum_of(series, {"a+c", {0, 2}}), ArgumentError);
  CHECK_THROWS_AS(sum_of(series, {"none", {}}), ArgumentError);
  std::vector<Series> hours = series;
  hours[1].time.frequency = {.seconds = 3600};
  CHECK_THROWS_AS(sum_of(hours, {"a+b", {0, 1}}), ArgumentError);
}

TEST_CASE("totals: path p of the sum is the sum of the members' path p", "[forecast][totals]") {
  const std::vector<Series> series{days("a", 10, std::vector<double>(9, 1)),
                                   days("b", 12, std::vector<double>(7, 2)),
                                   days("c", 10, std::vector<double>(9, 3))};
  // Of day 17 all three have an origin, of day 19 all, of day 18 two.
  const std::vector<Origin> origins{{0, 7}, {1, 5}, {2, 7}, {0, 9}, {1, 7}, {2, 9}, {0, 8}, {2, 8}};
  const auto paths = Rng(2).normal<double>({8, 4, 3});
  const Total all{"all", {0, 1, 2}};
  const Series sum = sum_of(series, all);
  const SummedPaths summed = sum_paths(series, all, sum, origins, paths);
  CHECK(summed.origins == std::vector<Origin>{{0, 5}, {0, 7}});
  REQUIRE(summed.paths.shape() == Shape{2, 4, 3});
  for (Index p = 0; p < 4; ++p)
    for (Index h = 0; h < 3; ++h) {
      CHECK(summed.paths(0, p, h) == paths(0, p, h) + paths(1, p, h) + paths(2, p, h));
      CHECK(summed.paths(1, p, h) == paths(3, p, h) + paths(4, p, h) + paths(5, p, h));
    }
  CHECK(sum.time.text(5) == series[0].time.text(7));
  CHECK_THROWS_AS(sum_paths(series, all, sum, std::span(origins).first(3), paths), ShapeError);
}
