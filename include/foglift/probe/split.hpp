#pragma once

#include "foglift/core/gather.hpp"
#include "foglift/core/rng.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// Three disjoint sets of examples, by index, each in increasing order: probes are fitted on
/// `train`, everything is chosen on `validation`, and `test` is for the number that is reported.
struct Split {
  std::vector<Index> train = {}, validation = {}, test = {};
};

struct SplitOptions {
  double validation = 0.2;  ///< part of each class
  double test = 0.2;
};

namespace detail {
/// Throws ArgumentError for classes < 2, or a label outside [0, classes).
inline void check_labels(const char* where, std::span<const Index> labels, Index classes) {
  if (classes < 2) raise<ArgumentError>(where, ": ", classes, " classes, at least 2 are needed");
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      raise<ArgumentError>(where, ": label ", labels[i], " of example ", i, " is not in [0, ",
                           classes, ")");
}
}  // namespace detail

/// Splits examples 0 .. labels.size() - 1 at random, class by class, so that each class has the
/// same part (rounded to the nearest example) in every set. A pure function of its arguments.
/// Throws ArgumentError for no examples, a negative label, or parts that are negative or leave no
/// training part.
inline Split stratified_split(std::span<const Index> labels, const Rng& rng,
                              const SplitOptions& options = {}) {
  if (!(options.validation >= 0 && options.test >= 0 && options.validation + options.test < 1))
    raise<ArgumentError>("stratified_split: validation = ", options.validation,
                         " and test = ", options.test,
                         " must not be negative and must leave a part for training");
  if (labels.empty()) raise<ArgumentError>("stratified_split: no examples");
  std::map<Index, std::vector<std::pair<double, Index>>> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0)
      raise<ArgumentError>("stratified_split: label ", labels[i], " of example ", i,
                           " is negative");
    classes[labels[i]].emplace_back(rng.uniform(i), static_cast<Index>(i));
  }
  Split split;
  for (auto& entry : classes) {
    auto& members = entry.second;
    std::sort(members.begin(), members.end());  // by a random key of the example's own
    const auto part = [&](double p) {
      return static_cast<std::size_t>(std::lround(p * static_cast<double>(members.size())));
    };
    const std::size_t test = part(options.test), held = part(options.test + options.validation);
    for (std::size_t i = 0; i < members.size(); ++i)
      (i < test   ? split.test
       : i < held ? split.validation
                  : split.train)
          .push_back(members[i].second);
  }
  for (auto* set : {&split.train, &split.validation, &split.test})
    std::sort(set->begin(), set->end());
  return split;
}

using foglift::gather;

}  // namespace foglift::inline v0::probe
