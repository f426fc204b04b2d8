#pragma once

#include "foglift/core/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace foglift::inline v0::probe {

struct SinkhornOptions {
  double eps = 0.05;        ///< of the entropy, in units of the cost; the smaller, the sharper
  double tolerance = 1e-9;  ///< of the plan's row sums, in total
  Index max_rounds = 10000;
};

/// A way to move mass a [n] to b [m].
struct TransportPlan {
  Tensor<double> plan;  ///< [n, m], rows sum to a and columns to b
  double cost = 0;      ///< sum of plan times cost, without the entropy
  Index rounds = 0;
};

/// The plan with the least sum(plan cost) - eps entropy(plan) (Cuturi 2013), by scaling rows and
/// columns in turn (Sinkhorn & Knopp 1967), in logarithms. With cost = -scores [examples,
/// prototypes] and even a, b it is the balanced assignment of self-labelling (Caron et al. 2020,
/// SwAV). Throws ShapeError unless cost is [n, m], ArgumentError unless a and b are positive of the
/// same sum, NumericError if max_rounds do not reach the tolerance.
inline TransportPlan sinkhorn(const Tensor<double>& cost, std::span<const double> a,
                              std::span<const double> b, const SinkhornOptions& o = {}) {
  const auto n = static_cast<Index>(a.size()), m = static_cast<Index>(b.size());
  if (cost.shape() != Shape{n, m} || n < 1 || m < 1)
    raise<ShapeError>("sinkhorn: cost ", cost.shape(), " for masses of ", n, " and ", m);
  double sum_a = 0, sum_b = 0;
  for (const auto* masses : {&a, &b})
    for (const double v : *masses) {
      if (!(v > 0)) raise<ArgumentError>("sinkhorn: mass ", v, ", must be positive");
      (masses == &a ? sum_a : sum_b) += v;
    }
  if (std::abs(sum_a - sum_b) > 1e-9 * sum_a || !(o.eps > 0))
    raise<ArgumentError>("sinkhorn: masses of sum ", sum_a, " and ", sum_b, ", eps ", o.eps);
  std::vector<double> f(a.size()), g(b.size());  // potentials: plan = exp((f + g - cost) / eps)
  const auto at = [&](Index i, Index j) {
    return (f[static_cast<std::size_t>(i)] + g[static_cast<std::size_t>(j)] - cost(i, j)) / o.eps;
  };
  // Adds to the potential of line i what brings the sum of its `count` entries to `mass`.
  const auto scale = [&](double& potential, double mass, Index count, const auto& entry) {
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index k = 0; k < count; ++k) top = std::max(top, entry(k));
    for (Index k = 0; k < count; ++k) sum += std::exp(entry(k) - top);
    potential += o.eps * (std::log(mass) - top - std::log(sum));
  };
  TransportPlan out{Tensor<double>({n, m})};
  for (double error = std::numeric_limits<double>::infinity(); error > o.tolerance * sum_a;) {
    if (out.rounds++ >= o.max_rounds)
      raise<NumericError>("sinkhorn: row sums off by ", error, " after ", o.max_rounds,
                          " rounds; a larger eps needs fewer");
    for (Index i = 0; i < n; ++i)
      scale(f[static_cast<std::size_t>(i)], a[static_cast<std::size_t>(i)], m,
            [&](Index j) { return at(i, j); });
    for (Index j = 0; j < m; ++j)
      scale(g[static_cast<std::size_t>(j)], b[static_cast<std::size_t>(j)], n,
            [&](Index i) { return at(i, j); });
    error = 0;  // columns are right now, rows nearly
    for (Index i = 0; i < n; ++i) {
      double row = 0;
      for (Index j = 0; j < m; ++j) row += out.plan(i, j) = std::exp(at(i, j));
      error += std::abs(row - a[static_cast<std::size_t>(i)]);
    }
  }
  for (Index i = 0; i < n * m; ++i) out.cost += out.plan[i] * cost[i];
  return out;
}

}  // namespace foglift::inline v0::probe
