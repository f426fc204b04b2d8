#pragma once

#include "foglift/core/rng.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

namespace foglift::inline v0::train {

/// Which examples step k sees: the epochs' permutations of [0, examples), one after another, cut
/// into batches. Every epoch is shuffled by its own key (seed, epoch), so a batch follows from
/// (seed, k) alone and a resumed run needs no stored position. A batch may span two epochs.
class Shuffle {
 public:
  /// An order takes 8 bytes an example, for as many as this at most.
  static constexpr Index at_most = Index{1} << 32;

  /// Throws ArgumentError unless examples and batch are in [1, at_most].
  Shuffle(Index examples, Index batch, std::uint64_t seed)
      : examples_(examples), batch_(batch), rng_(Rng(seed).stream(0x5AFF1E)) {
    if (examples <= 0 || batch <= 0 || examples > at_most || batch > at_most)
      raise<ArgumentError>("Shuffle: batches of ", batch, " from ", examples,
                           " examples, both must be in [1, ", at_most, ']');
  }

  /// The examples of step `step`. Throws ArgumentError for a negative step, for one whose examples
  /// can not be counted, and if there is no memory for an order of all examples.
  std::vector<Index> operator()(Index step) {
    if (step < 0 || step >= std::numeric_limits<Index>::max() / batch_)
      raise<ArgumentError>("Shuffle: step ", step, " in batches of ", batch_,
                           ", must be at least 0 and within the numbers");
    std::vector<Index> out;
    try {
      out.reserve(static_cast<std::size_t>(batch_));
      permutation_.resize(static_cast<std::size_t>(examples_));
    } catch (const std::bad_alloc&) {
      raise<ArgumentError>("Shuffle: no memory for batches of ", batch_, " and an order of ",
                           examples_, " examples, 8 bytes each");
    }
    for (Index at = step * batch_; at < (step + 1) * batch_; ++at) {
      if (at / examples_ != epoch_) permute(at / examples_);
      out.push_back(permutation_[static_cast<std::size_t>(at % examples_)]);
    }
    return out;
  }

 private:
  /// Fisher & Yates.
  void permute(Index epoch) {
    std::iota(permutation_.begin(), permutation_.end(), Index{0});
    const Rng rng = rng_.stream(static_cast<std::uint64_t>(epoch));
    for (Index i = examples_ - 1; i > 0; --i)
      std::swap(
          permutation_[static_cast<std::size_t>(i)],
          permutation_[static_cast<std::size_t>(rng.index(i + 1, static_cast<std::uint64_t>(i)))]);
    epoch_ = epoch;
  }

  Index examples_, batch_;
  Rng rng_;
  Index epoch_ = -1;
  std::vector<Index> permutation_;
};

}  // namespace foglift::inline v0::train
