#pragma once

#include "foglift/core/tensor.hpp"

#include <cmath>

namespace foglift::inline v0::probe {

/// Rows of features [n, d] at length 1. Throws ShapeError for another rank, ArgumentError for a row
/// of zeros.
template <Scalar T>
Tensor<double> unit_rows(const Tensor<T>& features) {
  if (features.rank() != 2) raise<ShapeError>("unit_rows: features ", features.shape());
  Tensor<double> out = features.template cast<double>();
  for (Index i = 0; i < out.dim(0); ++i) {
    double square = 0;
    for (Index j = 0; j < out.dim(1); ++j) square += out(i, j) * out(i, j);
    if (!(square > 0)) raise<ArgumentError>("unit_rows: row ", i, " has no direction");
    for (Index j = 0; j < out.dim(1); ++j) out(i, j) /= std::sqrt(square);
  }
  return out;
}

/// How close features of two views of each example are: mean |a_i - b_i|^2 of unit rows [n, d]
/// (Wang & Isola 2020, eq. 3). The two views are most often two noises (DDAE, Xiang et al. 2023).
/// Throws ShapeError if the shapes differ, ArgumentError for a row of zeros.
template <Scalar T>
double alignment(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape() || a.empty())
    raise<ShapeError>("alignment: features ", a.shape(), " and ", b.shape());
  const Tensor<double> u = unit_rows(a), v = unit_rows(b);
  double sum = 0;
  for (Index i = 0; i < u.size(); ++i) sum += (u[i] - v[i]) * (u[i] - v[i]);
  return sum / static_cast<double>(u.dim(0));
}

/// How evenly unit rows [n, d] cover the sphere: log of the mean over pairs of exp(-2 |f_i -
/// f_j|^2) (Wang & Isola 2020, eq. 4), at most 0, the lower the more evenly. Throws ShapeError for
/// fewer than two rows.
template <Scalar T>
double uniformity(const Tensor<T>& features) {
  if (features.rank() != 2 || features.dim(0) < 2)
    raise<ShapeError>("uniformity: features ", features.shape(), ", needed [n, d] with n >= 2");
  const Tensor<double> u = unit_rows(features);
  double sum = 0;
  for (Index i = 0; i < u.dim(0); ++i)
    for (Index k = 0; k < i; ++k) {
      double dot = 0;
      for (Index j = 0; j < u.dim(1); ++j) dot += u(i, j) * u(k, j);
      sum += std::exp(-4 * (1 - dot));  // |f_i - f_k|^2 = 2 - 2 dot
    }
  return std::log(2 * sum / static_cast<double>(u.dim(0) * (u.dim(0) - 1)));
}

}  // namespace foglift::inline v0::probe
