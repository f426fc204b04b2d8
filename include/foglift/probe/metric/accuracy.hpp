#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace foglift::inline v0::probe {

/// Number of positions where two lists agree. Throws ShapeError if their lengths differ.
inline Index hits(std::span<const Index> predicted, std::span<const Index> labels) {
  if (predicted.size() != labels.size())
    raise<ShapeError>("hits: ", predicted.size(), " predictions for ", labels.size(), " labels");
  Index n = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) n += predicted[i] == labels[i];
  return n;
}

/// Part of the positions where two lists agree, in [0, 1]. Throws ShapeError if their lengths
/// differ, ArgumentError if they are empty.
inline double accuracy(std::span<const Index> predicted, std::span<const Index> labels) {
  const Index n = hits(predicted, labels);
  if (labels.empty()) raise<ArgumentError>("accuracy: no examples");
  return static_cast<double>(n) / static_cast<double>(labels.size());
}

struct Interval {
  double low = 0, high = 0;
};

/// The score interval of a binomial proportion (Wilson 1927): the p for which `hits` of n lies
/// within z standard deviations, z = 1.96 for 95 %. Throws ArgumentError unless 0 <= hits <= n and
/// n > 0.
inline Interval wilson_interval(Index hits, Index n, double z = 1.959963984540054) {
  if (n <= 0 || hits < 0 || hits > n)
    raise<ArgumentError>("wilson_interval: ", hits, " hits of ", n);
  const double count = static_cast<double>(n), p = static_cast<double>(hits) / count;
  const double shrink = 1 / (1 + z * z / count);
  const double middle = shrink * (p + z * z / (2 * count));
  const double half = shrink * z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  return {middle - half, middle + half};
}

/// Two-sided p-value of the sign test between two classifiers of the same examples (McNemar's test
/// in its exact form): of the examples that only one of them gets right, as unequal a division as
/// this or worse, were each as likely to fall to either. 1 where they never differ. Throws
/// ShapeError if the lengths differ, ArgumentError if they are empty.
inline double sign_test(std::span<const Index> a, std::span<const Index> b,
                        std::span<const Index> labels) {
  if (a.size() != labels.size() || b.size() != labels.size())
    raise<ShapeError>("sign_test: ", a.size(), " and ", b.size(), " predictions for ",
                      labels.size(), " labels");
  if (labels.empty()) raise<ArgumentError>("sign_test: no examples");
  Index only_a = 0, only_b = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    only_a += a[i] == labels[i] && b[i] != labels[i];
    only_b += b[i] == labels[i] && a[i] != labels[i];
  }
  const double n = static_cast<double>(only_a + only_b);
  double p = 0, log_term = -n * std::log(2.0);  // of binomial(n, k) / 2^n
  for (Index k = 0; k <= std::min(only_a, only_b); ++k) {
    p += std::exp(log_term);
    log_term += std::log((n - static_cast<double>(k)) / static_cast<double>(k + 1));
  }
  return std::min(1.0, 2 * p);
}

}  // namespace foglift::inline v0::probe
