#pragma once

#include "foglift/version.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// Values less their mean, over their deviation (1 if nothing varies). They are rounded to 2^-30:
/// a y + b then comes to the same numbers as y, for all that its own rounding changed, and a search
/// that is sensitive to the last bits takes the same way.
struct StandardUnits {
  double location = 0, scale = 1, resolution = 0x1p-30;

  StandardUnits(double at, double unit, double rounding)
      : location(at), scale(unit), resolution(rounding) {}

  /// Of values without gaps.
  explicit StandardUnits(std::span<const double> x) {
    const auto n = static_cast<double>(x.size());
    double squares = 0;
    for (const double v : x) location += v / n;
    for (const double v : x) squares += (v - location) * (v - location) / n;
    const double deviation = std::sqrt(squares);
    // Below that, what varies is the rounding of the mean.
    if (deviation > 1e-14 * std::abs(location)) scale = deviation;
  }

  double to(double v) const {
    const double z = (v - location) / scale;
    return resolution > 0 ? std::round(z / resolution) * resolution : z;
  }
  std::vector<double> to(std::span<const double> x) const {
    std::vector<double> out;
    for (const double v : x) out.push_back(to(v));
    return out;
  }
  double from(double z) const { return location + scale * z; }
};

}  // namespace foglift::inline v0::forecast
