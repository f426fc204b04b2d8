#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

/// The `count` candidates of least cost among those alive, in increasing order; of equal costs the
/// first. Costs are by candidate.
inline std::vector<Index> keep_least(std::vector<Index> alive, std::span<const double> costs,
                                     Index count) {
  const auto kept = std::min(alive.size(), static_cast<std::size_t>(std::max<Index>(count, 0)));
  std::stable_sort(alive.begin(), alive.end(), [&](Index a, Index b) {
    return costs[static_cast<std::size_t>(a)] < costs[static_cast<std::size_t>(b)];
  });
  alive.resize(kept);
  std::sort(alive.begin(), alive.end());
  return alive;
}

/// Successive halving (Karnin et al. 2013; Jamieson & Talwalkar 2016): in round r every candidate
/// that is alive is told add(candidate, r), which returns what that round adds to its cost; the
/// keep[r] cheapest go on. Returns who is left, the cheapest first. Throws ArgumentError without
/// candidates, and unless keep falls or stays, at least 1 each.
template <class F>
std::vector<Index> successive_halving(Index candidates, std::span<const Index> keep, const F& add) {
  if (candidates < 1) raise<ArgumentError>("successive_halving: ", candidates, " candidates");
  for (std::size_t r = 0; r < keep.size(); ++r)
    if (keep[r] < 1 || (r > 0 && keep[r] > keep[r - 1]))
      raise<ArgumentError>("successive_halving: keep ", keep[r], " in round ", r);
  std::vector<double> costs(static_cast<std::size_t>(candidates));
  std::vector<Index> alive(static_cast<std::size_t>(candidates));
  std::iota(alive.begin(), alive.end(), Index{0});
  for (std::size_t r = 0; r < keep.size(); ++r) {
    for (const Index c : alive) costs[static_cast<std::size_t>(c)] += add(c, static_cast<Index>(r));
    alive = keep_least(std::move(alive), costs, keep[r]);
  }
  std::stable_sort(alive.begin(), alive.end(), [&](Index a, Index b) {
    return costs[static_cast<std::size_t>(a)] < costs[static_cast<std::size_t>(b)];
  });
  return alive;
}

}  // namespace foglift::inline v0::probe
