#pragma once

#include "foglift/core/tensor.hpp"

#include <cmath>
#include <limits>

namespace foglift::inline v0 {

/// Slow and obvious versions of the kernels, for tests to compare with.
namespace naive {

/// The element of x that stands at flat position i of a shape that x is repeated to.
template <Scalar T>
T repeated(const Tensor<T>& x, const Shape& out, Index i) {
  Index at = 0, step = 1;
  for (int axis = out.rank() - 1, own = x.rank() - 1; own >= 0; --axis, --own) {
    if (x.shape()[own] > 1) at += i % out[axis] * step;
    i /= out[axis];
    step *= x.shape()[own];
  }
  return x[at];
}

/// f(a, b) for a and b repeated to shape `out`.
template <Scalar T, class F>
Tensor<T> broadcast(const Shape& out, const Tensor<T>& a, const Tensor<T>& b, const F& f) {
  Tensor<T> y(out);
  for (Index i = 0; i < y.size(); ++i) y[i] = f(repeated(a, out, i), repeated(b, out, i));
  return y;
}

/// Group norm of x [B, positions, C], in two passes and in double.
template <Scalar T>
Tensor<T> group_norm(const Tensor<T>& x, const Tensor<T>& gamma, const Tensor<T>& beta,
                     Index groups, double eps) {
  const Index B = x.dim(0), L = x.dim(1), C = x.dim(2), width = C / groups;
  const auto n = static_cast<double>(L * width);
  Tensor<T> y(x.shape());
  for (Index b = 0; b < B; ++b)
    for (Index g = 0; g < groups; ++g) {
      double mean = 0, variance = 0;
      for (Index p = 0; p < L; ++p)
        for (Index c = g * width; c < (g + 1) * width; ++c)
          mean += static_cast<double>(x(b, p, c)) / n;
      for (Index p = 0; p < L; ++p)
        for (Index c = g * width; c < (g + 1) * width; ++c)
          variance += std::pow(static_cast<double>(x(b, p, c)) - mean, 2) / n;
      for (Index p = 0; p < L; ++p)
        for (Index c = g * width; c < (g + 1) * width; ++c)
          y(b, p, c) =
              static_cast<T>((static_cast<double>(x(b, p, c)) - mean) / std::sqrt(variance + eps) *
                                 static_cast<double>(gamma[c]) +
                             static_cast<double>(beta[c]));
    }
  return y;
}

/// x / sqrt(mean(x^2) + eps) * gamma on rows of x [rows, C], in double.
template <Scalar T>
Tensor<T> rms_norm(const Tensor<T>& x, const Tensor<T>& gamma, double eps) {
  Tensor<T> y(x.shape());
  for (Index r = 0; r < x.dim(0); ++r) {
    double mean = 0;
    for (Index c = 0; c < x.dim(1); ++c)
      mean += std::pow(static_cast<double>(x(r, c)), 2) / static_cast<double>(x.dim(1));
    for (Index c = 0; c < x.dim(1); ++c)
      y(r, c) = static_cast<T>(static_cast<double>(x(r, c)) / std::sqrt(mean + eps) *
                               static_cast<double>(gamma[c]));
  }
  return y;
}

/// log(softmax) of rows of x [rows, n], in double.
template <Scalar T>
Tensor<T> log_softmax(const Tensor<T>& x) {
  Tensor<T> y(x.shape());
  for (Index r = 0; r < x.dim(0); ++r) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index i = 0; i < x.dim(1); ++i) largest = std::max(largest, static_cast<double>(x(r, i)));
    for (Index i = 0; i < x.dim(1); ++i) sum += std::exp(static_cast<double>(x(r, i)) - largest);
    for (Index i = 0; i < x.dim(1); ++i)
      y(r, i) = static_cast<T>(static_cast<double>(x(r, i)) - largest - std::log(sum));
  }
  return y;
}

}  // namespace naive
}  // namespace foglift::inline v0
