// Covers: offset_by
#include "foglift/core/offset_by.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("offset_by: moves a pointer, and leaves null as it is", "[core]") {
  const double numbers[3] = {1, 2, 3};
  CHECK(offset_by(numbers, 2) == numbers + 2);
  CHECK(offset_by(static_cast<float*>(nullptr), 5) == nullptr);
}
