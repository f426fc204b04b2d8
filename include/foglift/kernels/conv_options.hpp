#pragma once

#include "foglift/core/shape.hpp"

namespace foglift {
inline namespace v0 {

/// What stands beyond the ends of an axis: zeros; the axis repeated; or the axis mirrored without
/// its end element.
enum class Padding { zero, circular, reflect };

/// Geometry of a convolution, the same along each spatial axis. An output has
/// (n + 2 padding - dilation (k - 1) - 1) / stride + 1 positions.
struct ConvOptions {
  Index stride = 1;
  Index dilation = 1;
  Index padding = 0;
  Padding mode = Padding::zero;
};

}  // namespace v0
}  // namespace foglift
