#pragma once

#include "foglift/core/scalar.hpp"

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace foglift::inline v0 {

/// Element types that tensors store: the Scalars, which they compute in, and integers, which they
/// hold, index and gather: ids and tokens (Index is std::int64_t), codes, edges, masks.
template <class T>
concept Element = Scalar<T> || std::same_as<T, std::int64_t> || std::same_as<T, std::int32_t> ||
                  std::same_as<T, std::uint8_t>;

/// Whether an integer T can hold a number as it is; floating numbers never count as integers.
template <std::integral T, class U>
constexpr bool integer_holds(U number) {
  if constexpr (std::is_floating_point_v<U>)
    return false;
  else
    return std::in_range<T>(number);
}

}  // namespace foglift::inline v0
