#pragma once

#include "foglift/core/scalar.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>

namespace foglift::inline v0::kernels {

/// A tensor [samples, positions, channels] in one or two tensors that share its channels: what
/// concatenating them along the channels would hold, without the copy. T may be const.
template <class T>
struct Halves {
  T* first = nullptr;
  Index first_channels = 0;
  T* second = nullptr;
  Index second_channels = 0;

  bool split() const { return second_channels > 0; }
  Index channels() const { return first_channels + second_channels; }

  /// f(its first channel in the whole, its channels, its [positions, channels] of sample b) for
  /// each half.
  template <class F>
  void each(Index positions, Index b, const F& f) const {
    f(Index{0}, first_channels, first + b * positions * first_channels);
    if (split()) f(first_channels, second_channels, second + b * positions * second_channels);
  }
};

/// The whole tensor as one half.
template <class T>
Halves<T> whole(T* x, Index channels) {
  return {x, channels};
}

/// Sample b of both halves from that of the whole, in [positions, channels].
template <Scalar T>
void separate(const T* in, Index positions, Index b, const Halves<T>& out) {
  out.each(positions, b, [&](Index c0, Index width, T* to) {
    for (Index p = 0; p < positions; ++p)
      std::copy_n(in + p * out.channels() + c0, width, to + p * width);
  });
}

}  // namespace foglift::inline v0::kernels
