#pragma once

#include "foglift/diffusion/grid/grid.hpp"

#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// A TimeGrid for each group of a sample's elements (see Levels), all of one length: for the frames
/// of a rolling window (Ruhe et al. 2024), or the frequencies of a blur (Hoogeboom & Salimans
/// 2023). A group may wait: its level may stay as it is, at data too.
class GroupGrids {
 public:
  /// Throws ArgumentError unless there is a group, and all have one number of levels, two or more,
  /// finite, each the one before or of smaller sigma / alpha.
  explicit GroupGrids(std::vector<TimeGrid> groups) : groups_(std::move(groups)) {
    if (groups_.empty()) raise<ArgumentError>("GroupGrids: no groups");
    for (const TimeGrid& grid : groups_) {
      grid::detail::check_levels(grid, true);
      if (grid.size() != groups_.front().size())
        raise<ArgumentError>("GroupGrids: a group of ", grid.size(), " levels beside one of ",
                             groups_.front().size());
    }
  }

  Index groups() const { return static_cast<Index>(groups_.size()); }
  Index steps() const { return static_cast<Index>(groups_.front().size()) - 1; }
  /// Level i of a group, i from 0 to steps().
  const Level& at(Index group, Index i) const {
    return groups_[static_cast<std::size_t>(group)][static_cast<std::size_t>(i)];
  }

 private:
  std::vector<TimeGrid> groups_;
};

}  // namespace foglift::inline v0
