#pragma once

#include "foglift/forecast/score/metrics.hpp"

#include <deque>
#include <limits>

namespace foglift::inline v0::forecast {

/// CRPS and coverage of the last `window` values that were forecast: how a stream is doing of late.
/// Sums are kept, so that a value costs the scoring of its own members alone.
class RollingScore {
 public:
  /// Throws ArgumentError for an empty window or a probability outside (0, 1).
  explicit RollingScore(Index window = 168, double probability = 0.8)
      : window_(window), probability_(probability) {
    if (window < 1 || !(probability > 0 && probability < 1))
      raise<ArgumentError>("RollingScore: window ", window, ", probability ", probability,
                           "; needed a positive window and a probability in (0, 1)");
  }

  /// Scores the members that were drawn for a value; one that is missing, NaN, is passed over.
  /// Throws what crps() does.
  void add(std::vector<double> members, double actual) {
    if (std::isnan(actual)) return;
    const double score = crps(std::span(members), actual);  // sorts them
    const double tail = (1 - probability_) / 2;
    seen_.push_back({score, quantile_linear(members, tail) <= actual &&
                                actual <= quantile_linear(members, 1 - tail)});
    sum_ += score;
    inside_ += seen_.back().inside;
    if (std::ssize(seen_) > window_) {
      sum_ -= seen_.front().crps;
      inside_ -= seen_.front().inside;
      seen_.pop_front();
    }
  }

  /// Values that count.
  Index size() const { return std::ssize(seen_); }
  /// Means over them; NaN of none.
  double crps_mean() const { return sum_ / static_cast<double>(size()); }
  double coverage() const { return static_cast<double>(inside_) / static_cast<double>(size()); }

 private:
  struct Seen {
    double crps;
    bool inside;
  };
  Index window_, inside_ = 0;
  double probability_, sum_ = 0;
  std::deque<Seen> seen_;
};

}  // namespace foglift::inline v0::forecast
