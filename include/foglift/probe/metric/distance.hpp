#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/diffusion/verify/two_sample.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>

namespace foglift::inline v0::probe {

/// The median distance between two different rows of a [n, d] and b [m, d] together: a width for
/// kernels (Gretton et al. 2012, section 8). Throws ShapeError as mmd2.
template <Scalar T>
double median_distance(const Tensor<T>& a, const Tensor<T>& b) {
  verify::detail::check_samples(a, b, "median_distance");
  const Tensor<double> d = verify::detail::distances(a, b);
  std::vector<double> below;
  for (Index i = 0; i < d.dim(0); ++i) below.insert(below.end(), &d(i, 0), &d(i, 0) + i);
  const auto middle = below.begin() + static_cast<std::ptrdiff_t>(below.size() / 2);
  std::nth_element(below.begin(), middle, below.end());
  return *middle;
}

/// Squared maximum mean discrepancy of samples a [n, d] and b [m, d] under the Gaussian kernel
/// exp(-|x - y|^2 / (2 width^2)), without bias (Gretton et al. 2012, eq. 3): about 0, also below
/// it, where both follow one law. O((n + m)^2 d). Throws ShapeError unless n, m >= 2, ArgumentError
/// unless width > 0.
template <Scalar T>
double mmd2(const Tensor<T>& a, const Tensor<T>& b, double width) {
  verify::detail::check_samples(a, b, "mmd2");
  if (!(width > 0)) raise<ArgumentError>("mmd2: width = ", width, ", must be positive");
  Tensor<double> k = verify::detail::distances(a, b);
  for (double& v : k) v = std::exp(-0.5 * v * v / (width * width));
  std::vector<char> first(static_cast<std::size_t>(k.dim(0)));
  std::fill_n(first.begin(), a.dim(0), char{1});
  const verify::detail::PairMeans mean(k, first, a.dim(0));
  return mean.first + mean.second - 2 * mean.across;
}

/// KL(p || q) in nats of two distributions over the same outcomes; infinite where q excludes what p
/// allows. Throws ShapeError if the lengths differ, ArgumentError unless both are >= 0 of sum 1.
inline double kl(std::span<const double> p, std::span<const double> q) {
  if (p.size() != q.size()) raise<ShapeError>("kl: ", p.size(), " and ", q.size(), " outcomes");
  double sum = 0, all_p = 0, all_q = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] >= 0 && q[i] >= 0)) raise<ArgumentError>("kl: probabilities ", p[i], ", ", q[i]);
    all_p += p[i], all_q += q[i];
    if (p[i] > 0) sum += p[i] * std::log(p[i] / q[i]);
  }
  if (std::abs(all_p - 1) > 1e-6 || std::abs(all_q - 1) > 1e-6)
    raise<ArgumentError>("kl: sums ", all_p, " and ", all_q, ", needed 1");
  return sum;
}

/// Mean and covariance of the rows of x [n, d], the covariance over n.
struct Moments {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;

  /// Throws ShapeError unless x is [n, d] with n >= 2.
  template <Scalar T>
  explicit Moments(const Tensor<T>& x) {
    if (x.rank() != 2 || x.dim(0) < 2)
      raise<ShapeError>("Moments: samples ", x.shape(), ", needed [n, d] with n >= 2");
    Eigen::MatrixXd rows(x.dim(0), x.dim(1));
    for (Index i = 0; i < x.dim(0); ++i)
      for (Index j = 0; j < x.dim(1); ++j) rows(i, j) = static_cast<double>(x(i, j));
    mean = rows.colwise().mean();
    rows.rowwise() -= mean.transpose();
    covariance = rows.transpose() * rows / static_cast<double>(x.dim(0));
  }
  Moments(Eigen::VectorXd m, Eigen::MatrixXd s) : mean(std::move(m)), covariance(std::move(s)) {}
};

/// KL(N(p) || N(q)) in nats: (tr(Q^-1 P) + (q - p)' Q^-1 (q - p) - d + ln det Q - ln det P) / 2.
/// Throws ShapeError if the dimensions differ, NumericError unless both covariances are positive.
inline double gaussian_kl(const Moments& p, const Moments& q) {
  if (p.mean.size() != q.mean.size())
    raise<ShapeError>("gaussian_kl: ", p.mean.size(), " and ", q.mean.size(), " dimensions");
  const Eigen::LLT<Eigen::MatrixXd> lp(p.covariance), lq(q.covariance);
  if (lp.info() != Eigen::Success || lq.info() != Eigen::Success)
    raise<NumericError>("gaussian_kl: a covariance is not positive definite");
  const auto log_det = [](const Eigen::LLT<Eigen::MatrixXd>& l) {
    return 2 * l.matrixLLT().diagonal().array().log().sum();
  };
  const Eigen::VectorXd d = q.mean - p.mean;
  return 0.5 * (lq.solve(p.covariance).trace() + d.dot(lq.solve(d)) -
                static_cast<double>(d.size()) + log_det(lq) - log_det(lp));
}

}  // namespace foglift::inline v0::probe
