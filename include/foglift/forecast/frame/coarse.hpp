#pragma once

#include "foglift/forecast/frame/window.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// A window as it looks `grain` cells at a time: each value is the mean of those that are there in
/// its block, and is there if one of them is (Fan et al. 2024). A block begins at the origin,
/// `horizon` cells before the end, so that none has cells on both sides of it. Throws ArgumentError
/// unless the grain is positive.
inline Window coarse(Window window, Index grain, Index horizon) {
  if (grain < 1) raise<ArgumentError>("coarse: a grain of ", grain, ", must be positive");
  const Index B = window.values.dim(0), L = window.values.dim(1), K = window.values.dim(2);
  const Index first = (L - horizon) % grain;  // where whole blocks begin
  for (Index b = 0; b < B; ++b)
    for (Index begin = first > 0 ? first - grain : 0; begin < L; begin += grain) {
      const Index from = std::max<Index>(0, begin), to = std::min(L, begin + grain);
      for (Index k = 0; k < K; ++k) {
        double sum = 0, count = 0;
        for (Index t = from; t < to; ++t) {
          sum += static_cast<double>(window.mask(b, t, k) * window.values(b, t, k));
          count += static_cast<double>(window.mask(b, t, k));
        }
        for (Index t = from; t < to; ++t) {
          window.values(b, t, k) = static_cast<float>(count > 0 ? sum / count : 0);
          window.mask(b, t, k) = count > 0 ? 1 : 0;
        }
      }
    }
  return window;
}

}  // namespace foglift::inline v0::forecast
