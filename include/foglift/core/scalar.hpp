#pragma once

#include "foglift/version.hpp"

#include <concepts>

namespace foglift::inline v0 {

/// Element types that tensors compute in: float for speed, double for oracles and gradient checks.
template <class T>
concept Scalar = std::same_as<T, float> || std::same_as<T, double>;

}  // namespace foglift::inline v0
