#pragma once
// Series of tests/reference/print_baselines.py, which other packages were given too.

#include <cmath>
#include <numbers>
#include <vector>

namespace foglift::forecast {

/// 48 values with a trend, and no season.
inline std::vector<double> wavy() {
  std::vector<double> x;
  for (int t = 0; t < 48; ++t)
    x.push_back(20 + 0.3 * t + 3 * std::sin(1.7 * t) + 2 * std::sin(0.9 * t * t));
  return x;
}

/// Six years of months with a season that grows, and `shift` added to all.
inline std::vector<double> yearly(double shift = 0) {
  std::vector<double> x;
  for (int t = 0; t < 72; ++t)
    x.push_back((50 + 0.5 * t) * (1 + 0.3 * std::sin(std::numbers::pi * t / 6)) +
                2 * std::sin(0.9 * t * t) + shift);
  return x;
}

}  // namespace foglift::forecast
