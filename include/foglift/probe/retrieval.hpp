#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// The nearest stored rows of each query, nearest first.
struct Neighbours {
  Tensor<Index> index;      ///< [queries, k], rows of the store
  Tensor<double> distance;  ///< [queries, k]
};

enum class Distance {
  euclidean,  ///< |a - b|
  cosine      ///< 1 - a . b / (|a| |b|); of a row of zeros 1
};

/// Exact retrieval: the k rows of store [n, d] that are nearest to each of queries [m, d], by a
/// scan of all; of equal ones the first. Products are summed in double. What retrieval-augmented
/// diffusion (Blattmann et al. 2022) and kNN-diffusion (Sheynin et al. 2023) are conditioned on.
/// Throws ShapeError unless both are [., d], ArgumentError unless 1 <= k <= n.
template <Scalar T>
Neighbours nearest(const Tensor<T>& queries, const Tensor<T>& store, Index k,
                   Distance distance = Distance::euclidean) {
  if (queries.rank() != 2 || store.rank() != 2 || queries.dim(1) != store.dim(1))
    raise<ShapeError>("nearest: queries ", queries.shape(), " in a store ", store.shape(),
                      ", needed [m, d] and [n, d]");
  const Index m = queries.dim(0), n = store.dim(0), d = store.dim(1);
  if (k < 1 || k > n) raise<ArgumentError>("nearest: ", k, " of ", n, " rows");
  const auto dot = [d](const T* a, const T* b) {
    double sum = 0;
    for (Index j = 0; j < d; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    return sum;
  };
  std::vector<double> square(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i)
    square[static_cast<std::size_t>(i)] = dot(&store(i, 0), &store(i, 0));
  Neighbours out{Tensor<Index>({m, k}), Tensor<double>({m, k})};
  parallel_for(m, 1, [&](Index q) {
    const T* const query = queries.data() + q * d;
    const double own = dot(query, query);
    std::vector<std::pair<double, Index>> all;
    all.reserve(static_cast<std::size_t>(n));
    for (Index i = 0; i < n; ++i) {
      const double p = dot(query, store.data() + i * d), s = square[static_cast<std::size_t>(i)];
      const double norms = std::sqrt(own * s);
      all.emplace_back(distance == Distance::cosine ? (norms > 0 ? 1 - p / norms : 1)
                                                    : std::sqrt(std::max(0.0, own + s - 2 * p)),
                       i);
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (Index i = 0; i < k; ++i) {
      out.distance(q, i) = all[static_cast<std::size_t>(i)].first;
      out.index(q, i) = all[static_cast<std::size_t>(i)].second;
    }
  });
  return out;
}

}  // namespace foglift::inline v0::probe
