#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/scan.hpp"

#include <optional>
#include <type_traits>

namespace foglift {
inline namespace v0 {

struct ScanOptions {
  /// Numbers are complex: the last axis holds C real parts, then C imaginary parts.
  bool complex = false;
};

namespace detail {

template <Scalar T>
kernels::ScanExtents scan_extents(const Tensor<T>& a, const Tensor<T>& b, const Tensor<T>* initial,
                                  const ScanOptions& o) {
  if (b.rank() != 3)
    raise<ShapeError>("linear_scan: b ", b.shape(), ", needed is [batch, time, channels]");
  const Index row = b.dim(2);
  const bool steady = a.shape() == Shape{row};
  if (!steady && a.shape() != b.shape())
    raise<ShapeError>("linear_scan: a ", a.shape(), " for b ", b.shape(), ", needed is ", b.shape(),
                      " or ", Shape{row});
  if (o.complex && row % 2 != 0)
    raise<ShapeError>("linear_scan: ", row, " channels of b ", b.shape(),
                      " are no real and imaginary parts");
  if (initial && initial->shape() != Shape{b.dim(0), row})
    raise<ShapeError>("linear_scan: initial state ", initial->shape(), " for b ", b.shape(),
                      ", needed is ", Shape{b.dim(0), row});
  return {b.dim(0), b.dim(1), o.complex ? row / 2 : row, o.complex, steady};
}

/// The gradient of an `a` that all samples share, from those of each sample [B, row].
template <Scalar T>
Tensor<T> sum_of_rows(const Tensor<T>& rows) {
  Tensor<T> sum({rows.dim(1)});
  for (Index b = 0; b < rows.dim(0); ++b)
    for (Index c = 0; c < rows.dim(1); ++c) sum[c] += rows(b, c);
  return sum;
}

}  // namespace detail

/// The states h_t = a_t h_{t-1} + b_t of a diagonal linear recurrence along time: b [B, L, C], a of
/// the same shape or [C] for all samples and times, h_{-1} = `initial` [B, C] or zero -> h [B, L,
/// C]. Work is linear in L; the backward pass is the same scan in reverse. Throws ShapeError where
/// these do not fit.
template <Scalar T>
Tensor<T> linear_scan(const Tensor<T>& a, const Tensor<T>& b,
                      const std::type_identity_t<Tensor<T>>* initial = nullptr,
                      const ScanOptions& options = {}) {
  const auto n = detail::scan_extents(a, b, initial, options);
  auto h = Tensor<T>::uninitialized(b.shape());
  kernels::scan(n, a.data(), b.data(), initial ? initial->data() : nullptr, h.data());
  return h;
}
template <Scalar T>
Var<T> linear_scan(const Var<T>& a, const Var<T>& b,
                   const std::type_identity_t<Var<T>>* initial = nullptr,
                   const ScanOptions& options = {}) {
  return b.tape().record(
      linear_scan(a.value(), b.value(), initial ? &initial->value() : nullptr, options),
      {a, b, initial ? *initial : b},
      [a, b, start = initial ? std::optional<Var<T>>(*initial) : std::nullopt, options](
          const Tensor<T>& dh, const auto& grad) {
        const Tensor<T>* h0 = start ? &start->value() : nullptr;
        const auto n = detail::scan_extents(a.value(), b.value(), h0, options);
        Tensor<T> h, da, dh0;
        auto db = Tensor<T>::uninitialized(b.shape());
        if (grad.needs(a)) {
          h = linear_scan(a.value(), b.value(), h0, options);  // again, rather than kept
          da = Tensor<T>(n.steady ? Shape{n.B, n.row()} : a.shape());
        }
        if (start) dh0 = Tensor<T>(start->shape());
        kernels::scan_backward(n, a.value().data(), h0 ? h0->data() : nullptr, h.data(), dh.data(),
                               da.data(), db.data(), dh0.data());
        if (grad.needs(a)) grad(a, n.steady ? detail::sum_of_rows(da) : std::move(da));
        if (start) grad(*start, std::move(dh0));
        grad(b, std::move(db));
      });
}

}  // namespace v0
}  // namespace foglift
