#pragma once

#include "foglift/core/shape.hpp"

#include <array>

namespace foglift::inline v0::interop {

/// f(i, offset) for every element of `shape` in row-major order: i counts them, offset is the sum
/// of index times stride over the axes. `strides` has at least shape.rank() entries.
template <class Strides, class F>
void for_each_offset(const Shape& shape, const Strides& strides, const F& f) {
  std::array<Index, Shape::max_rank> index{};
  const Index size = shape.size();
  Index offset = 0;
  for (Index i = 0; i < size; ++i) {
    f(i, offset);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {  // the odometer's next position
      const auto a = static_cast<std::size_t>(axis);
      const auto stride = static_cast<Index>(strides[a]);
      offset += stride;
      if (++index[a] < shape[axis]) break;
      offset -= stride * shape[axis];
      index[a] = 0;
    }
  }
}

}  // namespace foglift::inline v0::interop
