#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0 {

/// The assignment of n rows to n columns with the least total cost: out[row] is the column.
/// cost[row * n + column], any finite numbers. Shortest augmenting paths with potentials (Kuhn
/// 1955; Jonker & Volgenant 1987), exact up to rounding in double, O(n^3). Throws ShapeError unless
/// there are n^2 costs, NumericError for one that is not finite.
inline std::vector<Index> optimal_assignment(std::span<const double> cost, Index n) {
  if (n < 0 || static_cast<Index>(cost.size()) != n * n)
    raise<ShapeError>("optimal_assignment: ", cost.size(), " costs for ", n, " rows and columns");
  for (const double c : cost)
    if (!std::isfinite(c)) raise<NumericError>("optimal_assignment: cost ", c);
  const auto N = static_cast<std::size_t>(n);
  constexpr double inf = std::numeric_limits<double>::infinity();
  // Row and column 0 are a start; cost - row potential - column potential stays >= 0, and 0 where
  // assigned.
  std::vector<double> row_potential(N + 1), column_potential(N + 1), slack(N + 1);
  std::vector<std::size_t> row_of(N + 1), previous(N + 1);
  std::vector<char> reached(N + 1);
  for (std::size_t row = 1; row <= N; ++row) {
    row_of[0] = row;
    std::size_t column = 0;
    std::fill(slack.begin(), slack.end(), inf);
    std::fill(reached.begin(), reached.end(), char(0));
    do {  // Dijkstra's: grow the tree by the nearest column until one is free
      reached[column] = 1;
      const std::size_t from = row_of[column];
      std::size_t nearest = 0;
      double step = inf;
      for (std::size_t j = 1; j <= N; ++j) {
        if (reached[j]) continue;
        const double reduced =
            cost[(from - 1) * N + j - 1] - row_potential[from] - column_potential[j];
        if (reduced < slack[j]) {
          slack[j] = reduced;
          previous[j] = column;
        }
        if (slack[j] < step) {
          step = slack[j];
          nearest = j;
        }
      }
      for (std::size_t j = 0; j <= N; ++j) {
        if (reached[j]) {
          row_potential[row_of[j]] += step;
          column_potential[j] -= step;
        } else {
          slack[j] -= step;
        }
      }
      column = nearest;
    } while (row_of[column] != 0);
    for (; column != 0; column = previous[column]) row_of[column] = row_of[previous[column]];
  }
  std::vector<Index> out(N);
  for (std::size_t j = 1; j <= N; ++j) out[row_of[j] - 1] = static_cast<Index>(j - 1);
  return out;
}

/// The rows of eps [B, ...] in the order in which the sum over the batch of |x0_b - eps_b|^2 is
/// least (Pooladian et al. 2023; Tong et al. 2024; Li et al. 2024, "Immiscible diffusion"): paths
/// cross less. Only -x0 . eps differs between orders, and is the cost; O(B^2 n + B^3). Which noise
/// a sample gets depends on its batch. Throws ShapeError if the shapes differ, NumericError for
/// data that is not finite.
template <Scalar T>
Tensor<T> assign_noise(const Tensor<T>& x0, const Tensor<T>& eps) {
  if (x0.shape() != eps.shape() || x0.rank() == 0)
    raise<ShapeError>("assign_noise: data ", x0.shape(), ", noise ", eps.shape(),
                      ", needed one shape [B, ...]");
  const Index batch = x0.dim(0), n = x0.row_size();
  std::vector<double> cost;
  for (Index b = 0; b < batch; ++b)
    for (Index e = 0; e < batch; ++e) {
      double dot = 0;
      for (Index i = 0; i < n; ++i)
        dot += static_cast<double>(x0[b * n + i]) * static_cast<double>(eps[e * n + i]);
      cost.push_back(-dot);
    }
  return eps.rows(optimal_assignment(cost, batch));
}

}  // namespace foglift::inline v0
