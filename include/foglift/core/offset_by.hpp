#pragma once

#include "foglift/core/shape.hpp"

namespace foglift::inline v0 {

/// p + n; null stays null: an array without elements has no memory to move in.
template <class T>
T* offset_by(T* p, Index n) {
  return p ? p + n : p;
}

}  // namespace foglift::inline v0
