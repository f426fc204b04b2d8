#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <span>

namespace foglift::inline v0::forecast {

/// Values of series, paths and observations are at most this in size: their squares, and sums of
/// them, stay finite.
inline constexpr double largest_value = 1e150;

/// True for a missing value (NaN) and for one of at most largest_value.
inline bool usable(double v) { return !(std::abs(v) > largest_value); }

/// Throws NumericError, naming the first bad one, unless all values are usable().
inline void require_usable(std::span<const double> values, const char* where) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!usable(values[i]))
      raise<NumericError>(where, ": value ", i, " is ", values[i], "; needed at most ",
                          largest_value, " in size, or NaN where it is missing");
}

namespace detail {
/// A result; throws NumericError if it does not fit into a double.
inline double finite_result(double v, const char* where) {
  if (!std::isfinite(v)) raise<NumericError>(where, ": the result is ", v, ", beyond a double");
  return v;
}
}  // namespace detail

}  // namespace foglift::inline v0::forecast
