#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// The orders of a seasonal ARIMA model (Box, Jenkins, Reinsel & Ljung 2015, chapter 9).
struct ArimaOrder {
  Index p = 0, d = 0, q = 0;  ///< autoregression, differences, moving average
  Index P = 0, D = 0, Q = 0;  ///< of the season
  Index period = 1;
  bool constant = false;  ///< the mean of the differenced values is not 0

  friend bool operator==(const ArimaOrder&, const ArimaOrder&) = default;

  /// As "(1,1,0)(0,1,1)[12] + c".
  std::string name() const {
    const auto of = [](Index a, Index b, Index c) {
      return '(' + std::to_string(a) + ',' + std::to_string(b) + ',' + std::to_string(c) + ')';
    };
    return of(p, d, q) + (period > 1 ? of(P, D, Q) + '[' + std::to_string(period) + ']' : "") +
           (constant ? " + c" : "");
  }
  /// Weights, the constant and the variance.
  Index parameters() const { return p + q + P + Q + constant + 1; }
};

/// The weights of a product of two polynomials, by lag.
struct LagWeights {
  std::vector<Index> lags;
  std::vector<double> weights;

  Index longest() const { return lags.empty() ? 0 : *std::max_element(lags.begin(), lags.end()); }
};

namespace detail {
/// a_i at lag i and b_j at lag j m, and their products times `sign`.
inline LagWeights product(std::span<const double> a, std::span<const double> b, Index m,
                          double sign) {
  LagWeights out;
  const auto add = [&](std::size_t lag, double w) {
    out.lags.push_back(static_cast<Index>(lag)), out.weights.push_back(w);
  };
  const auto step = static_cast<std::size_t>(m);
  for (std::size_t i = 0; i < a.size(); ++i) add(i + 1, a[i]);
  for (std::size_t j = 0; j < b.size(); ++j) {
    add((j + 1) * step, b[j]);
    for (std::size_t i = 0; i < a.size(); ++i) add((j + 1) * step + i + 1, sign * a[i] * b[j]);
  }
  return out;
}
/// From the gradient by a product's weights to that by a and b.
inline void pull_product(std::span<const double> d, std::span<const double> a,
                         std::span<const double> b, double sign, std::span<double> da,
                         std::span<double> db) {
  std::size_t k = 0;
  for (std::size_t i = 0; i < a.size(); ++i) da[i] = d[k++];
  for (std::size_t j = 0; j < b.size(); ++j) {
    db[j] = d[k++];
    for (std::size_t i = 0; i < a.size(); ++i, ++k)
      da[i] += sign * b[j] * d[k], db[j] += sign * a[i] * d[k];
  }
}

/// The weights by which a value follows from earlier ones and its difference: 1 less the product
/// of (1 - B)^d and (1 - B^m)^D.
inline LagWeights integration(const ArimaOrder& order) {
  std::vector<double> c = {1};
  const auto times = [&](Index lag) {
    c.resize(c.size() + static_cast<std::size_t>(lag));
    for (std::size_t k = c.size(); k-- > static_cast<std::size_t>(lag);)
      c[k] -= c[k - static_cast<std::size_t>(lag)];
  };
  for (Index i = 0; i < order.d; ++i) times(1);
  for (Index i = 0; i < order.D; ++i) times(order.period);
  LagWeights out;
  for (std::size_t k = 1; k < c.size(); ++k)
    if (c[k] != 0) out.lags.push_back(static_cast<Index>(k)), out.weights.push_back(-c[k]);
  return out;
}

/// Whether all roots of 1 - sum of w_i z^i are beyond `radius`, by the step-down recursion.
inline bool roots_beyond(std::span<const double> w, double radius) {
  std::vector<double> a(w.begin(), w.end());
  double power = 1;
  for (double& v : a) v *= power *= radius;
  while (!a.empty()) {
    const double last = a.back();
    if (!(std::abs(last) < 1)) return false;
    a.pop_back();
    auto lower = a;
    for (std::size_t i = 0; i < a.size(); ++i)
      lower[i] = (a[i] + last * a[a.size() - 1 - i]) / (1 - last * last);
    a = std::move(lower);
  }
  return true;
}
}  // namespace detail

/// An ARIMA model of a series: of w, its differences, w[t] - mean = sum of ar (w[t - lag] - mean) +
/// e[t] + sum of ma e[t - lag], e normal.
struct ArimaModel {
  ArimaOrder order;
  LagWeights ar, ma;
  LagWeights sum;  ///< of earlier values, to which a difference is added
  double mean = 0, variance = 0;
  std::vector<double> values;   ///< the last ones, as many as differences reach back
  std::vector<double> past;     ///< differences less their mean, as many as `ar` reaches back
  std::vector<double> carried;  ///< what past errors add to the next cells, by `ma`

  /// Turns standard normals into the values that follow.
  void simulate(std::span<double> path) const {
    auto y = values, w = past;
    std::vector<double> e;
    const auto sum_of = [](const LagWeights& by, const std::vector<double>& x) {
      double v = 0;  // of the values before the one that comes next
      for (std::size_t i = 0; i < by.lags.size(); ++i)
        if (by.lags[i] <= std::ssize(x))
          v += by.weights[i] * x[x.size() - static_cast<std::size_t>(by.lags[i])];
      return v;
    };
    for (double& v : path) {
      const double error = std::sqrt(variance) * v;
      const double before = e.size() < carried.size() ? carried[e.size()] : 0;
      const double x = sum_of(ar, w) + before + sum_of(ma, e) + error;
      v = x + mean + sum_of(sum, y);
      e.push_back(error), w.push_back(x), y.push_back(v);
    }
  }
};

/// The squares of the errors of ARIMA models of one differenced series, conditional on the first
/// values (Box & Jenkins, section 7.1), and their gradient by the adjoint of the recursion. An
/// error whose value is not known is 0.
class ArimaSquares {
 public:
  /// w, and which of it are known.
  ArimaSquares(std::span<const double> w, std::vector<bool> known)
      : w_(w), known_(std::move(known)), x_(w.size()), e_(w.size()), d_(w.size()) {}

  double used() const { return used_; }
  std::span<const double> errors() const { return e_; }

  double operator()(const LagWeights& ar, const LagWeights& ma, double mean) {
    const Index n = std::ssize(w_);
    first_ = std::min(ar.longest(), n);
    for (std::size_t t = 0; t < w_.size(); ++t) x_[t] = w_[t] - mean;
    double squares = 0;
    used_ = 0;
    std::fill(e_.begin(), e_.begin() + first_, 0.0);
    for (Index t = first_; t < n; ++t) {
      const auto at = static_cast<std::size_t>(t);
      e_[at] = 0;
      if (!known_[at]) continue;
      double e = x_[at];
      for (std::size_t i = 0; i < ar.lags.size(); ++i)
        e -= ar.weights[i] * x_[at - static_cast<std::size_t>(ar.lags[i])];
      for (std::size_t i = 0; i < ma.lags.size(); ++i)
        if (ma.lags[i] <= t) e -= ma.weights[i] * e_[at - static_cast<std::size_t>(ma.lags[i])];
      e_[at] = e;
      squares += e * e;
      ++used_;
    }
    return squares;
  }

  /// Of the last evaluation: by the weights of ar and ma, and by the mean, which is returned.
  double gradient(const LagWeights& ar, const LagWeights& ma, std::span<double> d_ar,
                  std::span<double> d_ma) {
    std::fill(d_.begin(), d_.end(), 0.0);
    std::fill(d_ar.begin(), d_ar.end(), 0.0), std::fill(d_ma.begin(), d_ma.end(), 0.0);
    double d_mean = 0, share = 1;
    for (const double a : ar.weights) share -= a;
    for (Index t = std::ssize(w_); t-- > first_;) {
      const auto at = static_cast<std::size_t>(t);
      if (!known_[at]) continue;
      const double d = d_[at] + 2 * e_[at];
      d_mean -= d * share;
      for (std::size_t i = 0; i < ar.lags.size(); ++i)
        d_ar[i] -= d * x_[at - static_cast<std::size_t>(ar.lags[i])];
      for (std::size_t i = 0; i < ma.lags.size(); ++i)
        if (ma.lags[i] <= t) {
          const std::size_t before = at - static_cast<std::size_t>(ma.lags[i]);
          d_ma[i] -= d * e_[before];
          d_[before] -= d * ma.weights[i];
        }
    }
    return d_mean;
  }

 private:
  std::span<const double> w_;
  std::vector<bool> known_;
  std::vector<double> x_, e_, d_;
  Index first_ = 0;
  double used_ = 0;
};

}  // namespace foglift::inline v0::forecast
