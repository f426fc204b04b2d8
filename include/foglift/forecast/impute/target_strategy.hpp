#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// Which known values a network is asked about while it is trained (Tashiro et al. 2021, section
/// 4.3): what it learns to fill.
enum class TargetStrategy {
  random,      ///< a share of all, itself uniform in [0, 1]
  historical,  ///< those that are missing in another window, drawn from a pool
  mix,         ///< one or the other, by even chance
  block,       ///< stretches of a channel, and some cells (Liu et al. 2023, "block strategy")
  forecast     ///< the last cells of all channels
};

/// Windows [L, K] of known values, and what a strategy needs to know of them.
struct TargetShape {
  Index cells = 0, channels = 1;
  Index horizon = 1;  ///< cells that TargetStrategy::forecast hides

  Index size() const { return cells * channels; }
  /// Uniform numbers that a choice of targets takes.
  Index numbers() const { return size() + 4; }
};

/// Which cells of windows of L cells are in blocks, asked about cell by cell in their order: up to
/// 15 % of the cells begin one in their channel, of L / 2 cells to less than L, and 5 % are hidden
/// by themselves, as a failing sensor and a lost message (Liu et al. 2023).
class TargetBlocks {
 public:
  /// `u` in [0, 1): where in [0, 15 %] the share of cells is that begin one.
  TargetBlocks(const TargetShape& shape, float u)
      : half_(std::max<Index>(1, shape.cells / 2)),
        share_(0.15F * u),
        end_(static_cast<std::size_t>(shape.channels), 0) {}

  bool hidden(Index cell, Index channel, float u) {
    Index& end = end_[static_cast<std::size_t>(channel)];
    if (u < share_) {
      const auto more = static_cast<Index>(u / share_ * static_cast<float>(half_));
      end = std::max(end, cell + half_ + std::min(more, half_ - 1));
    }
    return cell < end || u >= 0.95F;
  }

 private:
  Index half_;
  float share_;
  std::vector<Index> end_;  // of each channel's last block
};

/// Writes to `hide` [L, K] 1 where a known value is a target, else 0. `known` [L, K] is not 0 where
/// one is, and so is each of the `pool`, whose zeros are historical masks; u are uniform in [0, 1).
/// Where the strategy hides none, one that is known is hidden. Throws ArgumentError for a
/// historical strategy without a pool.
inline void choose_targets(TargetStrategy strategy, const TargetShape& shape,
                           std::span<const float> known, std::span<const std::vector<float>> pool,
                           std::span<const float> u, std::span<float> hide) {
  const auto pick = [](float v, Index n) {
    return static_cast<std::size_t>(std::min(n - 1, static_cast<Index>(v * static_cast<float>(n))));
  };
  if (strategy == TargetStrategy::mix)
    strategy = u[0] < 0.5F ? TargetStrategy::random : TargetStrategy::historical;
  if (strategy == TargetStrategy::historical && pool.empty())
    raise<ArgumentError>("choose_targets: no windows whose missing values are historical masks");
  const std::vector<float>* const pattern =
      strategy == TargetStrategy::historical ? &pool[pick(u[1], std::ssize(pool))] : nullptr;
  TargetBlocks blocks(shape, u[2]);
  std::vector<std::size_t> there;
  bool any = false;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const Index cell = static_cast<Index>(i) / shape.channels;
    const Index channel = static_cast<Index>(i) % shape.channels;
    const bool chosen = strategy == TargetStrategy::random  ? u[i + 4] < u[2]
                        : strategy == TargetStrategy::block ? blocks.hidden(cell, channel, u[i + 4])
                        : pattern                           ? (*pattern)[i] == 0
                                                            : cell >= shape.cells - shape.horizon;
    hide[i] = known[i] != 0 && chosen ? 1.0F : 0.0F;
    any = any || hide[i] != 0;
    if (known[i] != 0) there.push_back(i);
  }
  if (!any && !there.empty()) hide[there[pick(u[3], std::ssize(there))]] = 1;
}

}  // namespace foglift::inline v0::forecast
