#pragma once

#include "foglift/core/tensor.hpp"

#include <cmath>

namespace foglift::inline v0::probe {

namespace detail {
template <Scalar T>
void check_pairs(const char* where, const Tensor<T>& predicted, const Tensor<T>& truth) {
  if (predicted.shape() != truth.shape() || truth.rank() == 0 || truth.empty())
    raise<ShapeError>(where, ": predictions ", predicted.shape(), " of targets ", truth.shape(),
                      ", needed one shape [n, ...]");
}
}  // namespace detail

/// The mean of (predicted - truth)^2 over all elements. Throws ShapeError unless both have one
/// shape, not empty.
template <Scalar T>
double mean_squared_error(const Tensor<T>& predicted, const Tensor<T>& truth) {
  detail::check_pairs("mean_squared_error", predicted, truth);
  double sum = 0;
  for (Index i = 0; i < truth.size(); ++i) {
    const double e = static_cast<double>(predicted[i]) - static_cast<double>(truth[i]);
    sum += e * e;
  }
  return sum / static_cast<double>(truth.size());
}

/// The mean of |predicted - truth| over all elements. Throws ShapeError unless both have one shape,
/// not empty.
template <Scalar T>
double mean_absolute_error(const Tensor<T>& predicted, const Tensor<T>& truth) {
  detail::check_pairs("mean_absolute_error", predicted, truth);
  double sum = 0;
  for (Index i = 0; i < truth.size(); ++i)
    sum += std::abs(static_cast<double>(predicted[i]) - static_cast<double>(truth[i]));
  return sum / static_cast<double>(truth.size());
}

/// The part of the variance that is explained, 1 - sum (truth - predicted)^2 / sum (truth -
/// mean)^2, of each output of [n] or [n, outputs], and of these the mean. 0 is what the mean of the
/// targets does, below 0 is worse. Throws ShapeError for other shapes, ArgumentError for an output
/// whose targets are all the same.
template <Scalar T>
double r_squared(const Tensor<T>& predicted, const Tensor<T>& truth) {
  detail::check_pairs("r_squared", predicted, truth);
  const Index n = truth.dim(0), outputs = truth.row_size();
  double total = 0;
  for (Index k = 0; k < outputs; ++k) {
    double mean = 0, left = 0, spread = 0;
    for (Index i = 0; i < n; ++i) mean += static_cast<double>(truth[i * outputs + k]);
    mean /= static_cast<double>(n);
    for (Index i = 0; i < n; ++i) {
      const auto y = static_cast<double>(truth[i * outputs + k]);
      const double e = y - static_cast<double>(predicted[i * outputs + k]);
      left += e * e;
      spread += (y - mean) * (y - mean);
    }
    if (!(spread > 0))
      raise<ArgumentError>("r_squared: the targets of output ", k, " are the same");
    total += 1 - left / spread;
  }
  return total / static_cast<double>(outputs);
}

}  // namespace foglift::inline v0::probe
