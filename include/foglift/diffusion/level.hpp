#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <ostream>
#include <span>
#include <vector>

namespace foglift {
inline namespace v0 {

/// One noise level: x = alpha * x0 + sigma * eps. Time t is in [0, 1], 0 = data, 1 = noise. The
/// only noise-level vocabulary: solvers and denoisers see levels, never schedules or step numbers.
struct Level {
  double t = 0;
  double alpha = 1;
  double sigma = 0;

  /// Half the log signal-to-noise ratio, lambda = ln(alpha / sigma); +inf at sigma = 0, -inf at
  /// alpha = 0.
  double lambda() const { return std::log(alpha) - std::log(sigma); }
  /// Noise-to-signal ratio sigma / alpha: the level in variance-exploding coordinates x / alpha.
  double ratio() const { return sigma / alpha; }
  double snr() const { return alpha * alpha / (sigma * sigma); }

  friend bool operator==(const Level&, const Level&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Level& l) {
    return out << "{t = " << l.t << ", alpha = " << l.alpha << ", sigma = " << l.sigma << '}';
  }
};

/// One level for a whole batch, or one for each sample of it. Made implicitly from either; refers
/// to a span that must outlive the call it is passed to.
class Levels {
 public:
  Levels(const Level& level) : one_(level) {}  // NOLINT: implicit by design
  Levels(std::span<const Level> each) : each_(each), shared_(false) {}     // NOLINT
  Levels(const std::vector<Level>& each) : each_(each), shared_(false) {}  // NOLINT

  /// True if all samples share one level.
  bool shared() const { return shared_; }
  /// Level of sample b.
  const Level& operator[](Index b) const {
    return shared() ? one_ : each_[static_cast<std::size_t>(b)];
  }

  /// Throws ShapeError unless there is one level, or one for each of `batch` samples.
  void check(Index batch, const char* where) const {
    if (!shared() && static_cast<Index>(each_.size()) != batch)
      raise<ShapeError>(where, ": ", each_.size(), " levels for a batch of ", batch);
  }

 private:
  Level one_;
  std::span<const Level> each_;
  bool shared_ = true;
};

}  // namespace v0
}  // namespace foglift
