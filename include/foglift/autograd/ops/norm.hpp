#pragma once

#include "foglift/autograd/value.hpp"
#include "foglift/kernels/norm/norm.hpp"
#include "foglift/kernels/norm/row_norm.hpp"

namespace foglift::inline v0 {
namespace detail {

template <Scalar T>
struct Normalized {
  Tensor<T> y;
  Tensor<double> mean, rstd;
};

inline void check_eps(const char* op, double eps) {
  if (!(eps >= 0)) raise<ArgumentError>(op, ": eps = ", eps, ", must not be negative");
}

template <Scalar T>
void check_channels(const char* op, const Shape& x, const char* name, const Tensor<T>& p) {
  if (p.rank() != 1 || p.dim(0) != x.dim(-1))
    raise<ShapeError>(op, ": ", name, " ", p.shape(), " for input ", x, ", needed is [", x.dim(-1),
                      "]");
}

template <Scalar T>
void check_group_norm(const char* op, const Shape& x, const Tensor<T>& gamma, const Tensor<T>& beta,
                      Index groups, double eps) {
  if (x.rank() < 2) raise<ShapeError>(op, ": input ", x, ", needed is [batch, ..., channels]");
  if (groups < 1 || x.dim(-1) % groups != 0)
    raise<ShapeError>(op, ": ", groups, " groups do not divide the ", x.dim(-1),
                      " channels of input ", x);
  check_eps(op, eps);
  check_channels(op, x, "gamma", gamma);
  check_channels(op, x, "beta", beta);
}

inline kernels::NormExtents group_extents(const Shape& shape, Index groups) {
  return {shape[0], shape.size(1, shape.rank() - 1), shape.dim(-1), groups};
}

template <Scalar T>
Normalized<T> group_norm(const Tensor<T>& x, const Tensor<T>& gamma, const Tensor<T>& beta,
                         Index groups, double eps) {
  check_group_norm("group_norm", x.shape(), gamma, beta, groups, eps);
  Normalized<T> r{Tensor<T>::uninitialized(x.shape()), Tensor<double>(Shape{x.dim(0), groups}),
                  Tensor<double>(Shape{x.dim(0), groups})};
  if (x.size() > 0)
    kernels::group_norm(group_extents(x.shape(), groups), x.data(), gamma.data(), beta.data(), eps,
                        r.y.data(), r.mean.data(), r.rstd.data());
  return r;
}

template <Scalar T>
Normalized<T> row_norm(const char* op, kernels::RowNorm kind, const Tensor<T>& x,
                       const Tensor<T>& gamma, const Tensor<T>& beta, double eps) {
  if (x.rank() < 1) raise<ShapeError>(op, ": a scalar input, needed is [..., channels]");
  check_eps(op, eps);
  check_channels(op, x.shape(), "gamma", gamma);
  check_channels(op, x.shape(), "beta", beta);
  const Index rows = x.shape().size(0, x.rank() - 1);
  Normalized<T> r{Tensor<T>::uninitialized(x.shape()), Tensor<double>(Shape{rows}),
                  Tensor<double>(Shape{rows})};
  if (x.size() > 0)
    kernels::row_norm<T>(kind, rows, x.dim(-1), x.data(),
                         {gamma.data(), beta.data(), T(0), rows, 0}, eps, r.y.data(), r.mean.data(),
                         r.rstd.data());
  return r;
}

/// Gradients of input, gamma and beta of a row norm; the last two are empty unless wanted.
template <Scalar T>
struct RowNormGradients {
  Tensor<T> dx, dgamma, dbeta;

  RowNormGradients(kernels::RowNorm kind, const Tensor<T>& x, const Tensor<T>& gamma,
                   const Tensor<double>& mean, const Tensor<double>& rstd, const Tensor<T>& dy,
                   bool parameters)
      : dx(Tensor<T>::uninitialized(x.shape())) {
    if (parameters) dgamma = dbeta = Tensor<T>(gamma.shape());
    if (x.size() > 0)
      kernels::row_norm_backward<T>(
          kind, mean.size(), x.dim(-1), x.data(), {gamma.data(), nullptr, T(0), mean.size(), 0},
          mean.data(), rstd.data(), dy.data(), dx.data(), parameters ? dgamma.data() : nullptr,
          parameters ? dbeta.data() : nullptr, x.dim(-1));
  }
};

/// Neutral gamma or beta for an input.
template <Scalar T>
Tensor<T> per_channel(const Tensor<T>& x, T value) {
  return Tensor<T>(x.shape().slice(x.rank() - 1, x.rank()), value);
}

}  // namespace detail

/// Group normalization (Wu & He 2018) of x [B, ..., C] over the middle axes and C / groups
/// channels, with gamma and beta [C]; the variance is the biased one. Statistics in double, per
/// sample. Throws ShapeError if groups does not divide C or a parameter is not [C].
template <Scalar T>
Tensor<T> group_norm(const Tensor<T>& x, const Tensor<T>& gamma, const Tensor<T>& beta,
                     Index groups, double eps = 1e-5) {
  return detail::group_norm(x, gamma, beta, groups, eps).y;
}
template <Scalar T>
Var<T> group_norm(const Var<T>& x, const Var<T>& gamma, const Var<T>& beta, Index groups,
                  double eps = 1e-5) {
  auto r = detail::group_norm(x.value(), gamma.value(), beta.value(), groups, eps);
  return x.tape().record(std::move(r.y), {x, gamma, beta},
                         [x, gamma, beta, groups, mean = std::move(r.mean),
                          rstd = std::move(r.rstd)](const Tensor<T>& dy, const auto& grad) {
                           auto dx = Tensor<T>::uninitialized(x.shape());
                           Tensor<T> dgamma(gamma.shape()), dbeta(beta.shape());
                           if (x.size() > 0)
                             kernels::group_norm_backward<T>(
                                 detail::group_extents(x.shape(), groups),
                                 kernels::whole(x.value().data(), x.dim(-1)), gamma.value().data(),
                                 mean.data(), rstd.data(), dy.data(),
                                 kernels::whole(dx.data(), x.dim(-1)), dgamma.data(), dbeta.data());
                           grad(x, std::move(dx));
                           grad(gamma, std::move(dgamma));
                           grad(beta, std::move(dbeta));
                         });
}

/// Layer normalization (Ba et al. 2016) of x [..., C] over the last axis, with gamma and beta [C].
/// Throws ShapeError if a parameter is not [C].
template <Scalar T>
Tensor<T> layer_norm(const Tensor<T>& x, const Tensor<T>& gamma, const Tensor<T>& beta,
                     double eps = 1e-5) {
  return detail::row_norm("layer_norm", kernels::RowNorm::layer, x, gamma, beta, eps).y;
}
template <Scalar T>
Var<T> layer_norm(const Var<T>& x, const Var<T>& gamma, const Var<T>& beta, double eps = 1e-5) {
  constexpr auto kind = kernels::RowNorm::layer;
  auto r = detail::row_norm("layer_norm", kind, x.value(), gamma.value(), beta.value(), eps);
  return x.tape().record(std::move(r.y), {x, gamma, beta},
                         [x, gamma, beta, mean = std::move(r.mean), rstd = std::move(r.rstd)](
                             const Tensor<T>& dy, const auto& grad) {
                           const bool parameters = grad.needs(gamma) || grad.needs(beta);
                           detail::RowNormGradients<T> g(kind, x.value(), gamma.value(), mean, rstd,
                                                         dy, parameters);
                           grad(x, std::move(g.dx));
                           if (grad.needs(gamma)) grad(gamma, std::move(g.dgamma));
                           if (grad.needs(beta)) grad(beta, std::move(g.dbeta));
                         });
}

/// Layer normalization without parameters, for layers that scale and shift by a condition.
template <Value X>
X layer_norm(const X& x, double eps = 1e-5) {
  const auto& v = value_of(x);
  using T = scalar_of<X>;
  if (v.rank() < 1) raise<ShapeError>("layer_norm: a scalar input, needed is [..., channels]");
  return layer_norm(x, constant(detail::per_channel(v, T(1)), x),
                    constant(detail::per_channel(v, T(0)), x), eps);
}

/// RMS normalization (Zhang & Sennrich 2019) of x [..., C]: x / sqrt(mean(x^2) + eps) * gamma [C].
/// Throws ShapeError if gamma is not [C].
template <Scalar T>
Tensor<T> rms_norm(const Tensor<T>& x, const Tensor<T>& gamma, double eps = 1e-5) {
  return detail::row_norm("rms_norm", kernels::RowNorm::rms, x, gamma, Tensor<T>(gamma.shape()),
                          eps)
      .y;
}
template <Scalar T>
Var<T> rms_norm(const Var<T>& x, const Var<T>& gamma, double eps = 1e-5) {
  constexpr auto kind = kernels::RowNorm::rms;
  auto r =
      detail::row_norm("rms_norm", kind, x.value(), gamma.value(), Tensor<T>(gamma.shape()), eps);
  return x.tape().record(std::move(r.y), {x, gamma},
                         [x, gamma, mean = std::move(r.mean), rstd = std::move(r.rstd)](
                             const Tensor<T>& dy, const auto& grad) {
                           detail::RowNormGradients<T> g(kind, x.value(), gamma.value(), mean, rstd,
                                                         dy, grad.needs(gamma));
                           grad(x, std::move(g.dx));
                           if (grad.needs(gamma)) grad(gamma, std::move(g.dgamma));
                         });
}

#define FOGLIFT_OPS_NORM(linkage, X)                                 \
  linkage X group_norm(const X&, const X&, const X&, Index, double); \
  linkage X layer_norm(const X&, const X&, const X&, double);        \
  linkage X layer_norm(const X&, double);                            \
  linkage X rms_norm(const X&, const X&, double)
FOGLIFT_FOR_VALUES(FOGLIFT_OPS_NORM, extern template);

}  // namespace foglift::inline v0
