#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// Cells [first, first + length) without a value between known ones.
struct Gap {
  Index first = 0, length = 0;

  friend bool operator==(const Gap&, const Gap&) = default;
};

/// The gaps of values, in their order; NaN before the first and behind the last value are none.
inline std::vector<Gap> find_gaps(std::span<const double> values) {
  std::vector<Gap> out;
  Index last = -1;  // the last known cell
  for (Index t = 0; t < std::ssize(values); ++t) {
    if (std::isnan(values[static_cast<std::size_t>(t)])) continue;
    if (last >= 0 && t > last + 1) out.push_back({last + 1, t - last - 1});
    last = t;
  }
  return out;
}

/// Known cells to hide, so that a filling can be judged where the truth is known: gaps of lengths
/// as in `like` (one cell if empty) at random places where all cells and both neighbours are known,
/// until a share of the known cells is hidden or `most` are. Returns them in order, none where no
/// stretch is long enough; the same for the same generator.
inline std::vector<Gap> gaps_to_hide(std::span<const double> values, std::span<const Gap> like,
                                     double share, Index most, const Rng& rng) {
  std::vector<char> free;
  Index known = 0;
  for (const double v : values) free.push_back(!std::isnan(v)), known += free.back();
  const Index wanted =
      std::min(most, static_cast<Index>(std::ceil(share * static_cast<double>(known))));
  std::vector<Gap> out;
  Index hidden = 0;
  const Index n = std::ssize(values);
  // A place in a long series is free more often than not; sixteen tries for every cell find it.
  for (std::uint64_t attempt = 0; hidden < wanted && attempt < 16 * static_cast<std::uint64_t>(n);
       ++attempt) {
    const Index length =
        like.empty() ? 1
                     : like[static_cast<std::size_t>(rng.index(std::ssize(like), attempt))].length;
    if (length + 2 > n || 2 * length > known) continue;
    const Index first = 1 + rng.index(n - length - 1, attempt, 1);
    const auto stretch = std::span(free).subspan(static_cast<std::size_t>(first - 1),
                                                 static_cast<std::size_t>(length + 2));
    if (std::find(stretch.begin(), stretch.end(), 0) != stretch.end()) continue;
    std::fill(stretch.begin() + 1, stretch.end() - 1, 0);
    out.push_back({first, length});
    hidden += length;
  }
  std::sort(out.begin(), out.end(), [](const Gap& a, const Gap& b) { return a.first < b.first; });
  return out;
}

}  // namespace foglift::inline v0::forecast
