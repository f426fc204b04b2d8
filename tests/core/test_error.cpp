// Covers: error
#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <typeinfo>

using namespace foglift;

namespace {

struct Point {
  int x, y;
  friend std::ostream& operator<<(std::ostream& out, const Point& p) {
    return out << '(' << p.x << ", " << p.y << ')';
  }
};

enum Unscoped { seven = 7 };

template <class... Parts>
std::string streamed(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
std::string raised(const Parts&... parts) {
  try {
    raise<ShapeError>(parts...);
  } catch (const ShapeError& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("error: a message is what its parts are in a stream", "[error]") {
  const auto check = [](const auto&... parts) { CHECK(raised(parts...) == streamed(parts...)); };
  check("one part");
  check(true, ' ', false, ' ', 'c', static_cast<signed char>('s'), static_cast<unsigned char>('u'));
  check(-1, ' ', 2U, ' ', 3L, ' ', std::numeric_limits<std::int64_t>::min(), ' ',
        std::numeric_limits<std::uint64_t>::max(), ' ', static_cast<short>(-4));
  check(0.1, ' ', 0.1f, ' ', 1e300, ' ', 123456789.0, ' ', 16777217.0f, ' ', -0.0);
  check(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<float>::infinity());
  const char* const pointer = "pointer";
  char buffer[8] = "buffer";  // shorter than its array
  check(pointer, ' ', buffer, ' ', std::string("string"), ' ', std::string_view("view").substr(1));
  check(Shape{2, 3}, ' ', Shape{}, ' ', Point{4, 5}, ' ', seven);
  CHECK(raised("f: ", Shape{2, 3}, " has ", 1.5, '%') == "f: [2, 3] has 1.5%");
}

TEST_CASE("error: raise throws the class it is asked for", "[error]") {
  CHECK_THROWS_AS(raise<FormatError>("x"), FormatError);
  try {
    raise<NumericError>("x");
  } catch (const Error& e) {
    CHECK(typeid(e) == typeid(NumericError));
  }
}

TEST_CASE("error: options that must be finite, positive or not negative", "[error]") {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [&](const auto& f, double value) {
    CHECK_THROWS_AS(f(value, "option"), ArgumentError);
  };
  for (const double value : {inf, -inf, nan}) {
    refuses(detail::finite, value);
    refuses(detail::positive, value);
    refuses(detail::not_negative, value);
  }
  for (const double value : {-1.5, 0.0, 1e-300}) {
    CHECK(detail::finite(value, "option") == value);
    if (value > 0) CHECK(detail::positive(value, "option") == value);
    if (value <= 0) refuses(detail::positive, value);
    if (value >= 0) CHECK(detail::not_negative(value, "option") == value);
    if (value < 0) refuses(detail::not_negative, value);
  }
  CHECK_THROWS_WITH(detail::positive(-2, "f: scale"), "f: scale = -2, must be positive");
}
