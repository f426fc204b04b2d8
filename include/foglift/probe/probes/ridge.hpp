#pragma once

#include "foglift/probe/probes/linear.hpp"

#include <limits>

#include <Eigen/Eigenvalues>

namespace foglift::inline v0::probe {

struct RidgeOptions {
  /// Strengths to choose from. At 1 the penalty weighs as much as the data, whatever n.
  std::vector<double> lambdas = {1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1};
};

struct RidgeProbe : FittedProbe {
  /// For each of the options' lambdas: the mean squared error of leave-one-out predictions.
  std::vector<double> loo_error;
};

namespace detail {

/// z = p q' with q of orthonormal columns, and p'p = diag(s): the singular value decomposition of z
/// from the smaller of its two Gram matrices. Directions of no variance are left out.
struct Spectrum {
  Eigen::MatrixXd p;  // [n, r]
  Eigen::MatrixXd q;  // [d, r]
  Eigen::VectorXd s;  // [r]
};

inline Spectrum spectrum(const Eigen::MatrixXd& z) {
  const bool tall = z.rows() >= z.cols();
  Eigen::MatrixXd gram;
  if (tall)
    gram = z.transpose() * z;
  else
    gram = z * z.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(gram);
  if (eigen.info() != Eigen::Success)
    raise<NumericError>("ridge_probe: no eigenvalues of the features' Gram matrix");
  // The solver's backward error is of the order of eps times size times the largest eigenvalue.
  const double largest = eigen.eigenvalues()[gram.rows() - 1];
  const double floor = std::numeric_limits<double>::epsilon() * static_cast<double>(gram.rows()) *
                       std::max(largest, std::numeric_limits<double>::min());
  Index r = 0;
  while (r < gram.rows() && eigen.eigenvalues()[gram.rows() - 1 - r] > floor) ++r;
  Spectrum out;
  out.s = eigen.eigenvalues().tail(r);
  const Eigen::MatrixXd v = eigen.eigenvectors().rightCols(r);
  if (tall) {
    out.q = v;
    out.p = z * v;
  } else {
    out.p = v * out.s.cwiseSqrt().asDiagonal();
    out.q = z.transpose() * v * out.s.cwiseSqrt().cwiseInverse().asDiagonal();
  }
  return out;
}

}  // namespace detail

/// A linear classifier by ridge regression on one-against-all targets +1 / -1: minimizes
///   sum_i |y_i - b - W' z_i|^2 + n lambda |W|^2
/// over standardized features z [n, d]; the bias is free. Closed form, no iteration. lambda is the
/// one with the smallest leave-one-out error, which needs no refitting: example i's error when left
/// out is (y_i - f_i) / (1 - h_i), h_i = 1/n + z_i' (Z'Z + n lambda)^-1 z_i (Allen 1974, PRESS).
/// One eigendecomposition of min(n, d) serves all lambdas.
/// Throws ShapeError unless features [n, d] have n >= 2 labels, ArgumentError for a label outside
/// [0, classes) or a lambda that is not positive, NumericError for features that are not finite.
template <Scalar T>
RidgeProbe ridge_probe(const Tensor<T>& features, std::span<const Index> labels, Index classes,
                       const RidgeOptions& options = {}) {
  detail::check_labels("ridge_probe", labels, classes);
  if (options.lambdas.empty()) raise<ArgumentError>("ridge_probe: no lambda to choose from");
  for (const double lambda : options.lambdas)
    if (!(lambda > 0)) raise<ArgumentError>("ridge_probe: lambda = ", lambda, ", must be positive");
  const detail::Standardized x = detail::standardized("ridge_probe", features, labels);
  const Index n = x.z.rows();
  Eigen::MatrixXd y = Eigen::MatrixXd::Constant(n, classes, -1);
  for (Index i = 0; i < n; ++i) y(i, labels[static_cast<std::size_t>(i)]) = 1;
  const Eigen::RowVectorXd bias = y.colwise().mean();  // exact: the columns of z have mean 0
  const detail::Spectrum z = detail::spectrum(x.z);
  const Eigen::MatrixXd c = z.p.transpose() * y;
  const Eigen::MatrixXd p2 = z.p.cwiseAbs2();

  RidgeProbe best;
  double least = std::numeric_limits<double>::infinity();
  for (const double lambda : options.lambdas) {
    const Eigen::VectorXd shrink = (z.s.array() + static_cast<double>(n) * lambda).inverse();
    const Eigen::MatrixXd u = shrink.asDiagonal() * c;
    const Eigen::VectorXd h = (p2 * shrink).array() + 1 / static_cast<double>(n);
    const Eigen::MatrixXd error = (y - z.p * u).rowwise() - bias;
    const double loo = (error.array().colwise() / (1 - h.array())).square().mean();
    best.loo_error.push_back(loo);
    if (!(loo < least)) continue;
    least = loo;
    best.lambda = lambda;
    best.probe = x.probe(z.q * u, bias);
  }
  if (!(least < std::numeric_limits<double>::infinity()))
    raise<NumericError>("ridge_probe: no lambda has a finite leave-one-out error");
  return best;
}

#define FOGLIFT_PROBE_RIDGE(linkage, T)                                           \
  linkage RidgeProbe ridge_probe(const Tensor<T>&, std::span<const Index>, Index, \
                                 const RidgeOptions&)
FOGLIFT_FOR_SCALARS(FOGLIFT_PROBE_RIDGE, extern template);

}  // namespace foglift::inline v0::probe
