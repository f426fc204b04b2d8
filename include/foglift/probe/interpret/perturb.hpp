#pragma once

#include "foglift/core/rng.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

/// How much the score of each sample of x [B, H, W, C] falls where a square of `window` pixels is
/// set to `value`: the mean over the squares that hold a pixel, [B, H, W] (Zeiler & Fergus 2014).
/// Squares are `stride` apart, the last one at the border. score(x) is a Tensor [B]. Throws
/// ShapeError for another rank, ArgumentError unless 1 <= stride <= window <= H, W.
template <Scalar T, class F>
Tensor<double> occlusion(const F& score, const Tensor<T>& x, Index window, Index stride,
                         T value = 0) {
  if (x.rank() != 4) raise<ShapeError>("occlusion: x ", x.shape(), ", needed [B, H, W, C]");
  const Index B = x.dim(0), H = x.dim(1), W = x.dim(2), C = x.dim(3);
  if (stride < 1 || window < stride || window > std::min(H, W))
    raise<ArgumentError>("occlusion: squares of ", window, ", ", stride, " apart, on ", x.shape());
  const auto places = [&](Index n) {
    std::vector<Index> at;
    for (Index i = 0; i + window < n; i += stride) at.push_back(i);
    at.push_back(n - window);
    return at;
  };
  const Tensor<T> whole = score(x);
  Tensor<double> falls({B, H, W}), count({H, W});
  for (const Index top : places(H))
    for (const Index left : places(W)) {
      Tensor<T> hidden = x;
      const auto each = [&](const auto& f) {
        for (Index i = top; i < top + window; ++i)
          for (Index j = left; j < left + window; ++j) f(i, j);
      };
      each([&](Index i, Index j) {
        count(i, j) += 1;
        for (Index b = 0; b < B; ++b)
          std::fill_n(hidden.data() + ((b * H + i) * W + j) * C, C, value);
      });
      const Tensor<T> left_over = score(std::as_const(hidden));
      each([&](Index i, Index j) {
        for (Index b = 0; b < B; ++b)
          falls(b, i, j) += static_cast<double>(whole[b]) - static_cast<double>(left_over[b]);
      });
    }
  for (Index i = 0; i < falls.size(); ++i) falls[i] /= count[i % (H * W)];
  return falls;
}

/// The area under the score of one example x [1, ...] as its elements go over to those of `other`,
/// those of the largest attribution first, in `steps` equal parts, the trapezoids' sum over a part
/// from 0 to 1 (Petsiuk et al. 2018): from x to a baseline it is deletion, the lower the better the
/// attribution; from a baseline to x it is insertion, the higher the better. Throws ShapeError
/// unless all have one shape, ArgumentError for steps < 1.
template <Scalar T, class F, Scalar A>
double transition_area(const F& score, const Tensor<T>& x, const Tensor<T>& other,
                       const Tensor<A>& attribution, Index steps = 20) {
  if (x.rank() < 1 || x.dim(0) != 1 || x.shape() != other.shape() ||
      x.shape() != attribution.shape())
    raise<ShapeError>("transition_area: x ", x.shape(), ", other ", other.shape(), ", attribution ",
                      attribution.shape(), ", needed one shape [1, ...]");
  if (steps < 1) raise<ArgumentError>("transition_area: ", steps, " steps");
  std::vector<Index> order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return attribution[a] > attribution[b]; });
  Tensor<T> at = x;
  double area = 0, before = static_cast<double>(score(x).item());
  for (Index k = 0; k < steps; ++k) {
    for (Index i = k * x.size() / steps; i < (k + 1) * x.size() / steps; ++i)
      at[order[static_cast<std::size_t>(i)]] = other[order[static_cast<std::size_t>(i)]];
    const auto after = static_cast<double>(score(std::as_const(at)).item());
    area += 0.5 * (before + after) / static_cast<double>(steps);
    before = after;
  }
  return area;
}

/// How much a metric of features x [n, d] falls when a column is dealt to the rows in a random
/// order, the mean over `repeats` orders, for each column (Breiman 2001; Fisher et al. 2019): what
/// a fitted model relies on. metric(x) is a number, the larger the better. Throws ShapeError for
/// another rank, ArgumentError for repeats < 1.
template <Scalar T, class F>
std::vector<double> permutation_importance(const F& metric, const Tensor<T>& x, const Rng& rng,
                                           Index repeats = 5) {
  if (x.rank() != 2) raise<ShapeError>("permutation_importance: features ", x.shape());
  if (repeats < 1) raise<ArgumentError>("permutation_importance: ", repeats, " repeats");
  const double whole = metric(x);
  std::vector<double> out;
  for (Index j = 0; j < x.dim(1); ++j) {
    double sum = 0;
    for (Index r = 0; r < repeats; ++r) {
      Tensor<T> dealt = x;
      const Rng own = rng.stream(static_cast<std::uint64_t>(j * repeats + r));
      for (Index i = x.dim(0) - 1; i > 0; --i)
        std::swap(dealt(i, j), dealt(own.index(i + 1, static_cast<std::uint64_t>(i)), j));
      sum += whole - metric(std::as_const(dealt));
    }
    out.push_back(sum / static_cast<double>(repeats));
  }
  return out;
}

/// The mean over rows of x [n, d] of a model's answer with column j set to each of `values`
/// (Friedman 2001, section 8.2): predict(x) is a Tensor [n]. Throws ShapeError for another rank,
/// ArgumentError for a column outside.
template <Scalar T, class F>
std::vector<double> partial_dependence(const F& predict, const Tensor<T>& x, Index j,
                                       const std::vector<T>& values) {
  if (x.rank() != 2) raise<ShapeError>("partial_dependence: features ", x.shape());
  if (j < 0 || j >= x.dim(1) || x.dim(0) < 1)
    raise<ArgumentError>("partial_dependence: column ", j, " of ", x.shape());
  std::vector<double> out;
  for (const T v : values) {
    Tensor<T> at = x;
    for (Index i = 0; i < x.dim(0); ++i) at(i, j) = v;
    double sum = 0;
    for (const T y : predict(std::as_const(at))) sum += static_cast<double>(y);
    out.push_back(sum / static_cast<double>(x.dim(0)));
  }
  return out;
}

}  // namespace foglift::inline v0::probe
