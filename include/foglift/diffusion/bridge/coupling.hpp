#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/times.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace foglift::inline v0::bridge {

/// |x_i - y_j|^2 of samples x [n, ...] and y [m, ...] of one size, [n, m].
template <Scalar T>
Tensor<double> square_distances(const Tensor<T>& x, const Tensor<T>& y) {
  if (x.rank() == 0 || y.rank() == 0 || x.row_size() != y.row_size())
    raise<ShapeError>("square_distances: samples ", x.shape(), " and ", y.shape(),
                      ", needed [n, ...] and [m, ...] of one size");
  const Index n = x.row_size();
  Tensor<double> out({x.dim(0), y.dim(0)});
  for (Index i = 0; i < x.dim(0); ++i)
    for (Index j = 0; j < y.dim(0); ++j)
      for (Index k = 0; k < n; ++k)
        out(i, j) +=
            std::pow(static_cast<double>(x[i * n + k]) - static_cast<double>(y[j * n + k]), 2);
  return out;
}

struct SinkhornOptions {
  double tolerance = 1e-6;  ///< largest error of the sum of a row, in shares of the whole
  Index most_rounds = 10'000;
};

/// The plan P [n, m] that minimizes sum(P cost) + regularization * sum(P ln P) with all rows of the
/// sum 1 / n and all columns of 1 / m (Cuturi 2013), by Sinkhorn's rounds on logarithms, so that no
/// regularization is too small for the numbers. Throws ArgumentError unless the regularization is
/// positive, NumericError for costs that are not finite, or if the rounds do not suffice.
inline Tensor<double> sinkhorn(const Tensor<double>& cost, double regularization,
                               const SinkhornOptions& options = {}) {
  if (cost.rank() != 2 || cost.empty())
    raise<ShapeError>("sinkhorn: costs ", cost.shape(), ", needed [n, m], not empty");
  if (!(regularization > 0 && std::isfinite(regularization)))
    raise<ArgumentError>("sinkhorn: regularization ", regularization, ", must be positive");
  for (const double c : cost)
    if (!std::isfinite(c)) raise<NumericError>("sinkhorn: cost ", c);
  const Index n = cost.dim(0), m = cost.dim(1);
  Tensor<double> plan(cost.shape());
  std::vector<double> f(static_cast<std::size_t>(n)), g(static_cast<std::size_t>(m));
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  // -ln sum over k of exp(term(k)) - ln(count)
  const auto soft = [](Index terms, Index count, const auto& term) {
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index k = 0; k < terms; ++k) most = std::max(most, term(k));
    for (Index k = 0; k < terms; ++k) sum += std::exp(term(k) - most);
    return -most - std::log(sum) - std::log(static_cast<double>(count));
  };
  for (Index round = 0; round < options.most_rounds; ++round) {
    for (Index i = 0; i < n; ++i)
      f[at(i)] = soft(m, n, [&](Index j) { return g[at(j)] - cost(i, j) / regularization; });
    for (Index j = 0; j < m; ++j)
      g[at(j)] = soft(n, m, [&](Index i) { return f[at(i)] - cost(i, j) / regularization; });
    double worst = 0;
    for (Index i = 0; i < n; ++i) {
      double row = 0;
      for (Index j = 0; j < m; ++j) {
        plan(i, j) = std::exp(f[at(i)] + g[at(j)] - cost(i, j) / regularization);
        row += plan(i, j);
      }
      worst = std::max(worst, std::abs(row * static_cast<double>(n) - 1));
    }
    if (worst <= options.tolerance) return plan;
  }
  raise<NumericError>("sinkhorn: rows are off by more than ", options.tolerance, " after ",
                      options.most_rounds, " rounds; a larger regularization needs fewer");
}

/// A column of a plan for each of its rows, drawn by the row's shares and keyed by (rng, sample,
/// step): partners of a batch, x1.rows(draw_partners(plan, rng, draws)) beside x0.
inline std::vector<Index> draw_partners(const Tensor<double>& plan, const Rng& rng,
                                        const Draws& draws) {
  if (plan.rank() != 2 || plan.empty())
    raise<ShapeError>("draw_partners: a plan ", plan.shape(), ", needed [n, m], not empty");
  draws.check(plan.dim(0), "draw_partners");
  std::vector<Index> out;
  for (Index i = 0; i < plan.dim(0); ++i) {
    double whole = 0;
    for (Index j = 0; j < plan.dim(1); ++j) whole += plan(i, j);
    double left = whole * rng.uniform(draws.sample(i), static_cast<std::uint32_t>(draws.step));
    Index j = 0;
    while (j + 1 < plan.dim(1) && left >= plan(i, j)) left -= plan(i, j++);
    out.push_back(j);
  }
  return out;
}

}  // namespace foglift::inline v0::bridge
