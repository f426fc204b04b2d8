#pragma once

#include "foglift/forecast/calibrate/stretch.hpp"

namespace foglift::inline v0::forecast {

struct ConformalOptions {
  Index cells = 60;  ///< neighbouring steps are pooled until the windows show as many
  /// Windows that say "no change": what few windows find is shrunk by them, and by three times as
  /// many where it is narrower, since past windows do not show all that can come.
  double prior = 4;
  double rate = 0.05;      ///< by how much a window that follows moves the level that is asked for
  double most = 5;         ///< the largest factor, and one over the smallest
  double independent = 1;  ///< how many windows each is worth: less than 1 where they overlap
};

/// Split conformal prediction of multi-step sample paths, adaptive over time. The score of an
/// observed cell for a central interval is the factor by which the interval must be stretched about
/// the median to hold it (a normalized score: Lei et al. 2018, section 5.2; for quantiles Romano et
/// al. 2019). An interval without width can not be stretched and shows nothing, nor does what lies
/// before an end that is an atom of the paths, which Stretch does not move inwards: the other end
/// is found by its own side. The factor that a step gets is the quantile of the scores seen at it
/// and its neighbours with the finite-sample correction (n + 1) / n, shrunk on a logarithmic scale
/// towards 1. Windows that follow in time move the level that is asked for by rate * (error -
/// wanted error), equation 2 of Gibbs & Candes 2021, so that coverage returns where the world has
/// changed.
class Conformal {
 public:
  explicit Conformal(Index horizon, const ConformalOptions& options = {})
      : horizon_(horizon), options_(options), level_(calibrated_intervals) {
    if (horizon < 1 || options.cells < 1 || !(options.prior >= 0 && options.rate >= 0) ||
        !(options.most >= 1))
      raise<ArgumentError>("Conformal: horizon ", horizon, ", cells ", options.cells, ", prior ",
                           options.prior, ", rate ", options.rate, ", most ", options.most);
  }

  /// Number of windows seen, of which something was observed.
  Index windows() const { return std::ssize(scores_) / stride(); }

  /// Learns row w of uncalibrated paths [W, S, H] with what came, [W, H], NaN where it is missing.
  void observe(const Tensor<double>& paths, const Tensor<double>& actual, Index w) {
    detail::require_paths(paths.shape(), "Conformal");
    if (paths.dim(2) != horizon_ || actual.shape() != Shape{paths.dim(0), horizon_})
      raise<ShapeError>("Conformal: paths ", paths.shape(), ", actual values ", actual.shape(),
                        "; made for a horizon of ", horizon_);
    std::vector<double> sorted, seen;
    bool any = false;
    for (Index h = 0; h < horizon_; ++h) {
      const double y = actual(w, h);
      any = any || !std::isnan(y);
      detail::sorted_members(paths, w, h, sorted);
      for (const double c : calibrated_intervals) seen.push_back(score(sorted, c, y));
    }
    if (any) scores_.insert(scores_.end(), seen.begin(), seen.end());
  }

  /// The same of a window that followed those seen: moves the levels by how often the intervals
  /// that stretch() gives held it, then learns it.
  void follow(const Tensor<double>& paths, const Tensor<double>& actual, Index w) {
    const Stretch now = stretch();
    const std::size_t before = scores_.size();
    observe(paths, actual, w);
    if (scores_.size() == before) return;
    for (std::size_t i = 0; i < level_.size(); ++i) {
      double misses = 0, cells = 0;
      for (Index h = 0; h < horizon_; ++h) {
        const double s = scores_[before + static_cast<std::size_t>(h) * level_.size() + i];
        if (std::isnan(s)) continue;
        misses += s > now.factors(static_cast<Index>(i), h) ? 1 : 0;
        ++cells;
      }
      if (cells == 0) continue;
      const double moved =
          level_[i] + options_.rate * (misses / cells - (1 - calibrated_intervals[i]));
      level_[i] = std::clamp(moved, 0.0, 1.0);
    }
  }

  /// The map that the windows seen so far call for; factors of 1 before any.
  Stretch stretch() const {
    Stretch out{Tensor<double>({std::ssize(level_), horizon_}, 1.0)};
    const Index W = windows();
    if (W == 0) return out;
    const Index wide = std::min(horizon_ - 1, ((options_.cells + W - 1) / W) / 2);
    std::vector<double> pool;
    for (std::size_t i = 0; i < level_.size(); ++i)
      for (Index h = 0; h < horizon_; ++h) {
        pool.clear();
        for (Index w = 0; w < W; ++w)
          for (Index k = std::max<Index>(0, h - wide); k <= std::min(horizon_ - 1, h + wide); ++k)
            if (const double s = scores_[static_cast<std::size_t>(w * stride()) +
                                         static_cast<std::size_t>(k) * level_.size() + i];
                !std::isnan(s))
              pool.push_back(s);
        if (!pool.empty()) out.factors(static_cast<Index>(i), h) = shrunk(pool, level_[i], W);
      }
    return out;
  }

 private:
  Index stride() const { return horizon_ * std::ssize(level_); }

  static double score(std::span<const double> sorted, double central, double y) {
    if (std::isnan(y)) return y;
    const double median = quantile_linear(sorted, 0.5);
    const double end = quantile_linear(sorted, 0.5 + (y > median ? 0.5 : -0.5) * central);
    const double reach = (y - median) / (end - median);
    const bool fixed = end == median || (reach <= 1 && Stretch::atom(sorted, end));
    return fixed ? std::numeric_limits<double>::quiet_NaN() : reach;
  }

  /// The quantile of split conformal prediction of the scores, on its way from 1.
  double shrunk(std::vector<double>& pool, double level, Index windows) const {
    std::sort(pool.begin(), pool.end());
    const auto n = static_cast<double>(pool.size());
    const double at = std::clamp(std::ceil(level * (n + 1)) - 1, 0.0, n - 1);
    const double found =
        std::clamp(pool[static_cast<std::size_t>(at)], 1 / options_.most, options_.most);
    const auto W = static_cast<double>(windows) * options_.independent;
    return std::pow(found, W / (W + (found < 1 ? 3 : 1) * options_.prior));
  }

  Index horizon_;
  ConformalOptions options_;
  std::array<double, calibrated_intervals.size()> level_;  // that is asked for, at first nominal
  std::vector<double> scores_;                             // [windows, H, intervals]
};

}  // namespace foglift::inline v0::forecast
