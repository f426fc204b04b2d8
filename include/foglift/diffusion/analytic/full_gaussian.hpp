#pragma once

#include "foglift/diffusion/analytic/gaussian.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

namespace foglift::inline v0::analytic {

namespace detail {

/// K Gaussians N(m_k, C_k), C_k = Q diag(v) Q^T. A sample with one level is handled in the basis Q,
/// where the noise stays isotropic: two products with Q, exact at both ends. One with several
/// levels is not diagonal anywhere: M = A C A + N, A = diag(alpha), N = diag(sigma^2), is factored
/// for it.
class Full {
 public:
  struct Component {
    std::vector<double> mean;
    Eigen::MatrixXd covariance;
  };

  /// Throws ArgumentError unless all are finite and of one dimension n >= 1, and each covariance
  /// symmetric and positive semi-definite to rounding.
  Full(std::vector<Component> components, const char* where) {
    for (Component& c : components) {
      const auto n = static_cast<Index>(c.mean.size());
      if (each_.empty()) dimension_ = n;
      if (n == 0 || n != dimension_ || c.covariance.rows() != n || c.covariance.cols() != n)
        raise<ShapeError>(where, ": component ", each_.size(), " has ", n,
                          " means and a covariance [", c.covariance.rows(), ", ",
                          c.covariance.cols(), "], needed ", dimension_,
                          " means as the first has, at least one, and as many rows and columns");
      const Eigen::VectorXd mean = Eigen::Map<const Eigen::VectorXd>(c.mean.data(), n);
      const double size = c.covariance.cwiseAbs().maxCoeff();
      if (!(mean.allFinite() && c.covariance.allFinite() &&
            (c.covariance - c.covariance.transpose()).cwiseAbs().maxCoeff() <= 1e-12 * size))
        raise<ArgumentError>(where, ": the moments of component ", each_.size(),
                             " are not finite, or the covariance is not symmetric");
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(c.covariance);
      if (solved.info() != Eigen::Success || solved.eigenvalues()[0] < -1e-12 * size)
        raise<ArgumentError>(where, ": the covariance of component ", each_.size(),
                             " is not positive semi-definite: eigenvalue ",
                             solved.eigenvalues()[0]);
      each_.push_back({mean, solved.eigenvalues().cwiseMax(0.0), solved.eigenvectors(),
                       std::move(c.covariance)});
    }
    if (each_.empty()) raise<ArgumentError>(where, ": no components");
  }

  Index dimension() const { return dimension_; }
  Index scratch(Index n) const { return n * (n + 2); }

  double log_density(Index k, const double* x, const At& at, double* mem) const {
    Vector y(mem, at.n);
    double sum = 0;
    if (at.uniform()) {
      to_basis(k, x, at, mem);
      for (Index j = 0; j < at.n; ++j) {
        const double s2 = variance_at(component(k).v[j], level(at));
        sum -= 0.5 * (y[j] * y[j] / s2 + std::log(s2));
      }
      return sum;
    }
    center(k, x, at, y);
    const auto factor = factored(k, at, mem);
    factor.matrixL().solveInPlace(y);
    for (Index j = 0; j < at.n; ++j) sum -= std::log(factor.matrixLLT()(j, j));
    return sum - 0.5 * y.squaredNorm();
  }
  /// sum += r (m + C A M^-1 (x - A m)).
  void add_mean(Index k, double r, const double* x, const At& at, double* sum, double* mem) const {
    const One& c = component(k);
    Vector y(mem, at.n), out(sum, at.n);
    out += r * c.mean;
    if (at.uniform()) {
      to_basis(k, x, at, mem);
      from_basis(k, at, mem, out, [&](double v, const Level& l) { return r * gain_at(v, l); });
    } else {
      center(k, x, at, y);
      factored(k, at, mem).solveInPlace(y);
      for (Index i = 0; i < at.n; ++i) y[i] *= r * at.of(i).alpha;
      out.noalias() += c.covariance * y;
    }
  }
  /// sum -= r M^-1 (x - A m).
  void add_score(Index k, double r, const double* x, const At& at, double* sum, double* mem) const {
    Vector y(mem, at.n), out(sum, at.n);
    if (at.uniform()) {
      to_basis(k, x, at, mem);
      from_basis(k, at, mem, out, [&](double v, const Level& l) { return -r / variance_at(v, l); });
    } else {
      center(k, x, at, y);
      factored(k, at, mem).solveInPlace(y);
      out -= r * y;
    }
  }
  /// sum += r M^-1 A C v.
  void add_pull(Index k, double r, const double* v, const At& at, double* sum, double* mem) const {
    const One& c = component(k);
    const Eigen::Map<const Eigen::VectorXd> in(v, at.n);
    Vector y(mem, at.n), out(sum, at.n);
    if (at.uniform()) {
      y.noalias() = c.Q.transpose() * in;
      from_basis(k, at, mem, out, [&](double w, const Level& l) { return r * gain_at(w, l); });
    } else {
      y.noalias() = c.covariance * in;
      for (Index i = 0; i < at.n; ++i) y[i] *= r * at.of(i).alpha;
      factored(k, at, mem).solveInPlace(y);
      out += y;
    }
  }
  /// tr M^-1 A C.
  double trace(Index k, const At& at, double* mem) const {
    const One& c = component(k);
    double sum = 0;
    if (at.uniform()) {
      for (Index j = 0; j < at.n; ++j) sum += gain_at(c.v[j], level(at));
      return sum;
    }
    const auto factor = factored(k, at, mem);
    Vector y(mem, at.n);
    for (Index j = 0; j < at.n; ++j) {
      for (Index i = 0; i < at.n; ++i) y[i] = at.of(i).alpha * c.covariance(i, j);
      factor.solveInPlace(y);
      sum += y[j];
    }
    return sum;
  }
  void draw(Index k, Index n, const double* z, double* x0, double* mem) const {
    const One& c = component(k);
    Vector y(mem, n), out(x0, n);
    for (Index j = 0; j < n; ++j) y[j] = std::sqrt(c.v[j]) * z[j];
    out = c.mean;
    out.noalias() += c.Q * y;
  }
  void flow(const double* x, const At& from, const At& to, double* result, double* mem) const {
    if (!(from.uniform() && to.uniform()))
      raise<ShapeError>(
          "analytic::flow: elements that depend on each other have levels of their "
          "own, and the flow depends on the path between them; needed one level a "
          "sample");
    const One& c = component(0);
    Vector y(mem, from.n), out(result, from.n);
    to_basis(0, x, from, mem);
    for (Index j = 0; j < from.n; ++j) y[j] *= stretch(c.v[j], level(from), level(to));
    out = level(to).alpha * c.mean;
    out.noalias() += c.Q * y;
  }

 private:
  using Vector = Eigen::Map<Eigen::VectorXd>;
  struct One {
    Eigen::VectorXd mean, v;  // v: eigenvalues
    Eigen::MatrixXd Q, covariance;
  };

  const One& component(Index k) const { return each_[static_cast<std::size_t>(k)]; }
  static const Level& level(const At& at) { return at.of(0); }

  /// y = x - A m.
  void center(Index k, const double* x, const At& at, Vector& y) const {
    for (Index i = 0; i < at.n; ++i) y[i] = x[i] - at.of(i).alpha * component(k).mean[i];
  }
  /// mem[0, n) = Q^T (x - alpha m); uses mem[n, 2 n).
  void to_basis(Index k, const double* x, const At& at, double* mem) const {
    Vector y(mem, at.n), d(mem + at.n, at.n);
    center(k, x, at, d);
    y.noalias() = component(k).Q.transpose() * d;
  }
  /// out += Q diag(of(v, level)) mem[0, n), which is overwritten.
  template <class F>
  void from_basis(Index k, const At& at, double* mem, Vector& out, const F& of) const {
    const One& c = component(k);
    Vector y(mem, at.n);
    for (Index j = 0; j < at.n; ++j) y[j] *= of(c.v[j], level(at));
    out.noalias() += c.Q * y;
  }
  /// The Cholesky factor of M in mem[2 n, 2 n + n^2). Throws NumericError where M is singular.
  Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factored(Index k, const At& at, double* mem) const {
    Eigen::Map<Eigen::MatrixXd> M(mem + 2 * at.n, at.n, at.n);
    for (Index j = 0; j < at.n; ++j)
      for (Index i = 0; i < at.n; ++i)
        M(i, j) = at.of(i).alpha * component(k).covariance(i, j) * at.of(j).alpha;
    for (Index i = 0; i < at.n; ++i) M(i, i) += at.of(i).sigma * at.of(i).sigma;
    Eigen::Ref<Eigen::MatrixXd> in_place(M);
    Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(in_place);
    if (factor.info() != Eigen::Success)
      raise<NumericError>(
          "analytic: a state whose elements have levels of their own has a "
          "singular covariance; needed sigma > 0, or data with variance in every "
          "direction");
    return factor;
  }

  Index dimension_ = 0;
  std::vector<One> each_;
};

/// A tensor [n, n] as a matrix. Throws ShapeError for another rank.
inline Eigen::MatrixXd matrix_of(const Tensor<double>& x, const char* where) {
  if (x.rank() != 2) raise<ShapeError>(where, ": covariance ", x.shape(), ", needed [n, n]");
  return Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(x.data(), x.dim(0),
                                                                          x.dim(1));
}

}  // namespace detail

/// Gaussian data with any covariance: see Marginal for what it answers.
class FullGaussian : public detail::Single<detail::Full> {
 public:
  /// Mean [n] and covariance [n, n] of the elements of a sample in row-major order. Throws
  /// ShapeError if they do not fit, ArgumentError for numbers that are not finite or a covariance
  /// that is not symmetric and positive semi-definite.
  FullGaussian(std::vector<double> mean, const Tensor<double>& covariance)
      : Single(detail::Full({{std::move(mean), detail::matrix_of(covariance, "FullGaussian")}},
                            "FullGaussian")) {}
};

/// Data from a mixture of Gaussians with any covariances: see Marginal for what it answers.
class FullMixture : public Marginal<detail::Full> {
 public:
  struct Component {
    double weight;
    std::vector<double> mean;   // [n]
    Tensor<double> covariance;  // [n, n]
  };

  /// Weights are normalized. Throws as FullGaussian does, and ArgumentError for no components or
  /// weights that are not positive and finite.
  explicit FullMixture(const std::vector<Component>& components)
      : Marginal(law_of(components), weights_of(components)) {}

 private:
  static detail::Full law_of(const std::vector<Component>& components) {
    std::vector<detail::Full::Component> out;
    for (const Component& c : components)
      out.push_back({c.mean, detail::matrix_of(c.covariance, "FullMixture")});
    return detail::Full(std::move(out), "FullMixture");
  }
  static std::vector<double> weights_of(const std::vector<Component>& components) {
    std::vector<double> out;
    for (const Component& c : components) out.push_back(c.weight);
    return out;
  }
};

}  // namespace foglift::inline v0::analytic
