#pragma once

#include "foglift/probe/probes/linear.hpp"

#include <limits>

namespace foglift::inline v0::probe {

struct LogisticOptions {
  double lambda = 1e-3;     ///< strength of the penalty
  double tolerance = 1e-8;  ///< largest entry of the gradient at the end
  Index max_steps = 200;    ///< of Newton's method; about ten are usual
};

struct LogisticProbe : FittedProbe {
  double loss = 0;      ///< at the optimum
  double gradient = 0;  ///< largest entry in absolute value
  Index steps = 0;
};

namespace detail {

/// L(V) = mean_i (logsumexp(a_i) - a_i[y_i]) + lambda / 2 |W|^2, a_i = V' [z_i, 1], V = [W; b].
struct LogisticLoss {
  const Eigen::MatrixXd& x;  // [n, d + 1], the last column is 1
  std::span<const Index> labels;
  double lambda;

  Eigen::MatrixXd penalty(const Eigen::MatrixXd& v) const {
    Eigen::MatrixXd w = lambda * v;
    w.row(w.rows() - 1).setZero();
    return w;
  }

  /// The loss; sets `p` to the probabilities [n, classes].
  double value(const Eigen::MatrixXd& v, Eigen::MatrixXd& p) const {
    p = x * v;
    double sum = 0;
    for (Index i = 0; i < p.rows(); ++i) {
      const double top = p.row(i).maxCoeff();
      sum += top - p(i, labels[static_cast<std::size_t>(i)]);
      p.row(i) = (p.row(i).array() - top).exp();
      const double total = p.row(i).sum();
      sum += std::log(total);
      p.row(i) /= total;
    }
    return sum / static_cast<double>(p.rows()) + v.cwiseProduct(penalty(v)).sum() / 2;
  }

  Eigen::MatrixXd gradient(const Eigen::MatrixXd& v, Eigen::MatrixXd p) const {
    for (Index i = 0; i < p.rows(); ++i) p(i, labels[static_cast<std::size_t>(i)]) -= 1;
    return x.transpose() * p / static_cast<double>(p.rows()) + penalty(v);
  }

  /// The Hessian times u: X' (p o (Xu - <p, Xu>)) / n + lambda u.
  Eigen::MatrixXd curvature(const Eigen::MatrixXd& u, const Eigen::MatrixXd& p) const {
    Eigen::MatrixXd a = x * u;
    const Eigen::VectorXd mean = a.cwiseProduct(p).rowwise().sum();
    a.colwise() -= mean;
    return x.transpose() * a.cwiseProduct(p) / static_cast<double>(p.rows()) + penalty(u);
  }
};

/// The Newton direction -H^-1 g to a relative residual of `forcing`, by conjugate gradients. H is
/// singular along equal shifts of all biases, where g has no part, so the residual stays in range.
inline Eigen::MatrixXd newton_direction(const LogisticLoss& loss, const Eigen::MatrixXd& g,
                                        const Eigen::MatrixXd& p, double forcing) {
  Eigen::MatrixXd step = Eigen::MatrixXd::Zero(g.rows(), g.cols()), r = -g, d = r;
  double rr = r.squaredNorm();
  const double enough = forcing * forcing * rr;
  for (Index i = 0; i < g.size() && rr > enough; ++i) {
    const Eigen::MatrixXd h = loss.curvature(d, p);
    const double along = d.cwiseProduct(h).sum();
    if (!(along > 0)) break;
    step += rr / along * d;
    r -= rr / along * h;
    const double next = r.squaredNorm();
    d = r + next / rr * d;
    rr = next;
  }
  return step;
}

}  // namespace detail

/// Multinomial logistic regression on standardized features z [n, d]: minimizes
///   mean_i -log softmax(W' z_i + b)[y_i] + lambda / 2 |W|^2,
/// which is strictly convex but for a shift of all biases, so the optimum does not depend on the
/// way there. Newton's method with conjugate gradients and backtracking (Nocedal & Wright 2006,
/// Algorithm 7.1). Throws as ridge_probe, and NumericError if max_steps do not reach the tolerance.
template <Scalar T>
LogisticProbe logistic_probe(const Tensor<T>& features, std::span<const Index> labels,
                             Index classes, const LogisticOptions& options = {}) {
  detail::check_labels("logistic_probe", labels, classes);
  if (!(options.lambda > 0))
    raise<ArgumentError>("logistic_probe: lambda = ", options.lambda, ", must be positive");
  const detail::Standardized s = detail::standardized("logistic_probe", features, labels);
  Eigen::MatrixXd x(s.z.rows(), s.z.cols() + 1);
  x << s.z, Eigen::VectorXd::Ones(s.z.rows());
  const detail::LogisticLoss loss{x, labels, options.lambda};

  LogisticProbe fit;
  fit.lambda = options.lambda;
  Eigen::MatrixXd v = Eigen::MatrixXd::Zero(x.cols(), classes), p, trial;
  fit.loss = loss.value(v, p);
  for (;; ++fit.steps) {
    const Eigen::MatrixXd g = loss.gradient(v, p);
    fit.gradient = g.cwiseAbs().maxCoeff();
    if (fit.gradient <= options.tolerance) break;
    if (fit.steps >= options.max_steps)
      raise<NumericError>("logistic_probe: gradient ", fit.gradient, " after ", fit.steps,
                          " steps, needed ", options.tolerance);
    const Eigen::MatrixXd step =
        detail::newton_direction(loss, g, p, std::min(0.5, std::sqrt(g.norm())));
    const double slope = g.cwiseProduct(step).sum();
    // Near the optimum the decrease drowns in rounding; a rise by rounding alone is no failure.
    const double rounding = 8 * std::numeric_limits<double>::epsilon() * std::abs(fit.loss);
    double length = 1, value = loss.value(v + step, trial);
    while (!(value <= fit.loss + 1e-4 * length * slope + rounding) && length > 1e-10) {
      length /= 2;
      value = loss.value(v + length * step, trial);
    }
    v += length * step;
    fit.loss = value;
    p.swap(trial);
  }
  fit.probe = s.probe(v.topRows(v.rows() - 1), v.row(v.rows() - 1));
  return fit;
}

#define FOGLIFT_PROBE_LOGISTIC(linkage, T)                                              \
  linkage LogisticProbe logistic_probe(const Tensor<T>&, std::span<const Index>, Index, \
                                       const LogisticOptions&)
FOGLIFT_FOR_SCALARS(FOGLIFT_PROBE_LOGISTIC, extern template);

}  // namespace foglift::inline v0::probe
