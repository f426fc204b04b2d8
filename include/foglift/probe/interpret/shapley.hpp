#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// Shapley values of a linear score w . x with independent features: w_j (x_j - mean_j) (Lundberg &
/// Lee 2017, corollary 1), exactly; rows of x [n, d]. Throws ShapeError unless w and mean are [d].
template <Scalar T>
Tensor<double> linear_shapley(const Tensor<T>& x, const Tensor<double>& w,
                              const Tensor<double>& mean) {
  if (x.rank() != 2 || w.shape() != Shape{x.dim(1)} || mean.shape() != w.shape())
    raise<ShapeError>("linear_shapley: x ", x.shape(), ", weights ", w.shape(), ", mean ",
                      mean.shape());
  Tensor<double> out(x.shape());
  for (Index i = 0; i < x.size(); ++i) {
    const Index j = i % x.dim(1);
    out[i] = w[j] * (static_cast<double>(x[i]) - mean[j]);
  }
  return out;
}

/// Shapley values of the features of one example x [d], sampled (Strumbelj & Kononenko 2014,
/// algorithm 1): in each of `orders` random orders, features change from those of a random row of
/// background [m, d] to those of x one after the other, and each is given what the score changes
/// by. score(rows [k, d]) is a Tensor [k]. The sum of the values is score(x) less the mean score of
/// the backgrounds drawn, exactly: efficiency. Returns the values [d] and that mean. Throws
/// ShapeError for other shapes, ArgumentError for orders < 1.
template <Scalar T, class F>
std::pair<Tensor<double>, double> sampled_shapley(const F& score, const Tensor<T>& x,
                                                  const Tensor<T>& background, Index orders,
                                                  const Rng& rng) {
  if (x.rank() != 1 || background.rank() != 2 || background.dim(1) != x.size() ||
      background.dim(0) < 1)
    raise<ShapeError>("sampled_shapley: x ", x.shape(), ", background ", background.shape(),
                      ", needed [d] and [m, d]");
  if (orders < 1) raise<ArgumentError>("sampled_shapley: ", orders, " orders");
  const Index d = x.size();
  Tensor<double> values(Shape{d});
  double base = 0;
  for (Index o = 0; o < orders; ++o) {
    const auto key = static_cast<std::uint64_t>(o);
    std::vector<Index> order(static_cast<std::size_t>(d));
    std::iota(order.begin(), order.end(), Index{0});
    for (Index i = d - 1; i > 0; --i)
      std::swap(
          order[static_cast<std::size_t>(i)],
          order[static_cast<std::size_t>(rng.index(i + 1, key, static_cast<std::uint32_t>(i)))]);
    const Index from = rng.index(background.dim(0), key, static_cast<std::uint32_t>(d));
    Tensor<T> rows({d + 1, d});  // row k: the first k features of the order are those of x
    for (Index k = 0; k <= d; ++k) {
      std::copy_n(background.data() + from * d, d, rows.data() + k * d);
      for (Index i = 0; i < k; ++i) {
        const Index j = order[static_cast<std::size_t>(i)];
        rows(k, j) = x[j];
      }
    }
    const Tensor<T> s = score(std::as_const(rows));
    if (s.shape() != Shape{d + 1})
      raise<ShapeError>("sampled_shapley: scores ", s.shape(), " of rows ", rows.shape());
    base += static_cast<double>(s[0]) / static_cast<double>(orders);
    for (Index k = 0; k < d; ++k)
      values[order[static_cast<std::size_t>(k)]] +=
          (static_cast<double>(s[k + 1]) - static_cast<double>(s[k])) / static_cast<double>(orders);
  }
  return {std::move(values), base};
}

}  // namespace foglift::inline v0::probe
