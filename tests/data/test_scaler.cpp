#include "foglift/data/scaler.hpp"
#include "support/catch.hpp"

#include <limits>
#include <vector>

using namespace foglift;
using data::Scaling;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

data::Scaler fit(const std::vector<double>& values, Scaling scaling) {
  return data::fit_scaler(std::span<const double>(values), scaling);
}

}  // namespace

TEST_CASE("scaler: mean and standard deviation of the values that are there", "[data][scaler]") {
  // 1, -2, 3, -4: mean -0.5, mean of |x| 2.5, variance (2.25 + 2.25 + 12.25 + 12.25) / 4 = 7.25.
  const std::vector<double> values{1, missing, -2, 3, missing, -4};
  CHECK(fit(values, Scaling::mean).offset == 0);
  CHECK_THAT(fit(values, Scaling::mean).scale, WithinRel(2.5, 1e-15));
  CHECK_THAT(fit(values, Scaling::standard).offset, WithinRel(-0.5, 1e-15));
  // A square root of a sum of 4 rounded terms: 8 units in the last place are generous.
  CHECK_THAT(fit(values, Scaling::standard).scale, WithinRel(std::sqrt(7.25), 8 * 2.3e-16));
  CHECK(fit(values, Scaling::none).scale == 1);
}

TEST_CASE("scaler: applying and inverting give the values back", "[data][scaler]") {
  std::vector<double> values{10, 20, missing, 40};
  const auto scaler = fit(values, Scaling::standard);
  scaler.apply(std::span(values));
  CHECK(std::isnan(values[2]));
  // Scaled values have mean 0 and variance 1: sums of 3 terms of order 1.
  CHECK_THAT(values[0] + values[1] + values[3], WithinAbs(0, 1e-15 * 8));
  CHECK_THAT(values[0] * values[0] + values[1] * values[1] + values[3] * values[3],
             WithinRel(3.0, 1e-14));
  scaler.invert(std::span(values));
  CHECK_THAT(values[0], WithinRel(10.0, 1e-15));
  CHECK_THAT(values[3], WithinRel(40.0, 1e-15));
}

TEST_CASE("scaler: constant and missing series get scale 1", "[data][scaler]") {
  for (const Scaling scaling : {Scaling::none, Scaling::mean, Scaling::standard}) {
    for (const std::vector<double>& values :
         {std::vector<double>{}, {missing, missing}, {0, 0, 0}, {missing, 0}}) {
      CHECK(fit(values, scaling).offset == 0);
      CHECK(fit(values, scaling).scale == 1);
    }
  }
  // 0.1 added up 1000 times rounds: what is left of the spread is not blown up.
  const auto constant = fit(std::vector<double>(1000, 0.1), Scaling::standard);
  CHECK(constant.scale == 1);
  CHECK_THAT(constant.apply(0.1), WithinAbs(0, 1e-13));
  CHECK_THAT(fit(std::vector<double>(1000, 0.1), Scaling::mean).scale, WithinRel(0.1, 1e-13));
}

TEST_CASE("scaler: extreme values neither overflow nor vanish", "[data][scaler]") {
  for (const double unit : {1e-300, 1e300}) {
    const auto scaler = fit({-unit, unit, -unit, unit}, Scaling::standard);
    CHECK_THAT(scaler.scale, WithinRel(unit, 1e-15));
    CHECK_THAT(fit({-unit, unit}, Scaling::mean).scale, WithinRel(unit, 1e-15));
  }
  CHECK_THROWS_WITH(fit({1, -std::numeric_limits<double>::infinity()}, Scaling::mean),
                    "fit_scaler: value 1 is infinite");
}
