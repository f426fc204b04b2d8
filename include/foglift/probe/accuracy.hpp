#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <span>

namespace foglift {
inline namespace v0 {
namespace probe {

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

}  // namespace probe
}  // namespace v0
}  // namespace foglift
