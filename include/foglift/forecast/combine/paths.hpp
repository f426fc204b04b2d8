#pragma once

#include "foglift/core/parallel.hpp"
#include "foglift/forecast/score/quantile.hpp"

#include <numeric>

namespace foglift::inline v0::forecast {

namespace detail {
/// Path numbers of one cell (window, step) of paths [W, S, H] in increasing order of their values;
/// equal ones by number.
inline void rank_order(const Tensor<double>& paths, Index window, Index step,
                       std::vector<Index>& order) {
  order.resize(static_cast<std::size_t>(paths.dim(1)));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return paths(window, a, step) < paths(window, b, step);
  });
}

/// Throws ArgumentError, which begins with `where`, unless there is a part and all are paths of one
/// shape [W, S, H].
inline void require_parts(std::span<const Tensor<double>> parts, const char* where) {
  if (parts.empty()) raise<ArgumentError>(where, ": no part");
  for (const Tensor<double>& part : parts) {
    require_paths(part.shape(), where);
    if (part.shape() != parts[0].shape())
      raise<ShapeError>(where, ": a part is ", part.shape(), ", the first ", parts[0].shape());
  }
}
}  // namespace detail

/// One forecast of several: at every cell the weighted mean of the parts' quantile functions
/// (Vincentization; Ratcliff 1979, Lichtendahl et al. 2013), which keeps the shape of parts that
/// agree where a mixture would widen it. Its values are given to paths in the order of the part
/// `order`, its empirical copula (Schefzik et al. 2013, section 2), so that paths stay paths: a
/// path that is high in that part is as high among the result. Parts and result are [W, S, H]; a
/// weight of 1 gives its part to the bit if it is also the order. Throws ShapeError for parts of
/// several shapes, ArgumentError for weights that are no weights or no part to order by,
/// NumericError for a path that is not finite.
inline Tensor<double> combine(std::span<const Tensor<double>> parts,
                              std::span<const double> weights, Index order) {
  detail::require_parts(parts, "combine");
  if (weights.size() != parts.size() || order < 0 || order >= std::ssize(parts))
    raise<ArgumentError>("combine: ", weights.size(), " weights and order ", order, " for ",
                         parts.size(), " parts");
  for (const double w : weights)
    if (!(w >= 0 && w <= 1)) raise<ArgumentError>("combine: weight ", w, ", needed in [0, 1]");
  Tensor<double> out(parts[0].shape());
  const Index W = out.dim(0), S = out.dim(1), H = out.dim(2);
  parallel_for(W * H, 8, [&](Index cell) {
    const Index w = cell / H, h = cell % H;
    std::vector<double> members, sum(static_cast<std::size_t>(S));
    for (std::size_t k = 0; k < parts.size(); ++k) {
      if (weights[k] == 0) continue;
      detail::sorted_members(parts[k], w, h, members);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[k] * members[i];
    }
    std::vector<Index> ranks;
    detail::rank_order(parts[static_cast<std::size_t>(order)], w, h, ranks);
    for (std::size_t i = 0; i < sum.size(); ++i) out(w, ranks[i], h) = sum[i];
  });
  return out;
}

}  // namespace foglift::inline v0::forecast
