#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/attention.hpp"

#include <optional>

namespace foglift {
inline namespace v0 {

namespace detail {

/// Throws what attention says.
template <Scalar T>
kernels::AttentionGeometry attention_geometry(const Tensor<T>& q, const Tensor<T>& k,
                                              const Tensor<T>& v, Index heads) {
  if (q.rank() != 3 || k.rank() != 3 || v.rank() != 3 || q.dim(0) != k.dim(0) ||
      q.dim(2) != k.dim(2) || k.dim(0) != v.dim(0) || k.dim(1) != v.dim(1))
    raise<ShapeError>("attention: q ", q.shape(), ", k ", k.shape(), ", v ", v.shape(),
                      ", needed are [B, N, D], [B, M, D] and [B, M, Dv]");
  if (heads < 1 || q.dim(2) < 1 || q.dim(2) % heads != 0 || v.dim(2) % heads != 0)
    raise<ArgumentError>("attention: ", heads, " heads for q ", q.shape(), " and v ", v.shape(),
                         ", must divide the channels of both");
  return {q.dim(0), q.dim(1), k.dim(1), heads, q.dim(2) / heads, v.dim(2) / heads};
}

template <Scalar T>
kernels::AttentionMask<T> attention_mask(const kernels::AttentionGeometry& g,
                                         const Tensor<T>* mask) {
  if (!mask) return {};
  if (mask->shape() == Shape{g.B, g.M}) return {mask->data(), g.M, 0};
  if (mask->shape() == Shape{g.B, g.N, g.M}) return {mask->data(), g.N * g.M, g.M};
  raise<ShapeError>("attention: mask ", mask->shape(), ", needed is ", Shape{g.B, g.M}, " or ",
                    Shape{g.B, g.N, g.M});
}

}  // namespace detail

/// Multi-head scaled dot-product attention (Vaswani et al. 2017): q [B, N, D], k [B, M, D],
/// v [B, M, Dv] -> [B, N, Dv]; head h takes channels [h D / heads, (h + 1) D / heads) of q and k
/// and its share of v. mask [B, M] or [B, N, M], nonzero = may attend; a query with nothing to
/// attend gets zeros. Throws ShapeError where shapes do not fit, ArgumentError where heads does not
/// divide D and Dv.
template <Scalar T>
Tensor<T> attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v, Index heads,
                    const Tensor<T>* mask = nullptr) {
  const auto g = detail::attention_geometry(q, k, v, heads);
  auto y = Tensor<T>::uninitialized({g.B, g.N, v.dim(2)});
  kernels::attention<T>(g, q.data(), k.data(), v.data(), detail::attention_mask(g, mask), y.data(),
                        nullptr);
  return y;
}
template <Scalar T>
Var<T> attention(const Var<T>& q, const Var<T>& k, const Var<T>& v, Index heads,
                 const Tensor<T>* mask = nullptr) {
  if (!q.needs_gradient() && !k.needs_gradient() && !v.needs_gradient())
    return q.tape().record(attention(q.value(), k.value(), v.value(), heads, mask), {q, k, v}, {});
  const auto g = detail::attention_geometry(q.value(), k.value(), v.value(), heads);
  auto y = Tensor<T>::uninitialized({g.B, g.N, v.dim(2)});
  auto lse = Tensor<T>::uninitialized({g.B, g.heads, g.N});
  kernels::attention<T>(g, q.value().data(), k.value().data(), v.value().data(),
                        detail::attention_mask(g, mask), y.data(), lse.data());
  std::optional<Tensor<T>> kept;
  if (mask) kept = *mask;
  return q.tape().record(std::move(y), {q, k, v},
                         [q, k, v, g, lse = std::move(lse), kept = std::move(kept)](
                             const Tensor<T>& dy, const auto& grad) {
                           Tensor<T> dq, dk, dv;
                           if (grad.needs(q)) dq = Tensor<T>::uninitialized(q.shape());
                           if (grad.needs(k)) dk = Tensor<T>::uninitialized(k.shape());
                           if (grad.needs(v)) dv = Tensor<T>::uninitialized(v.shape());
                           kernels::attention_backward<T>(
                               g, q.value().data(), k.value().data(), v.value().data(),
                               detail::attention_mask(g, kept ? &*kept : nullptr), lse.data(),
                               dy.data(), grad.needs(q) ? dq.data() : nullptr,
                               grad.needs(k) ? dk.data() : nullptr,
                               grad.needs(v) ? dv.data() : nullptr);
                           if (grad.needs(q)) grad(q, std::move(dq));
                           if (grad.needs(k)) grad(k, std::move(dk));
                           if (grad.needs(v)) grad(v, std::move(dv));
                         });
}

}  // namespace v0
}  // namespace foglift
