#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::forecast {

/// How STL smooths; lengths are numbers of cells, of seasons for `seasonal`.
struct StlOptions {
  Index period = 2;
  Index seasonal = 7;   ///< cells of one phase that a smoother of it sees
  Index trend = 0;      ///< 0: the next odd number above 1.5 period / (1 - 1.5 / seasonal)
  bool robust = false;  ///< values far from the fit lose weight
  bool sparse = false;  ///< smoothers are computed at every tenth of their length, lines between
};

/// y = trend + season + what is left.
struct Decomposition {
  std::vector<double> season, trend;
};

namespace detail {

/// The loess smoother of Cleveland et al. 1990: lines weighted by tricubes through the `length`
/// nearest of y, and by `weights` where there are any.
class Loess {
 public:
  Loess(std::span<const double> y, Index length, std::span<const double> weights = {})
      : y_(y), weights_(weights), length_(length), w_(y.size()) {}

  /// At x, of the values from `left` to `right` (inclusive); `otherwise` if none has a weight.
  double at(double x, Index left, Index right, double otherwise) {
    const Index n = std::ssize(y_);
    double h = std::max(x - static_cast<double>(left), static_cast<double>(right) - x);
    if (length_ > n) h += static_cast<double>((length_ - n) / 2);
    double sum = 0, mean = 0, spread = 0, value = 0;
    for (Index j = left; j <= right; ++j) {
      const double r = std::abs(static_cast<double>(j) - x) / h, cube = 1 - r * r * r;
      double& w = w_[static_cast<std::size_t>(j)];
      w = r > 0.999 ? 0 : r <= 0.001 ? 1 : cube * cube * cube;
      if (h == 0) w = 1;
      if (!weights_.empty()) w *= weights_[static_cast<std::size_t>(j)];
      sum += w, mean += w * static_cast<double>(j);
      value += w * y_[static_cast<std::size_t>(j)];
    }
    if (!(sum > 0)) return otherwise;
    mean /= sum, value /= sum;
    if (h == 0) return value;
    double slope = 0;
    for (Index j = left; j <= right; ++j) {
      const double d = static_cast<double>(j) - mean, w = w_[static_cast<std::size_t>(j)] / sum;
      spread += w * d * d, slope += w * d * y_[static_cast<std::size_t>(j)];
    }
    if (!(std::sqrt(spread) > 0.001 * static_cast<double>(n - 1))) return value;
    return value + (x - mean) * slope / spread;
  }

  /// At all cells; with a jump above 1 at every so many, and on lines between.
  std::vector<double> smooth(Index jump) {
    const Index n = std::ssize(y_), half = (length_ + 1) / 2;
    std::vector<double> out(y_.begin(), y_.end());
    if (n < 2) return out;
    jump = std::clamp<Index>(jump, 1, n - 1);
    const auto compute = [&](Index i) {
      const Index left = length_ >= n ? 0 : std::clamp<Index>(i - half + 1, 0, n - length_);
      double& v = out[static_cast<std::size_t>(i)];
      v = at(static_cast<double>(i), left, std::min(left + length_, n) - 1, v);
    };
    for (Index i = 0, before = 0;; before = i, i = std::min(i + jump, n - 1)) {
      compute(i);
      for (Index k = before + 1; k < i; ++k) {
        const double share = static_cast<double>(k - before) / static_cast<double>(i - before);
        out[static_cast<std::size_t>(k)] = (1 - share) * out[static_cast<std::size_t>(before)] +
                                           share * out[static_cast<std::size_t>(i)];
      }
      if (i == n - 1) return out;
    }
  }

 private:
  std::span<const double> y_, weights_;
  Index length_;
  std::vector<double> w_;
};

/// Means of `length` neighbours, length - 1 fewer than x.
inline std::vector<double> moving_means(std::span<const double> x, Index length) {
  std::vector<double> out;
  const auto n = static_cast<double>(length);
  double sum = 0;
  for (Index t = 0; t < std::ssize(x); ++t) {
    sum += x[static_cast<std::size_t>(t)];
    if (t >= length) sum -= x[static_cast<std::size_t>(t - length)];
    if (t >= length - 1) out.push_back(sum / n);
  }
  return out;
}

inline Index jump_of(const StlOptions& o, Index length) { return o.sparse ? (length + 9) / 10 : 1; }

/// The subseries of every phase, smoothed, with one more season on both sides.
inline std::vector<double> smooth_phases(std::span<const double> x, const StlOptions& o,
                                         std::span<const double> weights) {
  const Index n = std::ssize(x), m = o.period;
  std::vector<double> out(static_cast<std::size_t>(n + 2 * m)), phase, w;
  for (Index j = 0; j < m; ++j) {
    phase.clear(), w.clear();
    for (Index t = j; t < n; t += m) {
      phase.push_back(x[static_cast<std::size_t>(t)]);
      if (!weights.empty()) w.push_back(weights[static_cast<std::size_t>(t)]);
    }
    Loess loess(phase, o.seasonal, w);
    const Index k = std::ssize(phase);
    const auto inner = loess.smooth(jump_of(o, o.seasonal));
    out[static_cast<std::size_t>(j)] = loess.at(-1, 0, std::min(o.seasonal, k) - 1, inner.front());
    for (Index i = 0; i < k; ++i)
      out[static_cast<std::size_t>(j + (i + 1) * m)] = inner[static_cast<std::size_t>(i)];
    out[static_cast<std::size_t>(j + (k + 1) * m)] =
        loess.at(static_cast<double>(k), std::max<Index>(0, k - o.seasonal), k - 1, inner.back());
  }
  return out;
}
}  // namespace detail

/// The seasonal-trend decomposition by loess of values without gaps (Cleveland, Cleveland, McRae &
/// Terpenning 1990) with linear smoothers: five inner iterations, or two in each of 15 outer ones
/// if robust. Throws ArgumentError for a period below 2, fewer than two seasons, or a smoother of
/// fewer than three cells.
inline Decomposition stl(std::span<const double> y, const StlOptions& o) {
  const Index n = std::ssize(y), m = o.period;
  if (m < 2 || n < 2 * m || o.seasonal < 3)
    raise<ArgumentError>("stl: ", n, " values with period ", m, " and a smoother of ", o.seasonal,
                         " seasons; needed are two periods of 2 cells or more, and 3 seasons");
  const auto odd = [](double above) {
    return static_cast<Index>(std::floor(above / 2 + 0.5)) * 2 + 1;
  };
  const Index low = m % 2 ? m + 2 : m + 1;
  const Index trend = o.trend > 0 ? o.trend
                                  : odd(std::ceil(1.5 * static_cast<double>(m) /
                                                  (1 - 1.5 / static_cast<double>(o.seasonal))) -
                                        1);
  Decomposition out{std::vector<double>(y.size()), std::vector<double>(y.size())};
  std::vector<double> rest(y.size()), weights;
  for (int outer = 0; outer <= (o.robust ? 15 : 0); ++outer) {
    for (int inner = 0; inner < (o.robust ? 2 : 5); ++inner) {
      for (std::size_t t = 0; t < y.size(); ++t) rest[t] = y[t] - out.trend[t];
      const auto cycle = detail::smooth_phases(rest, o, weights);
      const auto passed =
          detail::moving_means(detail::moving_means(detail::moving_means(cycle, m), m), 3);
      const auto level = detail::Loess(passed, low).smooth(detail::jump_of(o, low));
      for (std::size_t t = 0; t < y.size(); ++t) {
        out.season[t] = cycle[t + static_cast<std::size_t>(m)] - level[t];
        rest[t] = y[t] - out.season[t];
      }
      out.trend = detail::Loess(rest, trend, weights).smooth(detail::jump_of(o, trend));
    }
    if (!o.robust) break;
    for (std::size_t t = 0; t < y.size(); ++t)
      rest[t] = std::abs(y[t] - out.season[t] - out.trend[t]);
    auto sorted = rest;
    std::sort(sorted.begin(), sorted.end());
    const double limit = 3 * (sorted[y.size() / 2] + sorted[(y.size() - 1) / 2]);
    weights.assign(y.size(), 1);
    for (std::size_t t = 0; t < y.size(); ++t) {
      const double r = rest[t] / limit;
      if (rest[t] > 0.001 * limit) weights[t] = r <= 0.999 ? (1 - r * r) * (1 - r * r) : 0;
    }
  }
  return out;
}

/// Seasons of several periods, the trend, and nothing else is left out.
struct MultipleDecomposition {
  std::vector<std::vector<double>> seasons;  ///< of the periods, in their order
  std::vector<double> trend;
};

/// MSTL (Bandara, Hyndman & Bergmeir 2021): every season is taken by STL from what the others
/// leave, two times, with smoothers of o.seasonal cells of a phase for the first and 4 more for
/// each other; o.period is not read. Throws as stl; periods must increase.
inline MultipleDecomposition mstl(std::span<const double> y, std::span<const Index> periods,
                                  const StlOptions& o = {.seasonal = 11}) {
  if (periods.empty() ||
      std::adjacent_find(periods.begin(), periods.end(), std::greater_equal<>()) != periods.end())
    raise<ArgumentError>("mstl: ", periods.size(), " periods; needed are some that increase");
  MultipleDecomposition out;
  out.seasons.assign(periods.size(), std::vector<double>(y.size()));
  std::vector<double> rest(y.begin(), y.end());
  for (int i = 0; i < (periods.size() > 1 ? 2 : 1); ++i)
    for (std::size_t k = 0; k < periods.size(); ++k) {
      auto& season = out.seasons[k];
      for (std::size_t t = 0; t < y.size(); ++t) rest[t] += season[t];
      StlOptions own = o;
      own.period = periods[k], own.seasonal += 4 * static_cast<Index>(k);
      auto found = stl(rest, own);
      season = std::move(found.season), out.trend = std::move(found.trend);
      for (std::size_t t = 0; t < y.size(); ++t) rest[t] -= season[t];
    }
  return out;
}

}  // namespace foglift::inline v0::forecast
