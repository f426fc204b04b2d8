#pragma once

#include "foglift/forecast/frame/window.hpp"
#include "foglift/nn/layers/init.hpp"

namespace foglift::inline v0::forecast {

// What networks over the times and the channels of windows are told of every place (Tashiro et al.
// 2021): what Window::places says, and numbers that are learned of each channel.

/// Numbers to learn of each channel, [K, n]. Throws ArgumentError unless n is positive, and
/// `waves`, the argument of Window::places, is even and positive.
inline Parameter<float> channel_features(const char* where, const FrameOptions& frame, Index waves,
                                         Index n, Rng& rng) {
  if (waves < 2 || waves % 2 != 0 || n < 1)
    raise<ArgumentError>(where, ": time_features ", waves, ", channel_features ", n,
                         "; needed an even and a positive number");
  return nn::normal_parameter<float>({frame.columns.channels, n}, 1, rng);
}

/// Number F of features of a place, of so many waves and numbers.
inline Index place_features(const FrameOptions& frame, Index waves, Index n) {
  return waves + 1 + Window::channels(frame) + n;
}
/// Those of all places [B, L, K, F], given Window::places and the numbers of each channel.
template <Value X>
X place_features(const Tensor<float>& places, const Parameter<float>& of_channel, const X& like) {
  const Tensor<float> everywhere(places.shape().with(-1, 1), 1.0F);
  return concat({constant(places, like), constant(everywhere, like) * use(of_channel, like)}, 3);
}

}  // namespace foglift::inline v0::forecast
