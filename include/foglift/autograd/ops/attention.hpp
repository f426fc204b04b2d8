#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/core/offset_by.hpp"
#include "foglift/kernels/attention/backward.hpp"

#include <optional>

namespace foglift::inline v0 {

namespace detail {

/// Throws what attention says.
inline kernels::AttentionGeometry attention_geometry(const char* op, const Shape& q, const Shape& k,
                                                     const Shape& v, Index heads) {
  if (q.rank() != 3 || k.rank() != 3 || v.rank() != 3 || q[0] != k[0] || q[2] != k[2] ||
      k[0] != v[0] || k[1] != v[1])
    raise<ShapeError>(op, ": q ", q, ", k ", k, ", v ", v,
                      ", needed are [B, N, D], [B, M, D] and [B, M, Dv]");
  if (heads < 1 || q[2] < 1 || q[2] % heads != 0 || v[2] % heads != 0)
    raise<ArgumentError>(op, ": ", heads, " heads for q ", q, " and v ", v,
                         ", must divide the channels of both");
  return {q[0], q[1], k[1], heads, q[2] / heads, v[2] / heads};
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

/// The i-th of `parts` equal parts of the channels of x [B, N, parts * C].
template <class T, class X>
kernels::Tokens<T> part(X& x, Index i = 0, Index parts = 1) {
  return {offset_by(x.data(), i * (x.dim(-1) / parts)), x.dim(-1)};
}
inline Shape part_shape(const Shape& x, Index parts) { return x.with(-1, x.dim(-1) / parts); }

/// Where attention finds its queries, keys and values: in channels of its inputs.
template <Scalar T>
struct AttentionInputs {
  kernels::AttentionGeometry g;
  kernels::Tokens<const T> q, k, v;

  Tensor<T> operator()(const Tensor<T>* mask, Tensor<T>* lse = nullptr) const {
    auto y = Tensor<T>::uninitialized({g.B, g.N, g.heads * g.dv});
    if (lse) *lse = Tensor<T>::uninitialized({g.B, g.heads, g.N});
    kernels::attention<T>(g, q, k, v, attention_mask(g, mask), part<T>(y),
                          lse ? lse->data() : nullptr);
    return y;
  }
};

/// Records attention of `in` on the tape; backward(lse, mask, dy, grad) as it is for these inputs.
template <Scalar T, class F>
Var<T> record_attention(const AttentionInputs<T>& in, const Tensor<T>* mask,
                        std::initializer_list<Var<T>> inputs, const F& backward) {
  bool needed = false;
  for (const Var<T>& x : inputs) needed = needed || x.needs_gradient();
  Tape<T>& tape = inputs.begin()->tape();
  if (!needed) return tape.record(in(mask), inputs, {});
  Tensor<T> lse, y = in(mask, &lse);
  std::optional<Tensor<T>> kept;
  if (mask) kept = *mask;
  return tape.record(
      std::move(y), inputs,
      [in, backward, lse = std::move(lse), kept = std::move(kept)](const Tensor<T>& dy,
                                                                   const auto& grad) {
        backward(
            [&](kernels::Tokens<T> dq, kernels::Tokens<T> dk, kernels::Tokens<T> dv) {
              kernels::attention_backward<T>(in.g, in.q, in.k, in.v,
                                             attention_mask(in.g, kept ? &*kept : nullptr),
                                             lse.data(), part<const T>(dy), dq, dk, dv);
            },
            grad);
      });
}

template <Scalar T>
AttentionInputs<T> attention_inputs(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                    Index heads) {
  return {attention_geometry("attention", q.shape(), k.shape(), v.shape(), heads), part<const T>(q),
          part<const T>(k), part<const T>(v)};
}
template <Scalar T>
AttentionInputs<T> attention_inputs(const Tensor<T>& qkv, Index heads) {
  if (qkv.rank() != 3 || qkv.dim(2) % 3 != 0)
    raise<ShapeError>("self_attention: qkv ", qkv.shape(), ", needed is [B, N, 3 D]");
  const Shape one = part_shape(qkv.shape(), 3);
  return {attention_geometry("self_attention", one, one, one, heads), part<const T>(qkv, 0, 3),
          part<const T>(qkv, 1, 3), part<const T>(qkv, 2, 3)};
}
template <Scalar T>
AttentionInputs<T> attention_inputs(const Tensor<T>& q, const Tensor<T>& kv, Index heads) {
  if (kv.rank() != 3 || kv.dim(2) % 2 != 0)
    raise<ShapeError>("cross_attention: kv ", kv.shape(), ", needed is [B, M, 2 D]");
  const Shape one = part_shape(kv.shape(), 2);
  return {attention_geometry("cross_attention", q.shape(), one, one, heads), part<const T>(q),
          part<const T>(kv, 0, 2), part<const T>(kv, 1, 2)};
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
  return detail::attention_inputs(q, k, v, heads)(mask);
}
template <Scalar T>
Var<T> attention(const Var<T>& q, const Var<T>& k, const Var<T>& v, Index heads,
                 const Tensor<T>* mask = nullptr) {
  return detail::record_attention(
      detail::attention_inputs(q.value(), k.value(), v.value(), heads), mask, {q, k, v},
      [q, k, v](const auto& backward, const auto& grad) {
        Tensor<T> dq, dk, dv;
        const auto wanted = [&](const Var<T>& x, Tensor<T>& dx) {
          if (!grad.needs(x)) return kernels::Tokens<T>{};
          dx = Tensor<T>::uninitialized(x.shape());
          return detail::part<T>(dx);
        };
        const auto to_q = wanted(q, dq), to_k = wanted(k, dk), to_v = wanted(v, dv);
        backward(to_q, to_k, to_v);
        if (grad.needs(q)) grad(q, std::move(dq));
        if (grad.needs(k)) grad(k, std::move(dk));
        if (grad.needs(v)) grad(v, std::move(dv));
      });
}

/// Attention of a sequence to itself: qkv [B, N, 3 D] = [q | k | v] along the channels, as one
/// projection gives them -> [B, N, D].
template <Scalar T>
Tensor<T> self_attention(const Tensor<T>& qkv, Index heads, const Tensor<T>* mask = nullptr) {
  return detail::attention_inputs(qkv, heads)(mask);
}
template <Scalar T>
Var<T> self_attention(const Var<T>& qkv, Index heads, const Tensor<T>* mask = nullptr) {
  return detail::record_attention(detail::attention_inputs(qkv.value(), heads), mask, {qkv},
                                  [qkv](const auto& backward, const auto& grad) {
                                    auto d = Tensor<T>::uninitialized(qkv.shape());
                                    backward(detail::part<T>(d, 0, 3), detail::part<T>(d, 1, 3),
                                             detail::part<T>(d, 2, 3));
                                    grad(qkv, std::move(d));
                                  });
}

/// Attention to another sequence: q [B, N, D], kv [B, M, 2 D] = [k | v] -> [B, N, D].
template <Scalar T>
Tensor<T> cross_attention(const Tensor<T>& q, const Tensor<T>& kv, Index heads,
                          const Tensor<T>* mask = nullptr) {
  return detail::attention_inputs(q, kv, heads)(mask);
}
template <Scalar T>
Var<T> cross_attention(const Var<T>& q, const Var<T>& kv, Index heads,
                       const Tensor<T>* mask = nullptr) {
  return detail::record_attention(detail::attention_inputs(q.value(), kv.value(), heads), mask,
                                  {q, kv}, [q, kv](const auto& backward, const auto& grad) {
                                    Tensor<T> dq, dkv;
                                    if (grad.needs(q)) dq = Tensor<T>::uninitialized(q.shape());
                                    if (grad.needs(kv)) dkv = Tensor<T>::uninitialized(kv.shape());
                                    const kernels::Tokens<T> none;
                                    backward(grad.needs(q) ? detail::part<T>(dq) : none,
                                             grad.needs(kv) ? detail::part<T>(dkv, 0, 2) : none,
                                             grad.needs(kv) ? detail::part<T>(dkv, 1, 2) : none);
                                    if (grad.needs(q)) grad(q, std::move(dq));
                                    if (grad.needs(kv)) grad(kv, std::move(dkv));
                                  });
}

#define FOGLIFT_OPS_ATTENTION(linkage, X)                                                \
  linkage X attention(const X&, const X&, const X&, Index, const Tensor<scalar_of<X>>*); \
  linkage X self_attention(const X&, Index, const Tensor<scalar_of<X>>*);                \
  linkage X cross_attention(const X&, const X&, Index, const Tensor<scalar_of<X>>*)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_ATTENTION, extern template);

}  // namespace foglift::inline v0
