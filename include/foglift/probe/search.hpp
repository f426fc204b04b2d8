#pragma once

#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/probes/ridge.hpp"
#include "foglift/probe/sink/collect.hpp"
#include "foglift/probe/split.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// A probe is fit(features [n, d], targets) -> a predictor, which has predict(features).
template <class P, class T, class Targets>
using PredictorOf = decltype(std::declval<const P&>().fit(std::declval<const Tensor<T>&>(),
                                                          std::declval<Targets>()));

/// The probe of one block at one noise level.
template <class Predictor, class Predicted>
struct Cell {
  Index level = 0, block = 0;  ///< positions in ProbeMap::levels and ProbeMap::blocks
  Index dimension = 0;         ///< features of the block
  double validation = 0;       ///< score by the metric
  /// Score of the same probe fitted to the training targets in a random order: what there is to
  /// win without any relation (a control, Hewitt & Liang 2019); NaN where none is asked for.
  double control = std::numeric_limits<double>::quiet_NaN();
  Predictor predictor = {};
  Predicted predicted = {};  ///< for the test set, for the caller to score
};

/// Probes of every block at every noise level.
template <class Predictor, class Predicted>
struct ProbeMap {
  std::vector<Level> levels;
  std::vector<std::string> blocks;
  std::vector<Cell<Predictor, Predicted>> cells;  ///< level by level, block by block

  /// Throws ArgumentError outside the map.
  const Cell<Predictor, Predicted>& at(Index level, Index block) const {
    const auto columns = static_cast<Index>(blocks.size());
    if (level < 0 || level >= static_cast<Index>(levels.size()) || block < 0 || block >= columns)
      raise<ArgumentError>("ProbeMap: cell (", level, ", ", block, ") of ", levels.size(), " x ",
                           columns);
    return cells[static_cast<std::size_t>(level * columns + block)];
  }
  /// The cell with the best score on the validation set; the first of equal ones.
  const Cell<Predictor, Predicted>& best() const {
    if (cells.empty()) raise<ArgumentError>("ProbeMap::best: the map is empty");
    return *std::max_element(cells.begin(), cells.end(), [](const auto& a, const auto& b) {
      return a.validation < b.validation;
    });
  }
  /// What choosing on the validation set cost: the best test score of any cell less that of best(),
  /// both by metric(predicted, targets of the test set).
  template <class Metric, class Targets>
  double regret(const Metric& metric, const Targets& test) const {
    double most = -std::numeric_limits<double>::infinity();
    for (const auto& cell : cells) most = std::max(most, metric(cell.predicted, test));
    return most - metric(best().predicted, test);
  }
};

/// A predictor fitted on the training set, scored on the validation set and applied to the test
/// set. Targets of test examples are not read.
template <class P, Scalar T, class Targets, class Metric>
auto probe_cell(const Tensor<T>& features, const P& probe, const Targets& targets,
                const Split& split, const Metric& metric, const std::optional<Rng>& control = {}) {
  if (split.train.empty() || split.validation.empty())
    raise<ArgumentError>("probe_cell: ", split.train.size(), " training and ",
                         split.validation.size(), " validation examples, both need some");
  const auto train = gather(features, split.train), held_out = gather(features, split.validation);
  const Targets known = gather(targets, split.train), truth = gather(targets, split.validation);
  auto predictor = probe.fit(train, known);
  using Predictor = decltype(predictor);
  using Predicted = decltype(predictor.predict(train));
  Cell<Predictor, Predicted> cell;
  cell.dimension = features.dim(1);
  cell.validation = metric(predictor.predict(held_out), truth);
  if (control) {
    std::vector<Index> order = split.train;
    for (Index i = std::ssize(order) - 1; i > 0; --i)
      std::swap(
          order[static_cast<std::size_t>(i)],
          order[static_cast<std::size_t>(control->index(i + 1, static_cast<std::uint64_t>(i)))]);
    const Targets shuffled = gather(targets, order);
    cell.control = metric(probe.fit(train, shuffled).predict(held_out), truth);
  }
  cell.predicted = predictor.predict(gather(features, split.test));
  cell.predictor = std::move(predictor);
  return cell;
}

struct SearchOptions {
  std::optional<Rng> control = {};  ///< orders of the training targets for Cell::control
  std::function<void(Index done)> progress = {};  ///< called after each level
};

/// A sink that fits a probe to every block at every level, in parallel, and holds features for one
/// level at a time: the search for the (t, block) whose features tell most (DDAE, Xiang et al.
/// 2023). metric(predicted, targets), the larger the better, judges on the validation set; the
/// targets of the test set are never read.
template <class P, Scalar T, class Targets, class Metric, class Read = Pooled>
class Search : private Collect<T, Read> {
  using Predictor = PredictorOf<P, T, const Targets&>;
  using Predicted =
      decltype(std::declval<const Predictor&>().predict(std::declval<const Tensor<T>&>()));

 public:
  ProbeMap<Predictor, Predicted> map;

  /// The arguments are referred to, but for the probe and what reads.
  Search(P probe, const Targets& targets, const Split& split, Metric metric, Read reader = {},
         SearchOptions options = {})
      : Collect<T, Read>(std::move(reader)),
        probe_(std::move(probe)),
        targets_(&targets),
        split_(&split),
        metric_(std::move(metric)),
        options_(std::move(options)) {}

  using Collect<T, Read>::read, Collect<T, Read>::take;

  void end(const Source& source) {
    Collect<T, Read>::end(source);
    const auto& blocks = this->levels.front();
    if (map.blocks.empty())
      for (const auto& block : blocks) map.blocks.push_back(block.block);
    map.levels.push_back(source.at);
    std::vector<Cell<Predictor, Predicted>> row(blocks.size());
    parallel_for(static_cast<Index>(row.size()), 1, [&](Index b) {
      auto& cell = row[static_cast<std::size_t>(b)];
      cell = probe_cell(blocks[static_cast<std::size_t>(b)].values, probe_, *targets_, *split_,
                        metric_, options_.control);
      cell.level = source.level;
      cell.block = b;
    });
    std::move(row.begin(), row.end(), std::back_inserter(map.cells));
    this->levels.clear();
    if (options_.progress) options_.progress(source.level + 1);
  }

 private:
  P probe_;
  const Targets* targets_;
  const Split* split_;
  Metric metric_;
  SearchOptions options_;
};

/// A linear classifier by ridge regression, see ridge_probe.
struct Ridge {
  Index classes;
  RidgeOptions options = {};
  template <Scalar T>
  RidgeProbe fit(const Tensor<T>& features, const std::vector<Index>& labels) const {
    return ridge_probe(features, labels, classes, options);
  }
};

struct HeatMapOptions {
  FeatureOptions features = {};
  RidgeOptions ridge = {};
  SearchOptions search = {};
};
using HeatMap = ProbeMap<RidgeProbe, std::vector<Index>>;

/// Ridge probes of classes for every block at every one of `levels`, judged by accuracy. Throws as
/// extract and ridge_probe; ShapeError unless there is a label for each example.
template <class D, Scalar T, NoisePolicy N>
HeatMap heat_map(const D& denoise, const Tensor<T>& x0, const std::vector<Index>& labels,
                 Index classes, const Split& split, std::span<const Level> levels, const N& policy,
                 const HeatMapOptions& o = {}) {
  if (x0.rank() < 1 || x0.dim(0) != static_cast<Index>(labels.size()))
    raise<ShapeError>("heat_map: ", labels.size(), " labels for examples ", x0.shape());
  const auto metric = [](const auto& predicted, const auto& truth) {
    return accuracy(predicted, truth);
  };
  Search<Ridge, T, std::vector<Index>, decltype(metric)> search(
      {classes, o.ridge}, labels, split, metric, Pooled{o.features.grid}, o.search);
  extract(denoise, x0, levels, policy, nn::NoHook{}, search,
          {.batch = o.features.batch, .first_sample = o.features.first_sample});
  return std::move(search.map);
}

}  // namespace foglift::inline v0::probe
