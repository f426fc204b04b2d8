#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/core/shape.hpp"

#include <cmath>
#include <concepts>
#include <ostream>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

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

/// One level for a whole batch, one for each sample of it, or one for each of `groups` groups of
/// elements of each sample: group g of a sample of n elements is its elements [g n / groups, (g +
/// 1) n / groups), so that groups are what an array [B, groups, ...] calls its rows. Made
/// implicitly from a level or a list of levels; refers to a list that must outlive the call it is
/// passed to.
class Levels {
 public:
  Levels(const Level& level) : one_(level) {}  // NOLINT: implicit by design
  Levels(std::span<const Level> each) : each_(each), shared_(false) {}     // NOLINT
  Levels(const std::vector<Level>& each) : each_(each), shared_(false) {}  // NOLINT
  /// Levels [B, groups]. Throws ArgumentError unless there is a group.
  Levels(std::span<const Level> each, Index groups) : each_(each), groups_(groups), shared_(false) {
    if (groups < 1) raise<ArgumentError>("Levels: ", groups, " groups, needed at least 1");
  }

  /// True if all samples share one level.
  bool shared() const { return shared_; }
  /// Groups of a sample that have a level of their own; 1 where a sample has one level.
  Index groups() const { return groups_; }
  /// Level of row i: of sample i, or of group i % groups of sample i / groups.
  const Level& operator[](Index i) const {
    return shared() ? one_ : each_[static_cast<std::size_t>(i)];
  }

  /// For code that knows one level a sample: throws ShapeError unless there is one level, or one
  /// for each of `batch` samples.
  void check(Index batch, const char* where) const {
    if (groups_ > 1)
      raise<ShapeError>(where, ": ", groups_,
                        " groups with a level each, needed one level a sample");
    check_number(batch, where);
  }
  /// For code that knows groups: the number of rows with one level each that a batch of samples of
  /// `sample_size` elements falls into, batch * groups. Throws ShapeError for another number of
  /// levels, and if the groups do not divide the sample.
  Index rows(Index batch, Index sample_size, const char* where) const {
    check_number(batch, where);
    if (sample_size % groups_ != 0)
      raise<ShapeError>(where, ": samples of ", sample_size, " elements can not be in ", groups_,
                        " groups of one size");
    return batch * groups_;
  }

 private:
  friend class OwnedLevels;
  void check_number(Index batch, const char* where) const {
    if (shared() || static_cast<Index>(each_.size()) == batch * groups_) return;
    if (groups_ == 1)
      raise<ShapeError>(where, ": ", each_.size(), " levels for a batch of ", batch);
    raise<ShapeError>(where, ": ", each_.size(), " levels for a batch of ", batch, " with ",
                      groups_, " groups");
  }

  Level one_;
  std::span<const Level> each_;
  Index groups_ = 1;
  bool shared_ = true;
};

/// Levels with a list of their own, for what outlives a call: a backward pass.
class OwnedLevels {
 public:
  /// Levels [B, groups]; see Levels.
  OwnedLevels(pool::Vector<Level> each, Index groups)
      : levels_(std::span<const Level>(each), groups), each_(std::move(each)) {}
  explicit OwnedLevels(const Levels& levels)
      : levels_(levels), each_(levels.each_.begin(), levels.each_.end()) {}

  Levels get() const {
    Levels out = levels_;
    out.each_ = each_;
    return out;
  }

 private:
  Levels levels_;
  pool::Vector<Level> each_;
};

/// What a rule or a denoiser may be given: one level for the batch, or Levels.
template <class L>
concept AnyLevels = std::same_as<L, Level> || std::same_as<L, Levels>;

/// d(x, levels) is an X like x: D is a denoiser of X, a Tensor or a Var, at an L, a Level or
/// Levels.
template <class D, class X, class L>
concept Answers = requires(const std::remove_reference_t<D>& d, const X& x, const L& levels) {
  { d(x, levels) } -> std::convertible_to<X>;
};

}  // namespace foglift::inline v0
