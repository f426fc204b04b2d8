#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/loss/assignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

/// How two ways to divide examples agree: counts [rows, columns] at (u, v), with their sums.
struct Contingency {
  Tensor<Index> counts;
  std::vector<Index> rows, columns;  ///< examples of each u, of each v
  Index n = 0;

  /// Of cluster ids >= 0, one an example, of any number of clusters. Throws ShapeError if the
  /// lengths differ, ArgumentError for a negative id or no examples.
  Contingency(std::span<const Index> u, std::span<const Index> v)
      : n(static_cast<Index>(u.size())) {
    if (u.size() != v.size())
      raise<ShapeError>("Contingency: ", u.size(), " and ", v.size(), " examples");
    if (u.empty()) raise<ArgumentError>("Contingency: no examples");
    const auto [low_u, high_u] = std::minmax_element(u.begin(), u.end());
    const auto [low_v, high_v] = std::minmax_element(v.begin(), v.end());
    if (*low_u < 0 || *low_v < 0)
      raise<ArgumentError>("Contingency: cluster ", std::min(*low_u, *low_v));
    counts = Tensor<Index>({*high_u + 1, *high_v + 1});
    rows.resize(static_cast<std::size_t>(*high_u + 1));
    columns.resize(static_cast<std::size_t>(*high_v + 1));
    for (std::size_t i = 0; i < u.size(); ++i) {
      ++counts(u[i], v[i]);
      ++rows[static_cast<std::size_t>(u[i])];
      ++columns[static_cast<std::size_t>(v[i])];
    }
  }
};

namespace detail {
/// -sum p log p of counts, in nats.
inline double entropy_of(std::span<const Index> counts, Index n) {
  double h = 0;
  for (const Index c : counts) {
    const double p = static_cast<double>(c) / static_cast<double>(n);
    if (c > 0) h -= p * std::log(p);
  }
  return h;
}
/// sum over counts of c (c - 1) / 2.
inline double pairs_of(std::span<const Index> counts) {
  double sum = 0;
  for (const Index c : counts) sum += 0.5 * static_cast<double>(c) * static_cast<double>(c - 1);
  return sum;
}
}  // namespace detail

/// Normalized mutual information, 2 I(U; V) / (H(U) + H(V)), in [0, 1]; 1 where both divisions are
/// trivial.
inline double nmi(std::span<const Index> u, std::span<const Index> v) {
  const Contingency c(u, v);
  const double hu = detail::entropy_of(c.rows, c.n), hv = detail::entropy_of(c.columns, c.n);
  if (hu + hv == 0) return 1;
  return 2 * (hu + hv - detail::entropy_of(c.counts.span(), c.n)) / (hu + hv);
}

/// Adjusted Rand index (Hubert & Arabie 1985): pairs of examples that both divisions keep together,
/// less what chance would give, over the most that there could be less that. 1: the same division;
/// 0 is expected of unrelated ones.
inline double adjusted_rand(std::span<const Index> u, std::span<const Index> v) {
  const Contingency c(u, v);
  const double together = detail::pairs_of(c.counts.span()), a = detail::pairs_of(c.rows),
               b = detail::pairs_of(c.columns);
  const double all = 0.5 * static_cast<double>(c.n) * static_cast<double>(c.n - 1);
  const double expected = all > 0 ? a * b / all : 0, most = 0.5 * (a + b);
  return most == expected ? 1 : (together - expected) / (most - expected);
}

/// The class that each cluster stands for, by the one-to-one assignment with the most examples
/// right (the Hungarian method); -1 for clusters beyond the number of classes.
inline std::vector<Index> matched_classes(std::span<const Index> clusters,
                                          std::span<const Index> labels) {
  const Contingency c(clusters, labels);
  const Index K = c.counts.dim(0), C = c.counts.dim(1), n = std::max(K, C);
  std::vector<double> cost(static_cast<std::size_t>(n * n));
  for (Index i = 0; i < K; ++i)
    for (Index j = 0; j < C; ++j)
      cost[static_cast<std::size_t>(i * n + j)] = -static_cast<double>(c.counts(i, j));
  std::vector<Index> classes = optimal_assignment(cost, n);
  classes.resize(static_cast<std::size_t>(K));
  for (Index& j : classes)
    if (j >= C) j = -1;
  return classes;
}

/// Part of the examples that are right when each cluster stands for its matched class.
inline double clustering_accuracy(std::span<const Index> clusters, std::span<const Index> labels) {
  const std::vector<Index> classes = matched_classes(clusters, labels);
  Index right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i)
    right += classes[static_cast<std::size_t>(clusters[i])] == labels[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

namespace detail {
/// Checks features [n, d] of clusters 0 .. K - 1, none empty, and returns their sizes, K >= 2.
template <Scalar T>
std::vector<Index> cluster_sizes(const char* where, const Tensor<T>& x,
                                 std::span<const Index> clusters) {
  if (x.rank() != 2 || x.dim(0) != static_cast<Index>(clusters.size()))
    raise<ShapeError>(where, ": features ", x.shape(), " for ", clusters.size(), " examples");
  std::vector<Index> sizes = Contingency(clusters, clusters).rows;
  if (sizes.size() < 2 || std::find(sizes.begin(), sizes.end(), 0) != sizes.end())
    raise<ArgumentError>(where, ": ", sizes.size(), " clusters, needed at least 2, none empty");
  return sizes;
}
template <Scalar T>
double distance(const T* a, const T* b, Index d) {
  double square = 0;
  for (Index j = 0; j < d; ++j) {
    const double e = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    square += e * e;
  }
  return std::sqrt(square);
}
}  // namespace detail

/// The mean silhouette (Rousseeuw 1987): (b - a) / max(a, b) of each example, a its mean distance
/// to the others of its cluster and b the least mean distance to another cluster; 0 for an example
/// that is alone. O(n^2 d). Throws ShapeError unless features are [n, d] for n cluster ids,
/// ArgumentError for fewer than two clusters or an empty one.
template <Scalar T>
double silhouette(const Tensor<T>& x, std::span<const Index> clusters) {
  const std::vector<Index> sizes = detail::cluster_sizes("silhouette", x, clusters);
  const Index n = x.dim(0), d = x.dim(1);
  double total = 0;
  for (Index i = 0; i < n; ++i) {
    std::vector<double> sum(sizes.size());
    for (Index j = 0; j < n; ++j)
      sum[static_cast<std::size_t>(clusters[static_cast<std::size_t>(j)])] +=
          detail::distance(x.data() + i * d, x.data() + j * d, d);
    const auto own = static_cast<std::size_t>(clusters[static_cast<std::size_t>(i)]);
    if (sizes[own] == 1) continue;
    const double a = sum[own] / static_cast<double>(sizes[own] - 1);
    double b = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < sizes.size(); ++k)
      if (k != own) b = std::min(b, sum[k] / static_cast<double>(sizes[k]));
    if (std::max(a, b) > 0) total += (b - a) / std::max(a, b);
  }
  return total / static_cast<double>(n);
}

/// The mean distance of examples to the mean of their cluster, over the least distance between two
/// clusters' means: the smaller, the more apart. Throws as silhouette.
template <Scalar T>
double intra_inter_ratio(const Tensor<T>& x, std::span<const Index> clusters) {
  const std::vector<Index> sizes = detail::cluster_sizes("intra_inter_ratio", x, clusters);
  const Index n = x.dim(0), d = x.dim(1), K = static_cast<Index>(sizes.size());
  Tensor<double> mean({K, d}), row(Shape{d});
  const auto cluster = [&](Index i) { return clusters[static_cast<std::size_t>(i)]; };
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < d; ++j)
      mean(cluster(i), j) += static_cast<double>(x(i, j)) /
                             static_cast<double>(sizes[static_cast<std::size_t>(cluster(i))]);
  double within = 0, between = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < d; ++j) row[j] = static_cast<double>(x(i, j));
    within += detail::distance(row.data(), mean.data() + cluster(i) * d, d);
  }
  for (Index k = 0; k < K; ++k)
    for (Index l = 0; l < k; ++l)
      between = std::min(between, detail::distance(mean.data() + k * d, mean.data() + l * d, d));
  return within / static_cast<double>(n) / between;
}

}  // namespace foglift::inline v0::probe
