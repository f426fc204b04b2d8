#pragma once

#include "foglift/forecast/baselines/arima_model.hpp"

#include <numbers>

namespace foglift::inline v0::forecast {

namespace detail {

/// The partial autocorrelations k_1 ... k_p of the autoregression whose weight at lag i is a[i -
/// 1]: what the step-down recursion takes off. NumericError if it is not stationary.
inline std::vector<double> partial_autocorrelations(std::vector<double> a) {
  std::vector<double> out(a.size());
  while (!a.empty()) {
    const double last = a.back();
    if (!(std::abs(last) < 1)) raise<NumericError>("an autoregression that is not stationary");
    a.pop_back();
    out[a.size()] = last;
    auto lower = a;
    for (std::size_t i = 0; i < a.size(); ++i)
      lower[i] = (a[i] + last * a[a.size() - 1 - i]) / (1 - last * last);
    a = std::move(lower);
  }
  return out;
}

/// Autocovariances at lags 0 to `most` of an autoregression with errors of variance 1, by
/// Levinson's recursion upwards (Brockwell & Davis 1991, section 5.2).
inline std::vector<double> autoregressive_covariances(const LagWeights& ar, Index most) {
  std::vector<double> weights(static_cast<std::size_t>(ar.longest()));
  for (std::size_t i = 0; i < ar.lags.size(); ++i)
    weights[static_cast<std::size_t>(ar.lags[i] - 1)] += ar.weights[i];
  const auto partial = partial_autocorrelations(weights);
  double variance = 1;
  for (const double k : partial) variance /= 1 - k * k;
  std::vector<double> out = {variance}, a, next;
  for (std::size_t lag = 1; lag <= static_cast<std::size_t>(most); ++lag) {
    const double k = lag <= partial.size() ? partial[lag - 1] : 0;
    double sum = k * variance;
    for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * out[lag - 1 - j];
    out.push_back(sum);
    if (lag > partial.size()) continue;
    next = a;
    for (std::size_t j = 0; j < a.size(); ++j) next[j] -= k * a[a.size() - 1 - j];
    next.push_back(k);
    std::swap(a, next);
    variance *= 1 - k * k;
  }
  return out;
}
}  // namespace detail

/// Autocovariances at lags 0 to `most` of an ARMA process with errors of variance 1. Throws
/// NumericError if it is not stationary.
inline std::vector<double> arma_covariances(const LagWeights& ar, const LagWeights& ma,
                                            Index most) {
  const auto u = detail::autoregressive_covariances(ar, most + ma.longest());
  std::vector<double> out;
  const auto lag = [&](std::size_t i) { return i == 0 ? 0 : ma.lags[i - 1]; };
  const auto weight = [&](std::size_t i) { return i == 0 ? 1.0 : ma.weights[i - 1]; };
  for (Index k = 0; k <= most; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i <= ma.lags.size(); ++i)
      for (std::size_t j = 0; j <= ma.lags.size(); ++j)
        sum += weight(i) * weight(j) * u[static_cast<std::size_t>(std::abs(k + lag(i) - lag(j)))];
    out.push_back(sum);
  }
  return out;
}

/// The exact Gaussian likelihood of ARMA models of one series without gaps, by its innovations:
/// what a value is off from what those before it say of it. The state is what is expected of the
/// next cells (Akaike 1975); its gain K and the innovation's variance F are those of the Kalman
/// filter, found without its covariance (Morf, Sidhu & Kailath 1974): from one cell to the next
/// that changes by one M L L', with L = K, M = -1 / F at first, so a cell costs as much as the
/// longest lag. Variance and, where it is wanted, the mean are those of the greatest likelihood.
class ArimaLikelihood {
 public:
  explicit ArimaLikelihood(std::span<const double> w) : w_(w) {}

  /// n log(2 pi variance) + n + the sum of log F: minus twice the logarithm of the likelihood.
  /// Squares below 1e-18 of n count as that. Throws NumericError if the model is not stationary.
  double operator()(const LagWeights& ar, const LagWeights& ma, bool constant) {
    const auto r = static_cast<std::size_t>(std::max(ar.longest(), ma.longest()));
    const std::vector<double> covariances = arma_covariances(ar, ma, static_cast<Index>(r));
    ahead_.assign(r, 0.0), ones_.assign(r, 0.0);
    gain_.assign(covariances.begin() + 1, covariances.end());
    change_ = gain_;
    double variance = covariances[0], scale = -1 / variance, logs = 0;
    double ww = 0, w1 = 0, n11 = 0;
    bool settled = r == 0;
    for (const double w : w_) {
      const double e = w - (r ? ahead_[0] : 0), one = 1 - (r ? ones_[0] : 0);
      ww += e * e / variance, w1 += e * one / variance, n11 += one * one / variance;
      logs += std::log(variance);
      if (r == 0) continue;
      step(ar, ahead_), step(ar, ones_);
      for (std::size_t i = 0; i < r; ++i)
        ahead_[i] += gain_[i] * e / variance, ones_[i] += gain_[i] * one / variance;
      if (settled) continue;
      const double l = change_[0], next = variance + scale * l * l;
      step(ar, change_);
      double largest = 0;
      for (std::size_t i = 0; i < r; ++i) {
        gain_[i] += change_[i] * scale * l;
        change_[i] -= gain_[i] / next * l;
        largest = std::max(largest, std::abs(change_[i]));
      }
      scale += scale * scale * l * l / variance;
      variance = next;
      settled = std::abs(scale) * largest * largest < 1e-15;
    }
    const auto n = static_cast<double>(w_.size());
    mean_ = constant && n11 > 0 ? w1 / n11 : 0;
    for (std::size_t i = 0; i < r; ++i) ahead_[i] -= mean_ * ones_[i];
    squares_ = std::max(ww - mean_ * (2 * w1 - mean_ * n11), 1e-18 * n);
    return n * (std::log(2 * std::numbers::pi * squares_ / n) + 1) + logs;
  }

  /// Of the last evaluation: the sum of squared innovations over F, the mean, and what the next
  /// cells are expected to differ from it.
  double squares() const { return squares_; }
  double mean() const { return mean_; }
  const std::vector<double>& ahead() const { return ahead_; }

 private:
  /// From what is expected of cells t, t + 1, ... to what is of t + 1, t + 2, ...
  static void step(const LagWeights& ar, std::vector<double>& x) {
    double next = 0;
    for (std::size_t i = 0; i < ar.lags.size(); ++i)
      next += ar.weights[i] * x[x.size() - static_cast<std::size_t>(ar.lags[i])];
    std::copy(x.begin() + 1, x.end(), x.begin());
    x.back() = next;
  }

  std::span<const double> w_;
  std::vector<double> ahead_, ones_, gain_, change_;
  double squares_ = 0, mean_ = 0;
};

}  // namespace foglift::inline v0::forecast
