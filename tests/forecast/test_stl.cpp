// Covers: stl mstl
#include "foglift/forecast/baselines/mstl.hpp"
#include "reference_series.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;
using namespace foglift::forecast;

namespace {
const double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t cells[] = {0, 1, 13, 40, 71};

void check(const std::vector<double>& found, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK_THAT(found[cells[i]], WithinAbs(expected[i], 1e-8));  // nine decimals are printed
}
}  // namespace

TEST_CASE("stl: statsmodels 0.15, plain, robust and with jumps", "[forecast][stl]") {
  const Decomposition plain = stl(yearly(), {.period = 12});
  check(plain.season, {-1.342723876, 8.439660237, 9.217493162, 19.342437590, -12.398044630});
  check(plain.trend, {50.868529015, 51.352350384, 57.151835472, 69.615587522, 85.166616954});
  const Decomposition robust = stl(yearly(), {.period = 12, .robust = true});
  check(robust.season, {-1.159589634, 8.480961532, 9.041148332, 19.708761390, -12.034575314});
  check(robust.trend, {50.624307784, 51.150477603, 57.515377719, 69.817571673, 85.204817104});
  // seasonal_jump=1, trend_jump=3, low_pass_jump=2
  const Decomposition sparse = stl(yearly(), {.period = 12, .sparse = true});
  check(sparse.season, {-1.344829438, 8.441688585, 9.216550706, 19.345160008, -12.398362470});
  check(sparse.trend, {50.868623646, 51.352293128, 57.150618712, 69.612910214, 85.168267012});
  CHECK_THROWS_AS(stl(yearly(), {.period = 1}), ArgumentError);
  CHECK_THROWS_AS(stl(yearly(), {.period = 37}), ArgumentError);
  CHECK_THROWS_AS(stl(yearly(), {.period = 12, .seasonal = 1}), ArgumentError);
}

TEST_CASE("mstl: statsmodels 0.15, MSTL(x, periods=(5, 12))", "[forecast][stl]") {
  const auto parts = mstl(yearly(), std::vector<Index>{5, 12});
  check(parts.seasons[0], {-1.782624245, 0.263903651, 0.891777616, 0.722394739, 3.322588273});
  check(parts.seasons[1], {0.077474196, 8.041747758, 8.678927183, 18.916676020, -13.604133203});
  check(parts.trend, {51.000270783, 51.471907972, 57.133325447, 69.586940102, 84.726524273});
  CHECK_THROWS_AS(mstl(yearly(), std::vector<Index>{12, 5}), ArgumentError);
  CHECK_THROWS_AS(mstl(yearly(), std::vector<Index>{}), ArgumentError);
}

TEST_CASE("mstl paths: two seasons go on at their phases, behind missing cells too",
          "[forecast][stl]") {
  std::vector<double> x;
  const auto at = [](Index t) {
    return static_cast<double>(t % 4) * 3 + static_cast<double>(t * t % 7) +
           0.01 * static_cast<double>(t) - 50;
  };
  for (Index t = 0; t < 150; ++t) x.push_back(at(t));
  x[70] = x[148] = x[149] = missing;
  const auto paths = mstl_paths(x, {.horizon = 30, .paths = 40, .seasons = {7, 4}}, Rng(3));
  for (Index h = 0; h < 30; ++h) {
    double mean = 0;
    for (Index p = 0; p < 40; ++p) mean += paths(p, h) / 40;
    CHECK_THAT(mean, WithinAbs(at(150 + h), 1));  // phases of 4 differ by 3, of 7 by up to 4
  }
}

TEST_CASE("mstl paths: cycles of paths differ by the errors of the smoother", "[forecast][stl]") {
  // White noise of variance 1: what is left has about 0.7 of it. The means over a path's four
  // cycles of a phase keep 0.23 of that, beside a fourth of what the rest moves by.
  const auto noise = Rng(9).normal<double>({240});
  std::vector<double> x;
  for (Index t = 0; t < 240; ++t)
    x.push_back(noise[t] + 5 * std::sin(std::numbers::pi * static_cast<double>(t) / 6));
  const auto paths = mstl_paths(x, {.horizon = 48, .paths = 4000, .seasons = {12}}, Rng(3));
  double product = 0;  // of the deviations of two cells of one phase: what paths share
  double first = 0, last = 0;
  for (Index p = 0; p < 4000; ++p) first += paths(p, 20) / 4000, last += paths(p, 44) / 4000;
  for (Index p = 0; p < 4000; ++p) product += (paths(p, 20) - first) * (paths(p, 44) - last) / 4000;
  CHECK(product > 0.23 * 0.5);
  CHECK(product < 0.23 * 1.1);
}

TEST_CASE("mstl paths: without a season, and what is refused", "[forecast][stl]") {
  const auto x = yearly();
  const BaselineOptions o{.horizon = 4, .paths = 3};
  CHECK(mstl_paths(x, o, Rng(1)) == arima_paths(x, o, Rng(1)));
  for (const double v :
       mstl_paths(std::vector<double>(30, 4.0), {.horizon = 3, .seasons = {7}}, Rng(1)))
    CHECK_THAT(v, WithinAbs(4, 1e-6));
  CHECK_THROWS_AS(mstl_paths(std::span(x).first(5), o, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(mstl_paths(x, {.horizon = 1, .seasons = {12, 0}}, Rng(1)), ArgumentError);
  CHECK_THROWS_AS(mstl_paths(std::vector<double>(9, 1e200), o, Rng(1)), NumericError);
}
