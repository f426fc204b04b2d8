// Covers: float_mode
#include "foglift/core/float_mode.hpp"
#include "support/catch.hpp"

#include <cfenv>
#include <limits>

using namespace foglift;

TEST_CASE("float mode: applied again it brings back the rounding and the denormals",
          "[core][float_mode]") {
  const FloatMode before = FloatMode::current();
  volatile double tiny = std::numeric_limits<double>::min();
  {
    const FlushDenormals flush;
    std::fesetround(FE_UPWARD);
    const FloatMode inside = FloatMode::current();
    before.apply();
    CHECK(std::fegetround() == FE_TONEAREST);
    CHECK(tiny / 2 > 0);
    inside.apply();
    CHECK(std::fegetround() == FE_UPWARD);
#if defined(__SSE2__)
    CHECK(tiny / 2 == 0);
#endif
    before.apply();
  }
  CHECK(tiny / 2 > 0);
}

TEST_CASE("float mode: exceptions that have happened stay", "[core][float_mode]") {
  const FloatMode before = FloatMode::current();
  std::feclearexcept(FE_ALL_EXCEPT);
  std::fesetround(FE_UPWARD);
  std::feraiseexcept(FE_DIVBYZERO);
  before.apply();
  CHECK(std::fetestexcept(FE_DIVBYZERO) != 0);
  std::feclearexcept(FE_ALL_EXCEPT);
}
