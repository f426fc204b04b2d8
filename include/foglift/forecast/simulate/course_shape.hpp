#pragma once

#include "foglift/core/shape.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace foglift::inline v0::forecast {

/// [leading ..., those of a state ...]: of courses, of stretches of them, of forecasts. Throws
/// ShapeError for more axes than a shape has.
inline Shape course_shape(std::initializer_list<Index> leading, const Shape& state) {
  std::array<Index, 2 * Shape::max_rank> extents{};
  const auto n = leading.size() + static_cast<std::size_t>(state.rank());
  if (n > extents.size()) raise<ShapeError>("course_shape: ", n, " axes");
  std::copy(state.begin(), state.end(), std::copy(leading.begin(), leading.end(), extents.begin()));
  return Shape(extents.data(), n);
}

}  // namespace foglift::inline v0::forecast
