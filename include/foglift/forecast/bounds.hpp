#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/series/value.hpp"

#include <algorithm>
#include <limits>

namespace foglift::inline v0::forecast {

/// What values of a series can be; paths are brought there by a monotone map, so their order stays.
struct Bounds {
  bool non_negative = false;
  bool integer = false;  ///< counts: paths are rounded, halves away from 0
  double cap = std::numeric_limits<double>::infinity();  ///< the largest value

  double operator()(double v) const {
    if (integer) v = std::round(v);
    if (non_negative) v = std::max(v, 0.0);
    return std::min(v, cap);
  }
  void apply(Tensor<double>& paths) const {
    for (double& v : paths) v = (*this)(v);
  }

  friend bool operator==(const Bounds&, const Bounds&) = default;
};

/// The bounds that values (NaN = missing) suggest: not negative where none is; whole where all are;
/// a cap of 1 or 100 where that is the largest value and one of twenty, or more, is there. Nothing
/// of fewer than 10 known values.
inline Bounds propose_bounds(std::span<const double> values) {
  double least = std::numeric_limits<double>::infinity(), most = -least, known = 0, at_most = 0;
  bool whole = true;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    ++known;
    least = std::min(least, v);
    at_most = v > most ? 1 : at_most + (v == most ? 1 : 0);
    most = std::max(most, v);
    whole = whole && v == std::round(v);
  }
  if (known < 10) return {};
  Bounds out{.non_negative = least >= 0, .integer = whole};
  if ((most == 1 || most == 100) && least < most && at_most >= 0.05 * known && least >= 0)
    out.cap = most;
  return out;
}

}  // namespace foglift::inline v0::forecast
