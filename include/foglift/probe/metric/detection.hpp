#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

namespace detail {
/// Examples by falling score, and how many are positive. Throws ShapeError if the lengths differ,
/// ArgumentError unless scores are finite and both kinds are there.
struct Ranked {
  std::vector<std::size_t> order;
  double positives = 0, negatives = 0;

  Ranked(const char* where, std::span<const double> scores, const std::vector<bool>& positive)
      : order(scores.size()) {
    if (scores.size() != positive.size())
      raise<ShapeError>(where, ": ", scores.size(), " scores of ", positive.size(), " examples");
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (!std::isfinite(scores[i])) raise<ArgumentError>(where, ": score ", scores[i]);
      (positive[i] ? positives : negatives) += 1;
    }
    if (positives == 0 || negatives == 0)
      raise<ArgumentError>(where, ": ", positives, " positive and ", negatives,
                           " negative examples, needed some of both");
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  }

  /// f(positives, negatives) of each group of equal scores, in falling order.
  template <class F>
  void each_tie(std::span<const double> scores, const std::vector<bool>& positive,
                const F& f) const {
    for (std::size_t i = 0; i < order.size();) {
      const double score = scores[order[i]];
      double p = 0, q = 0;
      for (; i < order.size() && scores[order[i]] == score; ++i) (positive[order[i]] ? p : q) += 1;
      f(p, q);
    }
  }
};
}  // namespace detail

/// Area under the ROC curve: the probability that a positive example scores higher than a negative
/// one, half of it where they are equal (Mann & Whitney's statistic). Throws ShapeError if the
/// lengths differ, ArgumentError for a score that is not finite, or where one kind is missing.
inline double auroc(std::span<const double> scores, const std::vector<bool>& positive) {
  const detail::Ranked ranked("auroc", scores, positive);
  double above = 0, area = 0;  // positives so far; pairs won
  ranked.each_tie(scores, positive, [&](double p, double q) {
    area += q * (above + 0.5 * p);
    above += p;
  });
  return area / (ranked.positives * ranked.negatives);
}

/// Area under the precision-recall curve as average precision: the precision at each threshold,
/// weighed by what recall gains there; equal scores are one threshold. The share of positives is
/// what chance gives. Throws as auroc.
inline double auprc(std::span<const double> scores, const std::vector<bool>& positive) {
  const detail::Ranked ranked("auprc", scores, positive);
  double tp = 0, said = 0, area = 0;
  ranked.each_tie(scores, positive, [&](double p, double q) {
    tp += p;
    said += p + q;
    area += p * tp / said;
  });
  return area / ranked.positives;
}

/// The score that a part q of `normal` scores does not exceed, linear between them: a threshold
/// fixed on normal data, never on what is to be detected. Throws ArgumentError unless q is in
/// [0, 1] and there are scores.
inline double threshold_at(std::vector<double> normal, double q) {
  if (normal.empty() || !(q >= 0 && q <= 1))
    raise<ArgumentError>("threshold_at: part ", q, " of ", normal.size(), " scores");
  std::sort(normal.begin(), normal.end());
  const double at = q * static_cast<double>(normal.size() - 1);
  const auto low = static_cast<std::size_t>(at), high = std::min(low + 1, normal.size() - 1);
  return normal[low] + (at - static_cast<double>(low)) * (normal[high] - normal[low]);
}

}  // namespace foglift::inline v0::probe
