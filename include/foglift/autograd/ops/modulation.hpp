#pragma once

#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/norm.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/core/offset_by.hpp"
#include "foglift/kernels/norm/row_norm.hpp"

namespace foglift::inline v0 {
namespace detail {

/// One part of a modulation m [B, parts * C], or [1, parts * C] for all samples, of x [B, ..., C].
/// Throws ShapeError if m is neither.
struct ModulationPart {
  Index rows, C, rows_a_group, stride;  // rows of x; those that share a row of m; m's row length

  ModulationPart(const char* op, const Shape& x, const Shape& m, Index part) {
    if (x.rank() < 2 || m.rank() != 2 || (m[0] != x[0] && m[0] != 1) || x.dim(-1) == 0 ||
        m[1] % x.dim(-1) != 0 || part < 0 || (part + 1) * x.dim(-1) > m[1])
      raise<ShapeError>(op, ": modulation ", m, " for input ", x, ", needed is [", x[0],
                        " or 1, parts * ", x.dim(-1), "] with a part ", part);
    C = x.dim(-1);
    rows = x.size(0, x.rank() - 1);
    rows_a_group = m[0] == 1 ? rows : x.size(1, x.rank() - 1);
    stride = m[1];
  }
};

template <Scalar T>
kernels::NormGain<T> modulation_gain(const Tensor<T>& x, const Tensor<T>& m, Index shift,
                                     Index scale) {
  ModulationPart("modulated_norm", x.shape(), m.shape(), shift);
  const ModulationPart p("modulated_norm", x.shape(), m.shape(), scale);
  return {offset_by(m.data(), scale * p.C), offset_by(m.data(), shift * p.C), T(1), p.rows_a_group,
          p.stride};
}

template <Scalar T>
Normalized<T> modulated_norm(const Tensor<T>& x, const Tensor<T>& m, Index shift, Index scale,
                             double eps) {
  const auto gain = modulation_gain(x, m, shift, scale);
  check_eps("modulated_norm", eps);
  const Index rows = x.size() / x.dim(-1);
  Normalized<T> r{Tensor<T>::uninitialized(x.shape()), Tensor<double>::uninitialized(Shape{rows}),
                  Tensor<double>::uninitialized(Shape{rows})};
  kernels::row_norm(kernels::RowNorm::layer, rows, x.dim(-1), x.data(), gain, eps, r.y.data(),
                    r.mean.data(), r.rstd.data());
  return r;
}

}  // namespace detail

/// Layer normalization scaled and shifted by a condition (adaptive layer norm, Perez et al. 2018;
/// Peebles & Xie 2023): x [B, ..., C] -> xhat (1 + scale) + shift, with scale and shift the parts
/// of those numbers of m [B, parts * C], or [1, parts * C] for all samples. Throws ShapeError where
/// they do not fit.
template <Scalar T>
Tensor<T> modulated_norm(const Tensor<T>& x, const Tensor<T>& m, Index shift, Index scale,
                         double eps = 1e-5) {
  return detail::modulated_norm(x, m, shift, scale, eps).y;
}
template <Scalar T>
Var<T> modulated_norm(const Var<T>& x, const Var<T>& m, Index shift, Index scale,
                      double eps = 1e-5) {
  auto r = detail::modulated_norm(x.value(), m.value(), shift, scale, eps);
  return x.tape().record(std::move(r.y), {x, m},
                         [x, m, shift, scale, mean = std::move(r.mean), rstd = std::move(r.rstd)](
                             const Tensor<T>& dy, const auto& grad) {
                           const Index C = x.dim(-1);
                           auto dx = Tensor<T>::uninitialized(x.shape());
                           const bool wanted = grad.needs(m);
                           Tensor<T> dm = wanted ? Tensor<T>(m.shape()) : Tensor<T>();
                           kernels::row_norm_backward(
                               kernels::RowNorm::layer, mean.size(), C, x.value().data(),
                               detail::modulation_gain(x.value(), m.value(), shift, scale),
                               mean.data(), rstd.data(), dy.data(), dx.data(),
                               wanted ? offset_by(dm.data(), scale * C) : nullptr,
                               wanted ? offset_by(dm.data(), shift * C) : nullptr, m.dim(1));
                           grad(x, std::move(dx));
                           if (wanted) grad(m, std::move(dm));
                         });
}

/// A gated residual branch: x + gate f for x and f [B, ..., C], the gate being part `part` of m
/// [B, parts * C], or [1, parts * C] for all samples. Throws ShapeError where they do not fit.
template <Scalar T>
Tensor<T> gated_add(const Tensor<T>& x, const Tensor<T>& m, Index part, const Tensor<T>& f) {
  const detail::ModulationPart p("gated_add", x.shape(), m.shape(), part);
  if (f.shape() != x.shape())
    raise<ShapeError>("gated_add: a branch ", f.shape(), " for input ", x.shape());
  auto y = Tensor<T>::uninitialized(x.shape());
  kernels::gated_add(p.rows, p.C, x.data(), offset_by(m.data(), part * p.C), p.rows_a_group,
                     p.stride, f.data(), y.data());
  return y;
}
template <Scalar T>
Var<T> gated_add(const Var<T>& x, const Var<T>& m, Index part, const Var<T>& f) {
  return x.tape().record(
      gated_add(x.value(), m.value(), part, f.value()), {x, m, f},
      [x, m, part, f](const Tensor<T>& dy, const auto& grad) {
        const detail::ModulationPart p("gated_add", x.shape(), m.shape(), part);
        Tensor<T> df, dm;
        if (grad.needs(f)) df = Tensor<T>::uninitialized(f.shape());
        if (grad.needs(m)) dm = Tensor<T>(m.shape());
        kernels::gated_add_backward(
            p.rows, p.C, offset_by(m.value().data(), part * p.C), p.rows_a_group, p.stride,
            f.value().data(), dy.data(), grad.needs(f) ? df.data() : nullptr,
            grad.needs(m) ? offset_by(dm.data(), part * p.C) : nullptr, p.stride);
        if (grad.needs(x)) grad(x, dy);
        if (grad.needs(f)) grad(f, std::move(df));
        if (grad.needs(m)) grad(m, std::move(dm));
      });
}

/// gated_add(residual, m, part, x w + b); a Tensor is written once. Throws ShapeError where the
/// shapes do not fit.
template <Scalar T>
Tensor<T> gated_linear(const Tensor<T>& residual, const Tensor<T>& m, Index part,
                       const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b) {
  const detail::ModulationPart p("gated_linear", residual.shape(), m.shape(), part);
  if (w.rank() == 2 && residual.shape() != x.shape().with(-1, w.dim(1)))
    raise<ShapeError>("gated_linear: input ", x.shape(), " and weight ", w.shape(),
                      " for a residual ", residual.shape());
  return detail::linear(x, w, &b,
                        {.residual = residual.data(),
                         .residual_stride = p.C,
                         .gate = offset_by(m.data(), part * p.C),
                         .gate_stride = p.stride,
                         .gate_rows = p.rows_a_group});
}
template <Scalar T>
Var<T> gated_linear(const Var<T>& residual, const Var<T>& m, Index part, const Var<T>& x,
                    const Var<T>& w, const Var<T>& b) {
  return gated_add(residual, m, part, linear(x, w, b));
}

#define FOGLIFT_OPS_MODULATION(linkage, X)                            \
  linkage X modulated_norm(const X&, const X&, Index, Index, double); \
  linkage X gated_add(const X&, const X&, Index, const X&);           \
  linkage X gated_linear(const X&, const X&, Index, const X&, const X&, const X&)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_MODULATION, extern template);

}  // namespace foglift::inline v0
