#pragma once

#include "foglift/core/instances.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/probe/split.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Core>

namespace foglift::inline v0::probe {

/// An affine map of features: y = features weight + bias.
struct LinearMap {
  Tensor<double> weight;  ///< [d, outputs]
  Tensor<double> bias;    ///< [outputs]

  /// [n, outputs] of features [n, d], a row's apart from the other rows. Throws ShapeError for
  /// another number of features, ArgumentError for a map never fitted.
  template <Scalar T>
  Tensor<double> predict(const Tensor<T>& features) const {
    if (weight.rank() != 2 || weight.empty() || bias.shape() != Shape{weight.dim(1)})
      raise<ArgumentError>("LinearMap: not fitted: weight ", weight.shape(), ", bias ",
                           bias.shape(), ", needed [d, outputs] and [outputs]");
    const Index d = weight.dim(0), outputs = weight.dim(1);
    if (features.rank() != 2 || features.dim(1) != d)
      raise<ShapeError>("LinearMap: features ", features.shape(), ", expected [n, ", d, "]");
    auto out = Tensor<double>::uninitialized({features.dim(0), outputs});
    for (Index i = 0; i < features.dim(0); ++i) {
      double* row = std::copy(bias.begin(), bias.end(), out.data() + i * outputs) - outputs;
      for (Index j = 0; j < d; ++j)
        for (Index k = 0; k < outputs; ++k) row[k] += features(i, j) * weight(j, k);
    }
    return out;
  }
};

/// A linear classifier: the class is the first with the largest score, scores [n, classes] being
/// those of a map of the features. What ridge_probe and logistic_probe return.
struct LinearProbe : LinearMap {
  /// As LinearMap::predict.
  template <Scalar T>
  Tensor<double> scores(const Tensor<T>& features) const {
    return LinearMap::predict(features);
  }

  /// Classes of features [n, d].
  template <Scalar T>
  std::vector<Index> predict(const Tensor<T>& features) const {
    const Tensor<double> s = scores(features);
    const Index classes = s.dim(1);
    std::vector<Index> out;
    for (const double* row = s.begin(); row != s.end(); row += classes)
      out.push_back(std::max_element(row, row + classes) - row);
    return out;
  }
};

/// A probe with the strength of regularization it was fitted with.
struct FittedProbe {
  LinearProbe probe;
  double lambda = 0;

  /// Classes of features [n, d].
  template <Scalar T>
  std::vector<Index> predict(const Tensor<T>& features) const {
    return probe.predict(features);
  }
};

namespace detail {

/// Features [n, d] with mean 0 and variance 1 in every column; a column that is constant becomes 0.
struct Standardized {
  Eigen::MatrixXd z;
  Eigen::RowVectorXd mean, scale;

  /// A probe of z, of weights [d, classes] and bias [classes], as one of the features themselves.
  LinearProbe probe(const Eigen::MatrixXd& weight, const Eigen::RowVectorXd& bias) const {
    LinearProbe p{{Tensor<double>({weight.rows(), weight.cols()}), Tensor<double>({bias.size()})}};
    for (Index k = 0; k < bias.size(); ++k) {
      p.bias[k] = bias[k];
      for (Index j = 0; j < weight.rows(); ++j) {
        p.weight(j, k) = weight(j, k) / scale[j];
        p.bias[k] -= mean[j] * p.weight(j, k);
      }
    }
    return p;
  }
};

/// Throws ShapeError unless features are [n, d] and labels [n], n >= 2; NumericError for a value
/// that is not finite.
template <Scalar T>
Standardized standardized(const char* where, const Tensor<T>& features,
                          std::span<const Index> labels) {
  if (features.rank() != 2 || features.dim(0) != static_cast<Index>(labels.size()) ||
      features.dim(0) < 2 || features.dim(1) < 1)
    raise<ShapeError>(where, ": features ", features.shape(), " for ", labels.size(),
                      " labels, expected [n, d] for n labels, n >= 2, d >= 1");
  const Index n = features.dim(0), d = features.dim(1);
  Standardized s{Eigen::MatrixXd(n, d), Eigen::RowVectorXd(d), Eigen::RowVectorXd(d)};
  for (Index j = 0; j < d; ++j) {
    double sum = 0, squares = 0;
    for (Index i = 0; i < n; ++i) sum += features(i, j);
    const double mean = sum / static_cast<double>(n);
    if (!std::isfinite(mean)) raise<NumericError>(where, ": feature ", j, " is not finite");
    for (Index i = 0; i < n; ++i) squares += (features(i, j) - mean) * (features(i, j) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(n));
    // Below this the column differs from its mean by rounding alone: mean carries n eps relative.
    const bool constant = !(deviation > 1e-12 * std::abs(mean));
    s.mean[j] = mean;
    s.scale[j] = constant ? 1 : deviation;
    for (Index i = 0; i < n; ++i) s.z(i, j) = constant ? 0 : (features(i, j) - mean) / deviation;
  }
  return s;
}

}  // namespace detail
}  // namespace foglift::inline v0::probe
