#pragma once

#include "foglift/version.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {
namespace detail {

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Moves x downhill by L-BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5, memory 8) and returns
/// the least value. f(x, gradient) writes the gradient; a value that is not finite says that x is
/// outside of the domain, and the step is shortened. Ends when two steps in a row gain less than
/// `tolerance`, or after `most` steps.
template <class F>
double minimize(const F& f, std::vector<double>& x, double tolerance = 1e-6, int most = 200) {
  const std::size_t n = x.size();
  std::vector<double> g(n), next(n), next_g(n), d(n);
  std::deque<std::pair<std::vector<double>, std::vector<double>>> memory;  // of steps and changes
  double value = f(x, g);
  int idle = 0;
  for (int i = 0; i < most && idle < 2 && std::isfinite(value) && dot(g, g) > 0; ++i) {
    d = g;
    std::vector<double> a(memory.size());
    for (std::size_t k = memory.size(); k-- > 0;) {
      const auto& [s, y] = memory[k];
      a[k] = dot(s, d) / dot(s, y);
      for (std::size_t j = 0; j < n; ++j) d[j] -= a[k] * y[j];
    }
    const double scale = memory.empty() ? 1 / std::max(1.0, std::sqrt(dot(g, g)))
                                        : dot(memory.back().first, memory.back().second) /
                                              dot(memory.back().second, memory.back().second);
    for (double& v : d) v *= scale;
    for (std::size_t k = 0; k < memory.size(); ++k) {
      const auto& [s, y] = memory[k];
      const double b = dot(y, d) / dot(s, y);
      for (std::size_t j = 0; j < n; ++j) d[j] += (a[k] - b) * s[j];
    }
    const double slope = dot(g, d);  // against d; positive, since only curved steps are remembered
    double step = 1, found = std::numeric_limits<double>::quiet_NaN();
    for (int tries = 0; tries < 30; ++tries) {
      for (std::size_t j = 0; j < n; ++j) next[j] = x[j] - step * d[j];
      found = f(next, next_g);
      if (found <= value - 1e-4 * step * slope) break;
      // To the least of the parabola through both values and the slope, but not too near or far.
      const double parabola = 0.5 * slope * step * step / (found - value + slope * step);
      step = std::isfinite(found) ? std::clamp(parabola, 0.1 * step, 0.5 * step) : 0.25 * step;
      found = std::numeric_limits<double>::quiet_NaN();
    }
    if (std::isnan(found)) break;
    idle = value - found < tolerance ? idle + 1 : 0;
    std::vector<double> s(n), y(n);
    for (std::size_t j = 0; j < n; ++j) s[j] = next[j] - x[j], y[j] = next_g[j] - g[j];
    if (dot(s, y) > 1e-10 * std::sqrt(dot(s, s) * dot(y, y)))
      memory.emplace_back(std::move(s), std::move(y));
    if (memory.size() > 8) memory.pop_front();
    std::swap(x, next), std::swap(g, next_g);
    value = found;
  }
  return value;
}

}  // namespace detail
}  // namespace foglift::inline v0::forecast
