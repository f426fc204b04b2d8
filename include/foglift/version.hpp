#pragma once

#include "foglift/requirements.hpp"

/// Version of the library. The inline namespace v0 keeps objects of different major versions apart
/// at link time.
#define FOGLIFT_VERSION_MAJOR 0
#define FOGLIFT_VERSION_MINOR 1
#define FOGLIFT_VERSION_PATCH 0
#define FOGLIFT_VERSION_STRING "0.1.0"

namespace foglift {
inline namespace v0 {}
}  // namespace foglift
