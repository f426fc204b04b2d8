#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/probe/retrieval.hpp"

#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

struct KMeansOptions {
  Index restarts = 8;
  Index max_rounds = 100;  ///< of one restart; most end before, where no example changes its mean
};

/// Means [k, d], the mean of every example, and what is left: the sum of squared distances to them.
struct Clusters {
  Tensor<double> means;
  std::vector<Index> of;
  double inertia = std::numeric_limits<double>::infinity();

  /// The nearest mean of each row of x [n, d].
  template <Scalar T>
  std::vector<Index> assign(const Tensor<T>& x) const {
    const Neighbours near = nearest(x.template cast<double>(), means, 1);
    return {near.index.begin(), near.index.end()};
  }
};

namespace detail {

/// k rows of x, each drawn with a chance in proportion to its squared distance to those before it
/// (Arthur & Vassilvitskii 2007, k-means++).
inline Tensor<double> spread_rows(const Tensor<double>& x, Index k, const Rng& rng) {
  std::vector<Index> chosen{rng.index(x.dim(0), 0)};
  std::vector<double> square(static_cast<std::size_t>(x.dim(0)),
                             std::numeric_limits<double>::infinity());
  while (std::ssize(chosen) < k) {
    double sum = 0;
    for (Index i = 0; i < x.dim(0); ++i) {
      double s = 0;
      for (Index j = 0; j < x.dim(1); ++j) {
        const double e = x(i, j) - x(chosen.back(), j);
        s += e * e;
      }
      auto& least = square[static_cast<std::size_t>(i)];
      sum += least = std::min(least, s);
    }
    double at = sum * rng.uniform(chosen.size());
    Index next = 0;
    while (next + 1 < x.dim(0) && (at -= square[static_cast<std::size_t>(next)]) >= 0) ++next;
    chosen.push_back(next);
  }
  return x.rows(chosen);
}

/// Moves every mean to the examples that are nearest to it, until none changes (Lloyd 1982). A mean
/// without examples moves to the example that is farthest from its own.
inline Clusters lloyd(const Tensor<double>& x, Tensor<double> means, Index max_rounds) {
  Clusters c{std::move(means), {}};
  const Index k = c.means.dim(0), d = x.dim(1);
  for (Index round = 0; round < max_rounds; ++round) {
    const Neighbours near = nearest(x, c.means, 1);
    std::vector<Index> of(near.index.begin(), near.index.end());
    c.inertia = 0;
    for (const double r : near.distance) c.inertia += r * r;
    if (of == c.of) break;
    c.of = std::move(of);
    c.means.fill(0);
    std::vector<Index> count(static_cast<std::size_t>(k));
    for (Index i = 0; i < x.dim(0); ++i) {
      const Index own = c.of[static_cast<std::size_t>(i)];
      ++count[static_cast<std::size_t>(own)];
      for (Index j = 0; j < d; ++j) c.means(own, j) += x(i, j);
    }
    for (Index l = 0; l < k; ++l) {
      const Index members = count[static_cast<std::size_t>(l)];
      const Index far =
          std::max_element(near.distance.begin(), near.distance.end()) - near.distance.begin();
      for (Index j = 0; j < d; ++j)
        c.means(l, j) = members ? c.means(l, j) / static_cast<double>(members) : x(far, j);
    }
  }
  return c;
}

}  // namespace detail

/// k clusters of the rows of x [n, d] with the least inertia of several restarts from means spread
/// by k-means++. A pure function of its arguments. Throws ShapeError for another rank,
/// ArgumentError unless 1 <= k <= n, with a restart and a round at least.
template <Scalar T>
Clusters k_means(const Tensor<T>& x, Index k, const Rng& rng, const KMeansOptions& o = {}) {
  if (x.rank() != 2) raise<ShapeError>("k_means: features ", x.shape(), ", needed [n, d]");
  if (k < 1 || k > x.dim(0) || o.restarts < 1 || o.max_rounds < 1)
    raise<ArgumentError>("k_means: ", k, " clusters of ", x.dim(0), " examples, ", o.restarts,
                         " restarts of ", o.max_rounds, " rounds");
  const Tensor<double> rows = x.template cast<double>();
  Clusters best;
  for (Index r = 0; r < o.restarts; ++r) {
    const Rng own = rng.stream(static_cast<std::uint64_t>(r));
    Clusters c = detail::lloyd(rows, detail::spread_rows(rows, k, own), o.max_rounds);
    if (c.inertia < best.inertia) best = std::move(c);
  }
  return best;
}

}  // namespace foglift::inline v0::probe
