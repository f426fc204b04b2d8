#pragma once

#include "foglift/forecast/combine/paths.hpp"
#include "foglift/forecast/score/metrics.hpp"

namespace foglift::inline v0::forecast {

/// What the parts of a combination weigh, and what was seen of them.
struct Combination {
  std::vector<double> weights;  ///< of the parts; they sum to 1
  Index order = 0;              ///< the part in whose order paths are: that of the most weight
  std::vector<double> loss;     ///< of each part: mean CRPS over the scales of the windows

  Tensor<double> operator()(std::span<const Tensor<double>> parts) const {
    return combine(parts, weights, order);
  }
};

struct WeightOptions {
  /// Windows of which the shares of the good parts count as many: about equal weights are all that
  /// few windows are worth (Smith & Wallis 2009).
  double prior = 8;
  double worse = 0.1;  ///< a part that loses more, relative to the best, and beyond noise, gets 0
  double independent = 1;  ///< how many windows each is worth: less than 1 where they overlap
  std::vector<double> shares = {};  ///< of the parts before any window was seen; empty: 1 each
};

namespace detail {

/// The pinball loss of a weighted mean of quantile functions, at 20 levels of every observed cell:
/// half of its CRPS. It is convex in the weights.
class PinballOfMean {
 public:
  PinballOfMean(std::span<const Tensor<double>> parts, const Tensor<double>& actual,
                std::span<const double> scales)
      : parts_(parts.size()) {
    const Index W = actual.dim(0), H = actual.dim(1);
    std::vector<double> members;
    for (Index w = 0; w < W; ++w)
      for (Index h = 0; h < H; ++h) {
        if (std::isnan(actual(w, h))) continue;
        for (const Tensor<double>& part : parts) {
          sorted_members(part, w, h, members);
          for (std::size_t l = 0; l < levels; ++l)
            errors_.push_back((quantile(members, level(l)) - actual(w, h)) /
                              scales[static_cast<std::size_t>(w)]);
        }
      }
  }

  bool empty() const { return errors_.empty(); }

  /// The weights of least loss among those that are positive in `start`: mass is moved between two
  /// parts at a time, each time to the least of a convex function of one number, until no pair
  /// gains.
  std::vector<double> minimum(std::vector<double> w) const {
    constexpr int most_sweeps = 30;
    constexpr double settled = 1e-4;
    const std::size_t cells = errors_.size() / (parts_ * levels);
    std::vector<double> mean(cells * levels);
    for (std::size_t c = 0; c < cells; ++c)
      for (std::size_t k = 0; k < parts_; ++k)
        for (std::size_t l = 0; l < levels; ++l)
          mean[c * levels + l] += w[k] * errors_[(c * parts_ + k) * levels + l];
    std::vector<double> start = w;
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      double moved = 0;
      for (std::size_t i = 0; i < parts_; ++i)
        for (std::size_t j = i + 1; j < parts_; ++j)
          if (start[i] > 0 && start[j] > 0) moved = std::max(moved, move(w, i, j, mean));
      if (moved < settled) break;
    }
    return w;
  }

 private:
  static constexpr std::size_t levels = 20;
  static constexpr double level(std::size_t l) {
    return (static_cast<double>(l) + 0.5) / static_cast<double>(levels);
  }

  /// Member i stands at the level (i + 1/2) / S, so that the pinball loss of all members is half of
  /// the CRPS of the ensemble (Broecker 2012).
  static double quantile(std::span<const double> sorted, double level) {
    if (sorted.size() == 1) return sorted[0];
    const auto size = static_cast<double>(sorted.size());
    return quantile_linear(sorted, std::clamp((level * size - 0.5) / (size - 1), 0.0, 1.0));
  }

  /// Moves mass from j to i, or back; returns how much.
  double move(std::vector<double>& w, std::size_t i, std::size_t j,
              std::vector<double>& mean) const {
    const std::size_t cells = mean.size() / levels;
    const auto slope = [&](double by) {
      double sum = 0;
      for (std::size_t c = 0; c < cells; ++c) {
        const double* a = &errors_[(c * parts_ + i) * levels];
        const double* b = &errors_[(c * parts_ + j) * levels];
        for (std::size_t l = 0; l < levels; ++l) {
          const double d = a[l] - b[l];
          sum += ((mean[c * levels + l] + by * d > 0 ? 1 : 0) - level(l)) * d;
        }
      }
      return sum;
    };
    double low = -w[i], high = w[j];
    if (slope(low) >= 0) {
      high = low;
    } else if (slope(high) <= 0) {
      low = high;
    } else {
      for (int k = 0; k < 16; ++k) {
        const double middle = 0.5 * (low + high);
        (slope(middle) > 0 ? high : low) = middle;
      }
    }
    const double by = 0.5 * (low + high);
    w[i] = std::max(0.0, w[i] + by);
    w[j] = std::max(0.0, w[j] - by);
    for (std::size_t c = 0; c < cells; ++c)
      for (std::size_t l = 0; l < levels; ++l)
        mean[c * levels + l] +=
            by * (errors_[(c * parts_ + i) * levels + l] - errors_[(c * parts_ + j) * levels + l]);
    return std::abs(by);
  }

  std::size_t parts_;
  std::vector<double> errors_;  // [cells, parts, levels]: quantile less actual value
};

/// Mean CRPS of each window over its scale; NaN where nothing was observed.
inline std::vector<double> window_losses(const Tensor<double>& paths, const Tensor<double>& actual,
                                         std::span<const double> scales) {
  std::vector<double> out, members;
  for (Index w = 0; w < actual.dim(0); ++w) {
    double sum = 0, cells = 0;
    for (Index h = 0; h < actual.dim(1); ++h) {
      if (std::isnan(actual(w, h))) continue;
      sorted_members(paths, w, h, members);
      sum += crps(members, actual(w, h));
      ++cells;
    }
    out.push_back(sum / cells / scales[static_cast<std::size_t>(w)]);
  }
  return out;
}

/// Mean and standard error of a - b over the windows that have both; the error of what is worth
/// fewer than two and a half is unknown, NaN.
struct Difference {
  double mean = 0, error = 0, windows = 0;

  Difference(std::span<const double> a, std::span<const double> b, double independent) {
    for (std::size_t w = 0; w < a.size(); ++w)
      if (!std::isnan(a[w] - b[w])) mean += a[w] - b[w], ++windows;
    mean /= windows;
    for (std::size_t w = 0; w < a.size(); ++w)
      if (!std::isnan(a[w] - b[w])) error += (a[w] - b[w] - mean) * (a[w] - b[w] - mean);
    error = std::sqrt(error / (windows - 1));
    windows *= independent;
    error = windows < 2.5 ? std::numeric_limits<double>::quiet_NaN() : error / std::sqrt(windows);
  }
  /// Above `least` and twice its standard error, or ten times `least` where that is unknown.
  bool beyond_noise(double least) const {
    return std::isnan(error) ? mean > 10 * least : mean > least && mean > 2 * error;
  }
};

inline double mean_of_known(std::span<const double> x) {
  double sum = 0, count = 0;
  for (const double v : x)
    if (!std::isnan(v)) sum += v, ++count;
  return sum / count;
}

}  // namespace detail

/// The weights by which parts [W, S, H] are best combined, as seen on windows with the actual
/// values [W, H], NaN where nothing was observed: those of least CRPS on the simplex, after parts
/// that are clearly worse than the best one are left out, drawn where windows are few towards the
/// shares of the others, each over its squared loss (as of squared errors: Bates & Granger 1969);
/// all on the best part if it beats that combination beyond noise. scales[w] makes windows of
/// several series comparable: a size of their errors. Invariant to a y + b. The shares if nothing
/// was observed. Throws what combine does, and ArgumentError for scales or shares that are not
/// positive.
inline Combination fit_weights(std::span<const Tensor<double>> parts, const Tensor<double>& actual,
                               std::span<const double> scales, const WeightOptions& o = {}) {
  detail::require_parts(parts, "fit_weights");
  if (actual.shape() != Shape{parts[0].dim(0), parts[0].dim(2)} ||
      std::ssize(scales) != actual.dim(0))
    raise<ShapeError>("fit_weights: actual values ", actual.shape(), " and ", scales.size(),
                      " scales for paths ", parts[0].shape());
  if (!o.shares.empty() && o.shares.size() != parts.size())
    raise<ArgumentError>("fit_weights: ", o.shares.size(), " shares of ", parts.size(), " parts");
  for (const double s : o.shares)
    if (!(s > 0)) raise<ArgumentError>("fit_weights: a share of ", s, ", needed positive");
  for (const double s : scales)
    if (!(s > 0 && s <= largest_value))
      raise<ArgumentError>("fit_weights: a scale of ", s, ", needed positive");
  const std::size_t P = parts.size();
  Combination out{o.shares.empty() ? std::vector<double>(P, 1.0) : o.shares, 0, {}};
  const auto normalize = [&] {
    const double sum = std::accumulate(out.weights.begin(), out.weights.end(), 0.0);
    for (double& w : out.weights) w /= sum;
    out.order = std::max_element(out.weights.begin(), out.weights.end()) - out.weights.begin();
  };
  const detail::PinballOfMean pinball(parts, actual, scales);
  if (pinball.empty()) {
    out.loss.assign(P, std::numeric_limits<double>::quiet_NaN());
    normalize();
    return out;
  }
  std::vector<std::vector<double>> losses;
  for (const Tensor<double>& part : parts) {
    losses.push_back(detail::window_losses(part, actual, scales));
    out.loss.push_back(detail::mean_of_known(losses.back()));
  }
  const auto best = static_cast<std::size_t>(std::min_element(out.loss.begin(), out.loss.end()) -
                                             out.loss.begin());
  const double noise = o.worse * out.loss[best];
  for (std::size_t k = 0; k < P; ++k)
    if (detail::Difference(losses[k], losses[best], o.independent).beyond_noise(noise))
      out.weights[k] = 0;
    else if (out.loss[k] > 0)
      out.weights[k] *= std::pow(out.loss[best] / out.loss[k], 2);
  normalize();
  const double windows = detail::Difference(losses[best], losses[best], o.independent).windows;
  const std::vector<double> fitted = pinball.minimum(out.weights);
  for (std::size_t k = 0; k < P; ++k)
    out.weights[k] = (windows * fitted[k] + o.prior * out.weights[k]) / (windows + o.prior);
  normalize();
  const auto whole = detail::window_losses(out(parts), actual, scales);
  if (detail::Difference(whole, losses[best], o.independent).beyond_noise(0.2 * noise)) {
    out.weights.assign(P, 0);
    out.weights[best] = 1;
    out.order = static_cast<Index>(best);
  }
  return out;
}

}  // namespace foglift::inline v0::forecast
