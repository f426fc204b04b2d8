#pragma once

#include "foglift/probe/accuracy.hpp"
#include "foglift/probe/features.hpp"
#include "foglift/probe/ridge.hpp"
#include "foglift/probe/split.hpp"

#include <functional>

namespace foglift {
inline namespace v0 {
namespace probe {

/// The probe of one block at one noise level.
struct Cell {
  Index level = 0, block = 0;         ///< positions in HeatMap::levels and HeatMap::blocks
  Index dimension = 0;                ///< features of the block
  double lambda = 0;                  ///< by leave-one-out on the training set
  double validation = 0;              ///< accuracy
  std::vector<Index> predicted = {};  ///< classes of the test set, for the caller to score
};

/// Probes of every block at every noise level.
struct HeatMap {
  std::vector<Level> levels;
  std::vector<std::string> blocks;
  std::vector<Cell> cells;  ///< level by level, block by block

  /// Throws ArgumentError outside the map.
  const Cell& at(Index level, Index block) const {
    const auto columns = static_cast<Index>(blocks.size());
    if (level < 0 || level >= static_cast<Index>(levels.size()) || block < 0 || block >= columns)
      raise<ArgumentError>("HeatMap: cell (", level, ", ", block, ") of ", levels.size(), " x ",
                           columns);
    return cells[static_cast<std::size_t>(level * columns + block)];
  }
  /// The cell with the best accuracy on the validation set; the first of equal ones.
  const Cell& best() const {
    if (cells.empty()) raise<ArgumentError>("HeatMap::best: the map is empty");
    return *std::max_element(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) {
      return a.validation < b.validation;
    });
  }
};

struct HeatMapOptions {
  FeatureOptions features = {};
  RidgeOptions ridge = {};
  std::function<void(Index done, Index levels)> progress = {};  ///< called after each level
};

/// A classifier fitted on the training set, scored on the validation set and applied to the test
/// set. Labels of test examples are not read.
template <Scalar T>
Cell probe_cell(const Tensor<T>& features, std::span<const Index> labels, Index classes,
                const Split& split, const RidgeOptions& options = {}) {
  if (features.rank() != 2 || features.dim(0) != static_cast<Index>(labels.size()))
    raise<ShapeError>("probe_cell: features ", features.shape(), " for ", labels.size(), " labels");
  if (split.train.empty() || split.validation.empty())
    raise<ArgumentError>("probe_cell: ", split.train.size(), " training and ",
                         split.validation.size(), " validation examples, both need some");
  const std::vector<Index> known(labels.begin(), labels.end());
  const auto fit =
      ridge_probe(gather(features, split.train), gather(known, split.train), classes, options);
  Cell cell;
  cell.dimension = features.dim(1);
  cell.lambda = fit.lambda;
  cell.validation = accuracy(fit.probe.predict(gather(features, split.validation)),
                             gather(known, split.validation));
  cell.predicted = fit.probe.predict(gather(features, split.test));
  return cell;
}

/// Ridge probes of every block of a network at every one of `levels`: the search for the (t, block)
/// whose features tell the classes apart best (DDAE, Xiang et al. 2023). A cell is chosen by
/// best(), on the validation set: the test examples' labels are never read (they may be anything),
/// the cells carry predictions for them instead. Features are held for one level at a time.
/// Throws as features(), ridge_probe() and probe_cell(); ArgumentError if there are no levels.
template <class Net, Scalar T>
HeatMap heat_map(const Net& net, const Tensor<T>& x0, std::span<const Index> labels, Index classes,
                 const Split& split, std::span<const Level> levels, const Rng& rng,
                 const HeatMapOptions& options = {}, const nn::Condition<T>& condition = {}) {
  if (levels.empty()) raise<ArgumentError>("heat_map: no levels");
  HeatMap map;
  map.levels.assign(levels.begin(), levels.end());
  for (std::size_t t = 0; t < levels.size(); ++t) {
    const auto blocks = features(net, x0, levels[t], rng, options.features, condition);
    if (t == 0)
      for (const auto& block : blocks) map.blocks.push_back(block.block);
    std::vector<Cell> row(blocks.size());
    parallel_for(static_cast<Index>(row.size()), 1, [&](Index b) {
      Cell& cell = row[static_cast<std::size_t>(b)];
      cell = probe_cell(blocks[static_cast<std::size_t>(b)].values, labels, classes, split,
                        options.ridge);
      cell.level = static_cast<Index>(t);
      cell.block = b;
    });
    std::move(row.begin(), row.end(), std::back_inserter(map.cells));
    if (options.progress)
      options.progress(static_cast<Index>(t) + 1, static_cast<Index>(levels.size()));
  }
  return map;
}

}  // namespace probe
}  // namespace v0
}  // namespace foglift
