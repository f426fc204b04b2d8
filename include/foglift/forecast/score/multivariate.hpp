#pragma once

#include "foglift/forecast/score/metrics.hpp"

namespace foglift::inline v0::forecast {

// Scores of paths as a whole: of how steps and channels hang together, which no score of single
// cells sees. Paths are [windows, paths, horizon] or [windows, paths, horizon, channels], actual
// values the same without paths; cells whose actual value is NaN are left out of their window.
// Errors are those of metrics.hpp.

namespace detail {
/// One window: members [paths][cells] and the actual values, of observed cells alone.
struct Window {
  std::vector<std::vector<double>> members;
  std::vector<double> actual;
};

/// Mean of f(window) over the windows that hold a value.
template <Scalar T, Scalar U, class F>
double mean_of_windows(const Tensor<T>& paths, const Tensor<U>& actual, const char* where,
                       const F& f) {
  std::vector<Index> needed;  // what the actual values must be
  for (int i = 0; i < paths.rank(); ++i)
    if (i != 1) needed.push_back(paths.dim(i));
  if (paths.rank() < 3 || paths.rank() > 4 || paths.dim(1) < 1 ||
      actual.shape() != Shape(needed.data(), needed.size()))
    raise<ShapeError>(where, ": paths ", paths.shape(), " and actual values ", actual.shape(),
                      ", needed [windows, paths, horizon] or [..., channels] and the same without "
                      "paths");
  const Index W = paths.dim(0), S = paths.dim(1), cells = W > 0 ? actual.size() / W : 0;
  double sum = 0, windows = 0;
  for (Index w = 0; w < W; ++w) {
    Window one;
    one.members.resize(static_cast<std::size_t>(S));
    for (Index c = 0; c < cells; ++c) {
      const auto y = static_cast<double>(actual[w * cells + c]);
      if (std::isnan(y)) continue;
      require_member(y, where);
      one.actual.push_back(y);
      for (Index s = 0; s < S; ++s) {
        const auto v = static_cast<double>(paths[(w * S + s) * cells + c]);
        require_member(v, where);
        one.members[static_cast<std::size_t>(s)].push_back(v);
      }
    }
    if (one.actual.empty()) continue;
    sum += f(one);
    ++windows;
  }
  if (windows == 0) raise<ArgumentError>(where, ": no actual value to compare with");
  return finite_result(sum / windows, where);
}

inline double distance(std::span<const double> a, std::span<const double> b) {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}
}  // namespace detail

/// Energy score E||X - y|| - E||X - X'|| / 2 of whole windows, by the Euclidean norm over their
/// cells (Gneiting & Raftery 2007, eq. 22); the mean over windows. Of one cell it is the CRPS.
/// O(paths^2) a window.
template <Scalar T, Scalar U>
double energy_score(const Tensor<T>& paths, const Tensor<U>& actual, Crps kind = Crps::ensemble) {
  if (kind == Crps::fair && paths.rank() > 1 && paths.dim(1) < 2)
    raise<ArgumentError>("energy_score: a fair score of one path");
  return detail::mean_of_windows(paths, actual, "energy_score", [&](const detail::Window& w) {
    const auto n = static_cast<double>(w.members.size());
    double error = 0, spread = 0;
    for (std::size_t i = 0; i < w.members.size(); ++i) {
      error += detail::distance(w.members[i], w.actual);
      for (std::size_t j = 0; j < i; ++j)
        spread += 2 * detail::distance(w.members[i], w.members[j]);
    }
    return error / n - spread / (2 * n * (kind == Crps::fair ? n - 1 : n));
  });
}

/// Variogram score of order p (Scheuerer & Hamill 2015, eq. 3), with weights of one: the sum over
/// all ordered pairs of cells of (|y_i - y_j|^p - mean of |x_i - x_j|^p)^2; the mean over windows.
/// Sees wrong correlations that the energy score hardly does. Throws ArgumentError unless p is
/// positive.
template <Scalar T, Scalar U>
double variogram_score(const Tensor<T>& paths, const Tensor<U>& actual, double p = 0.5) {
  if (!(p > 0 && std::isfinite(p)))
    raise<ArgumentError>("variogram_score: p = ", p, "; needed positive");
  return detail::mean_of_windows(paths, actual, "variogram_score", [&](const detail::Window& w) {
    const auto n = static_cast<double>(w.members.size());
    double score = 0;
    for (std::size_t i = 0; i < w.actual.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        double expected = 0;
        for (const auto& x : w.members) expected += std::pow(std::abs(x[i] - x[j]), p) / n;
        const double off = std::pow(std::abs(w.actual[i] - w.actual[j]), p) - expected;
        score += 2 * off * off;
      }
    return score;
  });
}

/// Paths or actual values [..., channels] summed over their channels; a sum with a missing value is
/// missing. What CRPS-sum is computed from: mean_weighted_quantile_loss of both, with
/// nineteen_levels (Salinas et al. 2019). Throws ShapeError for less than two axes.
template <Scalar T>
Tensor<T> summed(const Tensor<T>& values) {
  if (values.rank() < 2 || values.dim(values.rank() - 1) < 1)
    raise<ShapeError>("summed: ", values.shape(), ", needed [..., channels]");
  const Index K = values.dim(values.rank() - 1);
  Tensor<T> out(Shape(values.shape().begin(), static_cast<std::size_t>(values.rank() - 1)));
  for (Index i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (Index k = 0; k < K; ++k) sum += static_cast<double>(values[i * K + k]);
    out[i] = static_cast<T>(sum);
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
