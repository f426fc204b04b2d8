#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/probe/split.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

/// How often examples of class i were said to be of class j: counts [classes, classes] at (i, j).
/// Examples with the label `ignore` are left out, whatever was said of them. Throws ShapeError if
/// the lengths differ, ArgumentError for classes < 2 or another number outside [0, classes).
inline Tensor<Index> confusion(std::span<const Index> predicted, std::span<const Index> labels,
                               Index classes, Index ignore = -1) {
  if (predicted.size() != labels.size())
    raise<ShapeError>("confusion: ", predicted.size(), " predictions for ", labels.size(),
                      " labels");
  if (classes < 2) raise<ArgumentError>("confusion: ", classes, " classes, needed at least 2");
  Tensor<Index> counts({classes, classes});
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == ignore) continue;
    if (labels[i] < 0 || labels[i] >= classes || predicted[i] < 0 || predicted[i] >= classes)
      raise<ArgumentError>("confusion: label ", labels[i], " and prediction ", predicted[i],
                           " of example ", i, ", needed in [0, ", classes, ")");
    ++counts(labels[i], predicted[i]);
  }
  return counts;
}

/// How well one class is found: tp, fp and fn are the examples of the class that were found, those
/// of others that were taken for it, and those of it that were not found. A quotient of nothing is
/// 0.
struct ClassScore {
  Index tp = 0, fp = 0, fn = 0;

  double precision() const { return part(tp, tp + fp); }
  double recall() const { return part(tp, tp + fn); }
  /// The harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn): Dice's coefficient.
  double f1() const { return part(2 * tp, 2 * tp + fp + fn); }
  /// Intersection over union, tp / (tp + fp + fn): Jaccard's index.
  double iou() const { return part(tp, tp + fp + fn); }

 private:
  static double part(Index a, Index b) {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
};

/// The score of every class of a confusion matrix. Throws ShapeError unless it is square.
inline std::vector<ClassScore> class_scores(const Tensor<Index>& counts) {
  if (counts.rank() != 2 || counts.dim(0) != counts.dim(1))
    raise<ShapeError>("class_scores: counts ", counts.shape(), ", needed [classes, classes]");
  const Index K = counts.dim(0);
  std::vector<ClassScore> scores(static_cast<std::size_t>(K));
  for (Index i = 0; i < K; ++i)
    for (Index j = 0; j < K; ++j) {
      auto &truth = scores[static_cast<std::size_t>(i)],
           &said = scores[static_cast<std::size_t>(j)];
      if (i == j) {
        truth.tp += counts(i, i);
      } else {
        truth.fn += counts(i, j);
        said.fp += counts(i, j);
      }
    }
  return scores;
}

/// The mean of the classes' F1, each class counting alike; a class that is neither there nor found
/// counts 0.
inline double macro_f1(std::span<const ClassScore> scores) {
  if (scores.empty()) raise<ArgumentError>("macro_f1: no classes");
  double sum = 0;
  for (const ClassScore& s : scores) sum += s.f1();
  return sum / static_cast<double>(scores.size());
}

/// F1 of all classes' counts together. Over all classes with one answer an example it is the
/// accuracy.
inline double micro_f1(std::span<const ClassScore> scores) {
  ClassScore all;
  for (const ClassScore& s : scores) all.tp += s.tp, all.fp += s.fp, all.fn += s.fn;
  return all.f1();
}

namespace detail {
inline void check_probabilities(const char* where, const Tensor<double>& p,
                                std::span<const Index> labels) {
  if (p.rank() != 2 || p.dim(0) != static_cast<Index>(labels.size()) || labels.empty())
    raise<ShapeError>(where, ": probabilities ", p.shape(), " for ", labels.size(),
                      " labels, needed [n, classes] for n > 0");
  check_labels(where, labels, p.dim(1));
  for (const double v : p)
    if (!(v >= 0 && v <= 1)) raise<ArgumentError>(where, ": probability ", v);
}
}  // namespace detail

/// The mean of -log p[i, label i], in nats; infinite where a true class was held for impossible.
/// Throws ShapeError unless p is [n, classes] for n labels, ArgumentError for numbers outside
/// [0, 1] and labels outside [0, classes).
inline double log_loss(const Tensor<double>& p, std::span<const Index> labels) {
  detail::check_probabilities("log_loss", p, labels);
  double sum = 0;
  for (Index i = 0; i < p.dim(0); ++i) sum -= std::log(p(i, labels[static_cast<std::size_t>(i)]));
  return sum / static_cast<double>(p.dim(0));
}

/// Expected calibration error (Guo et al. 2017, eq. 5): the mean of |accuracy - confidence| of bins
/// ((m - 1) / bins, m / bins] of confidence, the largest probability, weighed by their examples.
/// Throws as log_loss, and ArgumentError without bins.
inline double calibration_error(const Tensor<double>& p, std::span<const Index> labels,
                                Index bins = 15) {
  detail::check_probabilities("calibration_error", p, labels);
  if (bins < 1) raise<ArgumentError>("calibration_error: ", bins, " bins");
  const Index n = p.dim(0), K = p.dim(1);
  std::vector<double> excess(static_cast<std::size_t>(bins));  // hits less confidence
  for (Index i = 0; i < n; ++i) {
    const double* const row = p.data() + i * K;
    const double* const top = std::max_element(row, row + K);
    const auto bin = std::clamp<Index>(
        static_cast<Index>(std::ceil(*top * static_cast<double>(bins))) - 1, 0, bins - 1);
    excess[static_cast<std::size_t>(bin)] +=
        (top - row == labels[static_cast<std::size_t>(i)] ? 1 : 0) - *top;
  }
  double sum = 0;
  for (const double e : excess) sum += std::abs(e);
  return sum / static_cast<double>(n);
}

}  // namespace foglift::inline v0::probe
