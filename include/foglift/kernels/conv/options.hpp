#pragma once

#include "foglift/core/shape.hpp"

namespace foglift::inline v0 {

/// What stands beyond the ends of an axis: zeros; the axis repeated; or the axis mirrored without
/// its end element.
enum class Padding { zero, circular, reflect };

/// How a convolution is computed: by its definition; by Winograd's F(4x4, 3x3), or F(4, 3) along
/// one axis, where the kernel has three taps and stride and dilation are 1 (a quarter or half of
/// the products, and twice the rounding: in float 8e-7 of the norm at 64 channels, 2e-6 at 512); or
/// by what is faster for a sample of the extents at hand.
enum class ConvAlgorithm { automatic, direct, winograd };

/// Geometry of a convolution, the same along each spatial axis. An output has
/// (n + 2 padding - dilation (k - 1) - 1) / stride + 1 positions.
struct ConvOptions {
  Index stride = 1;
  Index dilation = 1;
  Index padding = 0;
  Padding mode = Padding::zero;
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;
};

}  // namespace foglift::inline v0
