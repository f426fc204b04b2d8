#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/probe/metric/clustering.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

/// Codes [n, d] as the numbers of `bins` equal parts of each code's range, column by column; a
/// constant code is in bin 0. Throws ShapeError for another rank or no examples, ArgumentError
/// for bins < 1.
template <Scalar T>
std::vector<std::vector<Index>> discretized(const Tensor<T>& codes, Index bins = 20) {
  if (codes.rank() != 2 || codes.dim(0) < 1)
    raise<ShapeError>("discretized: codes ", codes.shape(), ", needed [n, d]");
  if (bins < 1) raise<ArgumentError>("discretized: ", bins, " bins");
  std::vector<std::vector<Index>> columns;
  for (Index j = 0; j < codes.dim(1); ++j) {
    double low = static_cast<double>(codes(0, j)), high = low;
    for (Index i = 0; i < codes.dim(0); ++i) {
      low = std::min(low, static_cast<double>(codes(i, j)));
      high = std::max(high, static_cast<double>(codes(i, j)));
    }
    std::vector<Index> column;
    for (Index i = 0; i < codes.dim(0); ++i) {
      const double part = high > low ? (static_cast<double>(codes(i, j)) - low) / (high - low) : 0;
      column.push_back(std::min(bins - 1, static_cast<Index>(part * static_cast<double>(bins))));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

/// I(u; v) in nats of the joint counts of two lists of numbers >= 0.
inline double mutual_information(std::span<const Index> u, std::span<const Index> v) {
  const Contingency c(u, v);
  return detail::entropy_of(c.rows, c.n) + detail::entropy_of(c.columns, c.n) -
         detail::entropy_of(c.counts.span(), c.n);
}

/// The mean over pairs of different codes of I(z_i; z_j), codes [n, d] discretized: 0 for
/// independent codes, but for what n examples leave to chance. Throws as discretized, ShapeError
/// for fewer than two codes.
template <Scalar T>
double mutual_information_score(const Tensor<T>& codes, Index bins = 20) {
  const auto z = discretized(codes, bins);
  if (z.size() < 2) raise<ShapeError>("mutual_information_score: codes ", codes.shape());
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) sum += mutual_information(z[i], z[j]);
  return 2 * sum / static_cast<double>(z.size() * (z.size() - 1));
}

/// Ground-truth factors: for each, its value >= 0 in every example.
using Factors = std::vector<std::vector<Index>>;

namespace detail {
/// Throws ShapeError unless codes are [n, d], d >= 2, with factors of n examples.
template <Scalar T>
void check_factors(const char* where, const Tensor<T>& codes, const Factors& factors) {
  if (codes.rank() != 2 || codes.dim(1) < 2 || codes.dim(0) < 2)
    raise<ShapeError>(where, ": codes ", codes.shape(), ", needed [n, d] with n, d >= 2");
  if (factors.empty()) raise<ArgumentError>(where, ": no factors");
  for (const auto& factor : factors)
    if (static_cast<Index>(factor.size()) != codes.dim(0))
      raise<ShapeError>(where, ": a factor of ", factor.size(), " examples for codes ",
                        codes.shape());
}
/// The largest of some numbers less the second largest.
inline double gap(std::vector<double> scores) {
  std::partial_sort(scores.begin(), scores.begin() + 2, scores.end(), std::greater<>());
  return scores[0] - scores[1];
}
}  // namespace detail

/// Mutual information gap (Chen et al. 2018, eq. 6): the mean over factors of the information of
/// the best code less that of the second, over the factor's entropy. 1: each factor stands in one
/// code alone. Throws ShapeError unless codes are [n, d], d >= 2, with factors of n examples,
/// ArgumentError for a factor that never changes.
template <Scalar T>
double mutual_information_gap(const Tensor<T>& codes, const Factors& factors, Index bins = 20) {
  detail::check_factors("mutual_information_gap", codes, factors);
  const auto z = discretized(codes, bins);
  double sum = 0;
  for (const auto& factor : factors) {
    const double entropy = mutual_information(factor, factor);
    if (!(entropy > 0)) raise<ArgumentError>("mutual_information_gap: a factor never changes");
    std::vector<double> told;
    for (const auto& code : z) told.push_back(mutual_information(code, factor));
    sum += detail::gap(told) / entropy;
  }
  return sum / static_cast<double>(factors.size());
}

}  // namespace foglift::inline v0::probe
