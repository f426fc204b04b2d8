#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/series/value.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

namespace detail {
/// Throws NumericError for a member of a sample that is not finite or beyond largest_value.
inline void require_member(double v, const char* where) {
  if (!(std::abs(v) <= largest_value))
    raise<NumericError>(where, ": a value is ", v, ", needed at most ", largest_value, " in size");
}
}  // namespace detail

/// Quantile of a sorted sample by linear interpolation at (n - 1) q (type 7 of Hyndman & Fan 1996,
/// NumPy's default). Throws ArgumentError for an empty sample or a level outside [0, 1],
/// NumericError for a value that is not finite or beyond largest_value.
inline double quantile_linear(std::span<const double> sorted, double level) {
  if (sorted.empty() || !(level >= 0 && level <= 1))
    raise<ArgumentError>("quantile_linear: level ", level, " of ", sorted.size(), " values");
  const double at = level * static_cast<double>(sorted.size() - 1);
  const auto i = static_cast<std::size_t>(at);
  const double here = sorted[i], next = sorted[std::min(i + 1, sorted.size() - 1)];
  detail::require_member(here, "quantile_linear");
  detail::require_member(next, "quantile_linear");
  return here + (at - static_cast<double>(i)) * (next - here);
}

/// GluonTS's quantile of a sorted sample: the element at (n - 1) q rounded half to even.
inline double quantile_nearest(std::span<const double> sorted, double level) {
  if (sorted.empty() || !(level >= 0 && level <= 1))
    raise<ArgumentError>("quantile_nearest: level ", level, " of ", sorted.size(), " values");
  const double at = std::nearbyint(static_cast<double>(sorted.size() - 1) * level);
  const double here = sorted[static_cast<std::size_t>(at)];
  detail::require_member(here, "quantile_nearest");
  return here;
}

namespace detail {
inline void require_paths(const Shape& paths, const char* where) {
  if (paths.rank() != 3 || paths[1] < 1)
    raise<ShapeError>(where, ": paths ", paths,
                      ", [windows, paths (at least 1), horizon] is needed");
}

/// The members of one cell (window, step) of paths [W, S, H], sorted. Throws NumericError for one
/// that is not finite or beyond largest_value.
template <Scalar T>
void sorted_members(const Tensor<T>& paths, Index window, Index step, std::vector<double>& out) {
  out.clear();
  for (Index s = 0; s < paths.dim(1); ++s) {
    out.push_back(static_cast<double>(paths(window, s, step)));
    if (!(std::abs(out.back()) <= largest_value))
      raise<NumericError>("sample paths: path ", s, " of window ", window, ", step ", step, " is ",
                          out.back(), ", needed at most ", largest_value, " in size");
  }
  std::sort(out.begin(), out.end());
}
}  // namespace detail

/// Quantiles of sample paths [W, S, H] at every cell: [W, levels, H], by linear interpolation.
/// Throws ArgumentError without levels, ShapeError for other paths, and what quantile_linear does.
template <Scalar T>
Tensor<T> quantiles(const Tensor<T>& paths, std::span<const double> levels) {
  detail::require_paths(paths.shape(), "quantiles");
  if (levels.empty()) raise<ArgumentError>("quantiles: no level");
  Tensor<T> out({paths.dim(0), static_cast<Index>(levels.size()), paths.dim(2)});
  std::vector<double> members;
  for (Index w = 0; w < paths.dim(0); ++w)
    for (Index h = 0; h < paths.dim(2); ++h) {
      detail::sorted_members(paths, w, h, members);
      for (std::size_t q = 0; q < levels.size(); ++q)
        out(w, q, h) = static_cast<T>(quantile_linear(members, levels[q]));
    }
  return out;
}

}  // namespace foglift::inline v0::forecast
