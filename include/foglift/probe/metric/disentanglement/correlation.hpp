#pragma once

#include "foglift/probe/metric/distance.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>

namespace foglift::inline v0::probe {

/// How far codes with this covariance [d, d] are from independent, were they normal: (sum ln
/// Sigma_jj - ln det Sigma) / 2 = KL(N(0, Sigma) || N(0, diag Sigma)) in nats. Throws ShapeError
/// unless Sigma is square, NumericError unless it is positive definite.
inline double gaussian_total_correlation(const Eigen::MatrixXd& covariance) {
  const Index d = covariance.rows();
  if (covariance.cols() != d)
    raise<ShapeError>("gaussian_total_correlation: covariance of ", d, " x ", covariance.cols());
  const Eigen::MatrixXd diagonal = covariance.diagonal().asDiagonal();
  return gaussian_kl({Eigen::VectorXd::Zero(d), covariance}, {Eigen::VectorXd::Zero(d), diagonal});
}

/// The squared Wasserstein-2 distance between N(0, Sigma) and N(0, diag Sigma), 2 tr Sigma - 2 tr
/// (Sigma^1/2 diag(Sigma) Sigma^1/2)^1/2; over tr Sigma where `normalized`, which no scale of the
/// codes changes. Unlike total correlation it is finite where a code follows from others. Throws
/// ShapeError unless Sigma is square, ArgumentError where normalized codes have no variance.
inline double gaussian_wasserstein_correlation(const Eigen::MatrixXd& covariance,
                                               bool normalized = true) {
  if (covariance.rows() != covariance.cols())
    raise<ShapeError>("gaussian_wasserstein_correlation: covariance of ", covariance.rows(), " x ",
                      covariance.cols());
  // D^1/2 Sigma D^1/2 has the eigenvalues of Sigma D.
  const auto root = [](double v) { return std::sqrt(std::max(v, 0.0)); };
  Eigen::MatrixXd product = covariance;
  for (Index i = 0; i < product.rows(); ++i)
    for (Index j = 0; j < product.cols(); ++j)
      product(i, j) *= root(covariance(i, i)) * root(covariance(j, j));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(product, Eigen::EigenvaluesOnly);
  const double trace = covariance.trace();
  double distance = 2 * trace;
  for (const double v : eigen.eigenvalues()) distance -= 2 * root(v);
  if (!normalized) return distance;
  if (!(trace > 0)) raise<ArgumentError>("gaussian_wasserstein_correlation: trace ", trace);
  return distance / trace;
}

}  // namespace foglift::inline v0::probe
