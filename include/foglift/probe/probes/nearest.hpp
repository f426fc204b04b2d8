#pragma once

#include "foglift/probe/retrieval.hpp"
#include "foglift/probe/split.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// The training examples of a KNearest.
template <Scalar T>
struct NearestPredictor {
  Index classes = 0, k = 0;
  Distance distance = Distance::cosine;
  Tensor<T> features;
  std::vector<Index> labels;

  /// Classes of features [n, d].
  std::vector<Index> predict(const Tensor<T>& x) const {
    const Neighbours near = nearest(x, features, std::min(k, features.dim(0)), distance);
    std::vector<Index> out;
    for (Index i = 0; i < x.dim(0); ++i) {
      std::vector<Index> votes(static_cast<std::size_t>(classes));
      const auto count = [&](Index j) -> Index& {
        return votes[static_cast<std::size_t>(labels[static_cast<std::size_t>(near.index(i, j))])];
      };
      Index best = 0;  // of the neighbours, the first with the most votes
      for (Index j = 0; j < near.index.dim(1); ++j) ++count(j);
      for (Index j = 1; j < near.index.dim(1); ++j)
        if (count(j) > count(best)) best = j;
      out.push_back(labels[static_cast<std::size_t>(near.index(i, best))]);
    }
    return out;
  }
};

/// A probe without parameters: the class of most of the k nearest training examples, of equal ones
/// that whose example is nearest. Self-supervised codes are often judged by k = 20 and cosine.
/// Throws as nearest, ShapeError unless there is a label for each example, ArgumentError for labels
/// outside [0, classes).
struct KNearest {
  Index classes;
  Index k = 20;
  Distance distance = Distance::cosine;

  template <Scalar T>
  NearestPredictor<T> fit(const Tensor<T>& features, const std::vector<Index>& labels) const {
    detail::check_labels("KNearest", labels, classes);
    if (features.rank() != 2 || features.dim(0) != std::ssize(labels) || k < 1)
      raise<ShapeError>("KNearest: features ", features.shape(), " for ", labels.size(),
                        " labels, k = ", k);
    return {classes, k, distance, features, labels};
  }
};

}  // namespace foglift::inline v0::probe
