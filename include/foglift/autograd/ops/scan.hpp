#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/scan.hpp"
#include "foglift/kernels/zoh.hpp"

#include <optional>
#include <type_traits>

namespace foglift::inline v0 {

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

namespace detail {
template <Scalar T>
kernels::ZohExtents zoh_extents(const Tensor<T>& dt, const Tensor<T>& a) {
  if (a.rank() != 3 || a.dim(0) < 1 || a.dim(0) > 2 || dt.shape() != Shape{a.dim(1)})
    raise<ShapeError>("zoh: dt ", dt.shape(), " and a ", a.shape(),
                      ", needed are [systems] and [1 or 2, systems, modes]");
  return {a.dim(0), a.dim(1), a.dim(2)};
}
}  // namespace detail

/// Discretizes the linear systems h' = a h + u by a zero-order hold, u being constant over each
/// step: h_t = y[0] h_{t-1} + y[1] u_t with y [2, parts, H, N] = [e^(dt a) | (e^(dt a) - 1) / a].
/// dt [H] is one step for the N modes of each of H systems; a [1, H, N] is real, [2, H, N] holds
/// real and imaginary parts. In double: at small dt a the quotient would lose a float's digits.
/// Throws ShapeError where these do not fit.
template <Scalar T>
Tensor<T> zoh(const Tensor<T>& dt, const Tensor<T>& a) {
  const auto n = detail::zoh_extents(dt, a);
  auto y = Tensor<T>::uninitialized({2, n.parts, n.H, n.N});
  kernels::zoh(n, dt.data(), a.data(), y.data());
  return y;
}
template <Scalar T>
Var<T> zoh(const Var<T>& dt, const Var<T>& a) {
  return a.tape().record(
      zoh(dt.value(), a.value()), {dt, a}, [dt, a](const Tensor<T>& dy, const auto& grad) {
        Tensor<T> ddt(dt.shape());
        auto da = Tensor<T>::uninitialized(a.shape());
        kernels::zoh_backward(detail::zoh_extents(dt.value(), a.value()), dt.value().data(),
                              a.value().data(), dy.data(), ddt.data(), da.data());
        grad(dt, std::move(ddt));
        grad(a, std::move(da));
      });
}

}  // namespace foglift::inline v0
