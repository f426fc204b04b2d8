#pragma once

#include "foglift/probe/probes/ridge.hpp"

#include <utility>

namespace foglift::inline v0::probe {

/// Principal components of features: the `count` orthogonal directions of the most variance.
class Pca {
 public:
  /// Of the rows of x [n, d]. Throws ShapeError unless n >= 2, ArgumentError for count < 1 or for
  /// more components than there are directions of variance.
  template <Scalar T>
  Pca(const Tensor<T>& x, Index count) {
    if (x.rank() != 2 || x.dim(0) < 2)
      raise<ShapeError>("Pca: features ", x.shape(), ", needed [n, d] with n >= 2");
    Eigen::MatrixXd z = matrix(x);
    mean_ = z.colwise().mean();
    z.rowwise() -= mean_;
    const detail::Spectrum s = detail::spectrum(z);  // by rising variance
    if (count < 1 || count > s.s.size())
      raise<ArgumentError>("Pca: ", count, " components of features ", x.shape(), " with ",
                           s.s.size(), " directions of variance");
    components_ = s.q.rightCols(count).rowwise().reverse();
    variances_ = s.s.tail(count).reverse() / static_cast<double>(x.dim(0));
    total_ = z.squaredNorm() / static_cast<double>(x.dim(0));
  }

  /// Coordinates [n, count] of x [n, d], the largest variance first. Throws ShapeError for another
  /// d.
  template <Scalar T>
  Tensor<T> encode(const Tensor<T>& x) const {
    check("encode", x.shape(), components_.rows());
    Eigen::MatrixXd z = matrix(x);
    z.rowwise() -= mean_;
    return tensor<T>(z * components_);
  }
  /// The x [n, d] of coordinates [n, count], the rest at its mean. Throws ShapeError for another
  /// count.
  template <Scalar T>
  Tensor<T> decode(const Tensor<T>& z) const {
    check("decode", z.shape(), components_.cols());
    Eigen::MatrixXd x = matrix(z) * components_.transpose();
    x.rowwise() += mean_;
    return tensor<T>(x);
  }
  /// Variance along each component, falling.
  std::vector<double> variances() const { return {variances_.begin(), variances_.end()}; }
  /// The part of all variance that the components hold.
  double explained() const { return variances_.sum() / total_; }

 private:
  template <Scalar T>
  static Eigen::MatrixXd matrix(const Tensor<T>& x) {
    Eigen::MatrixXd m(x.dim(0), x.dim(1));
    for (Index i = 0; i < m.rows(); ++i)
      for (Index j = 0; j < m.cols(); ++j) m(i, j) = static_cast<double>(x(i, j));
    return m;
  }
  template <Scalar T>
  static Tensor<T> tensor(const Eigen::MatrixXd& m) {
    auto x = Tensor<T>::uninitialized({m.rows(), m.cols()});
    for (Index i = 0; i < m.rows(); ++i)
      for (Index j = 0; j < m.cols(); ++j) x(i, j) = static_cast<T>(m(i, j));
    return x;
  }
  static void check(const char* call, const Shape& s, Index d) {
    if (s.rank() != 2 || s[1] != d)
      raise<ShapeError>("Pca::", call, ": ", s, ", needed [n, ", d, "]");
  }

  Eigen::RowVectorXd mean_;
  Eigen::MatrixXd components_;  // [d, count]
  Eigen::VectorXd variances_;
  double total_ = 0;
};

}  // namespace foglift::inline v0::probe
