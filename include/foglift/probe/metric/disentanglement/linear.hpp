#pragma once

#include "foglift/probe/metric/disentanglement/information.hpp"
#include "foglift/probe/metric/distance.hpp"
#include "foglift/probe/split.hpp"

#include <cmath>
#include <vector>

namespace foglift::inline v0::probe {

/// Separated attribute predictability (Kumar et al. 2018): the mean over factors of the gap between
/// the two codes that predict it best alone, by the R^2 of a line, the squared correlation. Factors
/// count as numbers. Throws as mutual_information_gap.
template <Scalar T>
double separated_predictability(const Tensor<T>& codes, const Factors& factors) {
  detail::check_factors("separated_predictability", codes, factors);
  const Index n = codes.dim(0), d = codes.dim(1);
  double total = 0;
  for (const auto& factor : factors) {
    Tensor<double> both({n, d + 1});
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < d; ++j) both(i, j) = static_cast<double>(codes(i, j));
      both(i, d) = static_cast<double>(factor[static_cast<std::size_t>(i)]);
    }
    const Eigen::MatrixXd s = Moments(both).covariance;
    if (!(s(d, d) > 0)) raise<ArgumentError>("separated_predictability: a factor never changes");
    std::vector<double> scores;
    for (Index j = 0; j < d; ++j)
      scores.push_back(s(j, j) > 0 ? s(j, d) * s(j, d) / (s(j, j) * s(d, d)) : 0);
    total += detail::gap(scores);
  }
  return total / static_cast<double>(factors.size());
}

/// What DCI makes of an importance matrix, and how well all codes together tell the factors.
struct Dci {
  Tensor<double> importance;  ///< [codes, factors], >= 0
  double disentanglement = 0, completeness = 0, informativeness = 0;
};

/// D and C of importances [d, K] >= 0 (Eastwood & Williams 2018, section 2): D is the mean over
/// codes, weighed by their importance, of 1 - the entropy of the code's importances in units of ln
/// K; C the mean over factors, weighed likewise, of 1 - the entropy of the factor's in units of ln
/// d. Throws ShapeError unless d, K >= 2, ArgumentError for a negative one, or none above 0.
inline Dci dci_of(Tensor<double> importance) {
  if (importance.rank() != 2 || importance.dim(0) < 2 || importance.dim(1) < 2)
    raise<ShapeError>("dci_of: importances ", importance.shape(), ", needed [d, K], d, K >= 2");
  double all = 0;
  for (const double v : importance) {
    if (!(v >= 0 && std::isfinite(v))) raise<ArgumentError>("dci_of: importance ", v);
    all += v;
  }
  if (!(all > 0)) raise<ArgumentError>("dci_of: no code is of importance");
  // The sum over lines of (line / all) (1 - entropy of the line / ln count).
  const auto concentration = [&](Index lines, Index count, const auto& at) {
    double sum = 0;
    for (Index l = 0; l < lines; ++l) {
      double line = 0, entropy = 0;
      for (Index k = 0; k < count; ++k) line += at(l, k);
      for (Index k = 0; k < count; ++k)
        if (at(l, k) > 0) entropy -= at(l, k) / line * std::log(at(l, k) / line);
      sum += line / all * (1 - entropy / std::log(static_cast<double>(count)));
    }
    return sum;
  };
  const Index d = importance.dim(0), K = importance.dim(1);
  Dci out;
  out.disentanglement = concentration(d, K, [&](Index l, Index k) { return importance(l, k); });
  out.completeness = concentration(K, d, [&](Index l, Index k) { return importance(k, l); });
  out.importance = std::move(importance);
  return out;
}

/// DCI (Eastwood & Williams 2018) with linear predictors: each factor, as a number, by least
/// squares on the standardized codes of `train`; importances are the weights in absolute value, and
/// informativeness the mean R^2 on `test`. (The paper takes lasso and forests, disentanglement_lib
/// boosted trees: numbers compare among themselves only. A factor of kinds, not of amounts, is
/// better given as several factors, one a kind.) Throws as mutual_information_gap, NumericError
/// where codes follow from one another.
template <Scalar T>
Dci linear_dci(const Tensor<T>& codes, const Factors& factors, const Split& split) {
  detail::check_factors("linear_dci", codes, factors);
  const Moments moments(codes.rows(split.train));
  const Index d = codes.dim(1), n = static_cast<Index>(split.train.size());
  const auto deviation = [&](Index j) {
    const double v = moments.covariance(j, j);
    return v > 0 ? std::sqrt(v) : 1;
  };
  const auto standard = [&](const std::vector<Index>& rows) {
    Eigen::MatrixXd z(static_cast<Index>(rows.size()), d);
    for (Index i = 0; i < z.rows(); ++i)
      for (Index j = 0; j < d; ++j)
        z(i, j) =
            (static_cast<double>(codes(rows[static_cast<std::size_t>(i)], j)) - moments.mean(j)) /
            deviation(j);
    return z;
  };
  const Eigen::MatrixXd z = standard(split.train), held_out = standard(split.test);
  const Eigen::LLT<Eigen::MatrixXd> gram(z.transpose() * z / static_cast<double>(n));
  if (gram.info() != Eigen::Success)
    raise<NumericError>("linear_dci: the codes follow from one another");
  Tensor<double> importance({d, static_cast<Index>(factors.size())});
  double told = 0;
  for (std::size_t k = 0; k < factors.size(); ++k) {
    const auto values = [&](const std::vector<Index>& rows) {
      Eigen::VectorXd v(static_cast<Index>(rows.size()));
      for (Index i = 0; i < v.size(); ++i)
        v(i) = static_cast<double>(
            factors[k][static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])]);
      return v;
    };
    const Eigen::VectorXd y = values(split.train), truth = values(split.test);
    const Eigen::VectorXd w =
        gram.solve(z.transpose() * (y.array() - y.mean()).matrix() / static_cast<double>(n));
    for (Index j = 0; j < d; ++j) importance(j, static_cast<Index>(k)) = std::abs(w(j));
    const Eigen::VectorXd error = truth - ((held_out * w).array() + y.mean()).matrix();
    const double spread = (truth.array() - truth.mean()).square().sum();
    if (!(spread > 0)) raise<ArgumentError>("linear_dci: factor ", k, " never changes in the test");
    told += 1 - error.squaredNorm() / spread;
  }
  Dci out = dci_of(std::move(importance));
  out.informativeness = told / static_cast<double>(factors.size());
  return out;
}

}  // namespace foglift::inline v0::probe
