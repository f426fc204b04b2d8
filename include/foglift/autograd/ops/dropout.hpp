#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/kernels/pointwise/elementwise.hpp"

namespace foglift::inline v0 {

/// Inverted dropout (Srivastava et al. 2014) of x [B, ...]: an element is 0 with probability `rate`
/// and x / (1 - rate) otherwise, decided by rng at (first_sample + row, step, element): the same
/// for a sample in any batch, and drawn again rather than stored for the gradient. Throws
/// ArgumentError unless 0 <= rate < 1.
template <Scalar T>
Tensor<T> dropout(const Tensor<T>& x, double rate, const Rng& rng, std::uint64_t first_sample,
                  std::uint32_t step) {
  if (!(rate >= 0 && rate < 1))
    raise<ArgumentError>("dropout: rate ", rate, ", needed is 0 <= rate < 1");
  if (rate == 0) return x;
  Tensor<T> y = rng.uniform<T>(x.shape(), first_sample, step);
  using L = kernels::Lanes<T>;
  const L limit(static_cast<T>(rate)), scale(static_cast<T>(1 / (1 - rate)));
  const auto keep = [=](L u, L v) { return where_less(u, limit, L(0), v * scale); };
  kernels::map_parallel(y.size(), y.data(), keep, std::as_const(y).data(), x.data());
  return y;
}
template <Scalar T>
Var<T> dropout(const Var<T>& x, double rate, const Rng& rng, std::uint64_t first_sample,
               std::uint32_t step) {
  return x.tape().record(dropout(x.value(), rate, rng, first_sample, step), {x},
                         [x, rate, rng, first_sample, step](const Tensor<T>& dy, const auto& grad) {
                           grad(x, dropout(dy, rate, rng, first_sample, step));
                         });
}

#define FOGLIFT_OPS_DROPOUT(linkage, X) \
  linkage X dropout(const X&, double, const Rng&, std::uint64_t, std::uint32_t)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_DROPOUT, extern template);

}  // namespace foglift::inline v0
